import { Either } from "effect"
import { describe, expect, it } from "vitest"
import { stream } from "../../events/Envelope.js"
import { type Capacity, capacityAvailable } from "../../src/guards/CapacityAvailable.js"
import type { Guard, Permit, Refused } from "../../src/guards/Guard.js"
import { type LanguageAsked, languageRunnable } from "../../src/guards/LanguageRunnable.js"
import { logDurable } from "../../src/guards/LogDurable.js"
import { networkPermitted } from "../../src/guards/NetworkPermitted.js"
import { type Found, resourceKnown } from "../../src/guards/ResourceKnown.js"
import { resourceOwned } from "../../src/guards/ResourceOwned.js"
import { type Lock, resourceUnlocked } from "../../src/guards/ResourceUnlocked.js"
import { refuseRejected, transitionLegal } from "../../src/guards/TransitionLegal.js"
import { JOB, KEY } from "./points.js"

type Point = Permit<"D10">["point"] | "D12" | "D14" | "D16" | "D17" | "D20" | "D22" | "D26"

const passes = <P extends Point, F, C>(guard: Guard<P, F, C>, facts: F): C =>
  Either.getOrThrow(guard.decide(facts)).facts

const refuses = <P extends Point, F, C>(guard: Guard<P, F, C>, facts: F): Refused =>
  Either.getOrThrow(Either.flip(guard.decide(facts)))

describe("D10 capacity-available", () => {
  const GIB = 2 ** 30
  const capacity: Capacity = {
    pool: "zerotrust",
    promisedBytes: 2 * GIB,
    askedBytes: 2 * GIB,
    capacityBytes: 4 * GIB,
    waiting: 0,
    waitingMaximum: 2,
    waitedMillis: 0,
    queueMillis: 30_000
  }
  const table: ReadonlyArray<readonly [string, Partial<Capacity>, string, number]> = [
    ["one byte too much", { promisedBytes: 2 * GIB + 1 }, "no_capacity", 503],
    ["more than there is", { askedBytes: 4 * GIB + 1, promisedBytes: 0 }, "exceeds_capacity", 400],
    ["a pool without memory", { capacityBytes: 0 }, "exceeds_capacity", 400],
    ["a full queue", { waiting: 2 }, "queue_full", 503],
    ["a wait that is over", { waitedMillis: 30_000 }, "no_capacity", 503]
  ]
  it("passes up to the last byte", () => expect(passes(capacityAvailable, capacity)).toEqual(capacity))
  it("passes the last place in line", () => passes(capacityAvailable, { ...capacity, waiting: 1 }))
  for (const [what, changes, code, status] of table)
    it(`refuses ${what}`, () => {
      const { certainty, reason } = refuses(capacityAvailable, { ...capacity, ...changes })
      expect([certainty, reason.code, reason.status]).toEqual(["refused", code, status])
      expect(reason.retryAfterSeconds).toBe(status === 503 ? 1 : undefined)
    })
  it("does not add up what cannot be added", () => {
    const huge = { ...capacity, promisedBytes: 2 ** 53, capacityBytes: 2 ** 53 }
    expect(refuses(capacityAvailable, huge).certainty).toBe("uncertain")
  })
})

describe("D12 language-runnable", () => {
  const asked: LanguageAsked = {
    asked: "PY",
    known: "python",
    runnable: true,
    suggestion: undefined,
    installCommand: undefined
  }
  it("carries the language's id", () => expect(passes(languageRunnable, asked)).toEqual({ language: "python" }))
  it("asks for a name when there is none", () =>
    expect(refuses(languageRunnable, { ...asked, asked: undefined }).reason).toMatchObject({
      code: "language_required",
      status: 400
    }))
  it("suggests the nearest", () => {
    const { reason } = refuses(languageRunnable, { ...asked, asked: "pyhton", known: undefined, suggestion: "python" })
    expect(reason).toMatchObject({ code: "unknown_language", status: 400, details: { suggestion: "python" } })
    expect(reason.message).toContain('"pyhton"')
  })
  it("names what installs it", () => {
    const missing = { ...asked, runnable: false, installCommand: "unsandbox languages install python" }
    const { reason } = refuses(languageRunnable, missing)
    expect(reason).toMatchObject({ code: "language_unavailable", status: 400 })
    expect(reason.message).toContain("unsandbox languages install python")
    expect(refuses(languageRunnable, { ...asked, runnable: false }).reason.code).toBe("language_unavailable")
  })
  it("refuses WebAssembly where the language has no such target, or the server has not", () => {
    expect(passes(languageRunnable, { ...asked, wasm: "here" })).toEqual({ language: "python" })
    const none = refuses(languageRunnable, { ...asked, wasm: "no target" }).reason
    expect(none).toMatchObject({ code: "wasm_unsupported", status: 400, details: { field: "return_wasm_artifact" } })
    const install = "unsandbox languages install --wasm c"
    const absent = { ...asked, known: "c", wasm: "not installed", installCommand: install } as const
    expect(refuses(languageRunnable, absent).reason).toMatchObject({
      code: "wasm_unavailable",
      status: 400,
      message: expect.stringContaining(install),
      details: { language: "c", install }
    })
  })
  it("is not fooled by a runnable language that nobody knows", () =>
    expect(refuses(languageRunnable, { ...asked, known: undefined }).reason.code).toBe("unknown_language"))
  it("quotes no more than a line of what was asked", () => {
    const { reason } = refuses(languageRunnable, { ...asked, asked: `a\n${"b".repeat(9999)}`, known: undefined })
    expect(reason.message.length).toBeLessThan(200)
    expect(reason.message).not.toContain("\n")
  })
})

describe("D14 network-permitted", () => {
  const available = ["zerotrust"] as const
  it("passes a mode that is there, and carries it alone", () =>
    expect(passes(networkPermitted, { mode: "zerotrust", available })).toEqual({ mode: "zerotrust" }))
  it("refuses semitrusted while there is none", () =>
    expect(refuses(networkPermitted, { mode: "semitrusted", available }).reason).toMatchObject({
      code: "network_mode_unavailable",
      status: 403
    }))
  it("refuses all when no pool is enabled", () =>
    expect(refuses(networkPermitted, { mode: "zerotrust", available: [] }).certainty).toBe("refused"))
})

describe("D16 resource-known", () => {
  const sought = { kind: "job", resource: "unsb-job-1", actor: KEY } as const
  const owner = "unsb-pk-else-0000"
  it("passes the owner's own", () =>
    expect(passes(resourceKnown, { ...sought, found: { owner: KEY } })).toEqual({
      kind: "job",
      resource: "unsb-job-1",
      actor: KEY,
      owner: KEY
    }))
  it("tells a stranger exactly what it tells of what never was", () => {
    const strange: ReadonlyArray<Found | undefined> = [
      undefined,
      { owner },
      { owner, gone: "destroyed" },
      { owner, gone: "expired" }
    ]
    const told = strange.map((found) => {
      const { note: _, ...wire } = refuses(resourceKnown, { ...sought, found }).reason
      return wire
    })
    expect(told[0]).toMatchObject({ code: "not_found", status: 404 })
    for (const one of told) expect(one).toEqual(told[0])
  })
  it("tells the log the difference", () =>
    expect(refuses(resourceKnown, { ...sought, found: { owner } }).reason.note).toBe("it belongs to another key"))
  for (const gone of ["destroyed", "expired"] as const)
    it(`tells the owner that it was ${gone}`, () =>
      expect(refuses(resourceKnown, { ...sought, found: { owner: KEY, gone } }).reason).toMatchObject({
        code: "gone",
        status: 410,
        details: { was: gone }
      }))
})

describe("D17 resource-owned", () => {
  const facts = { kind: "job", actor: KEY, resource: JOB, owner: KEY } as const
  it("passes the owner", () => expect(passes(resourceOwned, facts)).toEqual(facts))
  it("refuses everybody else without naming the owner", () => {
    const { reason } = refuses(resourceOwned, { ...facts, owner: "unsb-pk-else-0000" })
    expect(reason).toMatchObject({ code: "not_owner", status: 403 })
    expect(JSON.stringify(reason)).not.toContain("unsb-pk-else-0000")
  })
  for (const changes of [{ owner: "" }, { actor: "" }, { actor: "", owner: "" }])
    it(`knows no unowned: ${JSON.stringify(changes)}`, () =>
      expect(refuses(resourceOwned, { ...facts, ...changes }).certainty).toBe("uncertain"))
  it("compares exactly", () =>
    expect(refuses(resourceOwned, { ...facts, actor: KEY.toUpperCase() }).certainty).toBe("refused"))
})

describe("D22 transition-legal", () => {
  const transition = { resource: "unsb-job-1", command: "Cancel", state: "Absent" }
  it("passes what the state machine allowed", () => passes(transitionLegal, { ...transition, legal: true }))
  it("refuses with the state it was in", () =>
    expect(refuses(transitionLegal, { ...transition, legal: false }).reason).toMatchObject({
      code: "illegal_transition",
      status: 409,
      details: { command: "Cancel", state: "Absent" }
    }))
  it("tells an actor's rejection", () =>
    expect(refuseRejected("unsb-job-1", { command: "Cancel", in: "Absent" })).toMatchObject({
      point: "D22",
      certainty: "refused",
      reason: { status: 409 }
    }))
})

describe("D26 log-durable", () => {
  const name = stream("job", "unsb-job-1")
  const row = (seq: number, changes: object = {}) => ({ seq, stream: name, hash: "a".repeat(64), ...changes })
  it("carries what was written", () =>
    expect(passes(logDurable, { stream: name, rows: [row(7), row(8)] })).toEqual({
      stream: name,
      firstSeq: 7,
      lastSeq: 8
    }))
  const table = {
    nothing: [],
    "another stream's row": [row(7), row(8, { stream: stream("job", "unsb-job-2") })],
    "rows out of order": [row(8), row(7)],
    "a row twice": [row(7), row(7)],
    "a row without its seq": [row(0)],
    "a row without its hash": [row(7, { hash: "" })]
  }
  for (const [what, rows] of Object.entries(table))
    it(`is uncertain about ${what}`, () =>
      expect(refuses(logDurable, { stream: name, rows })).toMatchObject({
        certainty: "uncertain",
        reason: { code: "not_durable", status: 503 }
      }))
})

describe("D20 resource-unlocked", () => {
  const facts: Lock = { kind: "job", resource: JOB, locked: false }
  it("passes what nobody locked", () => expect(passes(resourceUnlocked, facts)).toEqual(facts))
  it("refuses what is locked and says how to unlock it", () => {
    const { reason } = refuses(resourceUnlocked, { ...facts, locked: true })
    expect(reason).toMatchObject({ code: "locked", status: 409 })
    expect(reason.message).toContain(`POST /jobs/${JOB}/unlock`)
  })
})
