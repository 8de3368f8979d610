/** Control planes that die or stop, and what is there afterwards: what they kept, and nothing else. */
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs"
import { join } from "node:path"
import { Effect, type Scope } from "effect"
import { afterAll, beforeAll, describe, expect } from "vitest"
import { builtMembrane, layer } from "../../src/substrate/local/LocalSubstrate.js"
import { Substrate } from "../../src/substrate/Substrate.js"
import { live } from "../support/it.js"
import { cgroupsOf, membranesOf } from "../support/leftovers.js"
import { compiled, holder } from "./killing.js"
import { directory } from "./membrane.js"
import { answering, box, eventually, limits, running, says } from "./running.js"

const acceptWeak = process.geteuid?.() !== 0
let aside: string
beforeAll(() => {
  aside = compiled()
})
afterAll(() => rmSync(aside, { recursive: true }))

const alive = (pid: number) =>
  existsSync(`/proc/${pid}/stat`) && !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"))
const gone = (...pids: ReadonlyArray<number>) => eventually(Effect.sync(() => !pids.some(alive)))

const found = Effect.flatMap(Substrate, ({ kept }) => kept)

interface Place {
  readonly data: string
  readonly holding: {
    readonly data: string
    readonly binary: string
    readonly acceptWeak: boolean
    readonly log: string
  }
  readonly lives: <A, E>(body: Effect.Effect<A, E, Substrate | Scope.Scope>) => Effect.Effect<A, unknown>
}

/** A data directory in which nothing is left at the end, nor anything of it in the kernel. */
const inPlace = (body: (place: Place) => Effect.Effect<unknown, unknown, Scope.Scope>) =>
  Effect.gen(function* () {
    const data = yield* Effect.acquireRelease(
      Effect.sync(() => directory()),
      (data) => Effect.sync(() => rmSync(data, { recursive: true }))
    )
    const holding = { data, binary: builtMembrane, acceptWeak, log: join(data, "log") }
    yield* body({ data, holding, lives: (body) => running(layer({ data, acceptWeak }), body) })
    yield* eventually(Effect.sync(() => membranesOf(data).length + cgroupsOf(data).length === 0))
    const run = join(data, "run")
    yield* eventually(Effect.sync(() => !existsSync(run) || readdirSync(run).length === 0))
  })

describe("a control plane that is killed", () => {
  live("leaves what it kept, and its successor finds it", () =>
    inPlace(({ holding, lives }) =>
      Effect.gen(function* () {
        const { kill, pids } = yield* holder(aside, { ...holding, keeps: true, stops: false })
        yield* kill
        yield* gone(pids[1])
        const size = statSync(holding.log).size
        yield* eventually(Effect.sync(() => statSync(holding.log).size > size + 20))
        yield* lives(
          Effect.gen(function* () {
            const [kept, ...more] = yield* found
            if (kept === undefined) return yield* Effect.dieMessage("nothing was kept")
            expect([kept.label, kept.launched.length, more.length]).toEqual(["survivor", 1, 0])
            expect(kept.container.seal.get("pid")).toBe(String(pids[0]))
            // The launched one counts on; the one whose output went to the dead does not.
            const counting = says(kept.container, "cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -c 'whil[e]'")
            yield* eventually(Effect.map(counting, (count) => count === "1"))
            yield* kept.launched[0]?.signal(9) ?? Effect.void
            expect(yield* kept.launched[0]?.exited ?? Effect.void).toMatchObject({ how: "signalled", code: 9 })
            expect(yield* kept.container.destroy).toMatchObject({ reason: "asked", left: 0 })
          })
        )
      })
    )
  )

  live("without anything kept leaves nothing, and its successor starts at once", () =>
    inPlace(({ holding, lives }) =>
      Effect.gen(function* () {
        for (let round = 0; round < 3; round++) {
          const { kill, pids } = yield* holder(aside, { ...holding, keeps: false, stops: false })
          yield* kill
          const said = yield* lives(
            Effect.gen(function* () {
              expect(yield* found).toEqual([])
              return yield* says(yield* box(), "echo fresh")
            })
          )
          expect(said).toBe("fresh")
          yield* gone(...pids)
        }
      })
    )
  )

  live("many times over leaves one container alone", () =>
    inPlace(({ holding, lives }) =>
      Effect.gen(function* () {
        const { kill } = yield* holder(aside, { ...holding, keeps: true, stops: false })
        yield* kill
        const seals = new Set<string | undefined>()
        for (let round = 0; round < 5; round++)
          yield* lives(
            Effect.map(found, (all) => {
              expect(all.length).toBe(1)
              for (const { container } of all) seals.add(container.seal.get("ns.pid"))
            })
          )
        expect(seals.size).toBe(1)
        yield* lives(Effect.flatMap(found, (all) => Effect.all(all.map(({ container }) => container.destroy))))
      })
    )
  )
})

describe("a control plane that stops", () => {
  live("ends although what it kept goes on", () =>
    inPlace(({ data, holding, lives }) =>
      Effect.gen(function* () {
        const { ended, pids } = yield* holder(aside, { ...holding, keeps: true, stops: true })
        expect(yield* Effect.timeout(ended, "10 seconds")).toBe(0)
        yield* gone(pids[1])
        expect(alive(pids[0])).toBe(true)
        expect(membranesOf(data).length).toBeGreaterThan(1)
        yield* lives(Effect.flatMap(found, (all) => Effect.all(all.map(({ container }) => container.destroy))))
      })
    )
  )

  live("without anything kept takes everything along", () =>
    inPlace(({ data, holding }) =>
      Effect.gen(function* () {
        const { ended, pids } = yield* holder(aside, { ...holding, keeps: false, stops: true })
        expect(yield* Effect.timeout(ended, "10 seconds")).toBe(0)
        expect([pids.some(alive), membranesOf(data)]).toEqual([false, []])
      })
    )
  )
})

describe("a spawner that keeps something", () => {
  live("is neither replaced nor cleared when its socket was removed: that is told", () =>
    inPlace(({ data, holding, lives }) =>
      Effect.gen(function* () {
        const { kill, pids } = yield* holder(aside, { ...holding, keeps: true, stops: false })
        yield* kill
        const run = join(data, "run")
        for (const name of readdirSync(run)) if (name.startsWith("control-")) rmSync(join(run, name))
        const { reason } = yield* Effect.flatMap(Substrate, (substrate) => Effect.flip(substrate.run)).pipe(
          Effect.provide(layer({ data, acceptWeak }))
        )
        expect(reason).toMatch(/another spawner named .* is running/)
        expect(alive(pids[0])).toBe(true)
        process.kill(Math.min(...membranesOf(data)), "SIGTERM")
        yield* gone(pids[0])
        expect(yield* lives(found)).toEqual([])
      })
    )
  )
})

describe("a spawner whose directory is deleted", () => {
  live("cannot be found any more, and ends with all that it keeps", () =>
    inPlace(({ data, holding }) =>
      Effect.gen(function* () {
        const { kill, pids } = yield* holder(aside, { ...holding, keeps: true, stops: false })
        yield* kill
        const spawner = Math.min(...membranesOf(data))
        rmSync(join(data, "run"), { recursive: true })
        yield* gone(pids[0])
        yield* gone(spawner)
      })
    )
  )
})

describe("a spawner that is killed", () => {
  live("takes what it kept along, also when it was another's child", () =>
    inPlace(({ data, holding, lives }) =>
      Effect.gen(function* () {
        const { kill, pids } = yield* holder(aside, { ...holding, keeps: true, stops: false })
        yield* kill
        const lost = yield* Effect.gen(function* () {
          const { run } = yield* Substrate
          const ending = yield* Effect.fork(Effect.flip(run))
          yield* answering
          const [kept] = yield* found
          process.kill(Math.min(...membranesOf(data)), "SIGKILL")
          expect(yield* kept?.container.gone ?? Effect.void).toMatchObject({ reason: "lost", left: null })
          return yield* ending
        }).pipe(Effect.provide(layer({ data, acceptWeak })))
        expect(lost.reason).toContain("it ended")
        yield* gone(...pids)
        yield* lives(
          Effect.gen(function* () {
            expect(yield* found).toEqual([])
            const { create } = yield* Substrate
            expect(yield* says(yield* create("box", limits), "echo fresh")).toBe("fresh")
          })
        )
      })
    )
  )
})
