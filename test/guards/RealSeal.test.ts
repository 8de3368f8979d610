/** D23 on what the kernel says about real containers. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { Effect, Either } from "effect"
import { expect } from "vitest"
import { containerSealed } from "../../src/guards/ContainerSealed.js"
import { layer } from "../../src/substrate/local/LocalSubstrate.js"
import { Substrate } from "../../src/substrate/Substrate.js"
import { box, limits, running } from "../substrate/running.js"
import { live } from "../support/it.js"

const directory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync("/tmp/unsandbox-test-")),
  (data) => Effect.sync(() => rmSync(data, { recursive: true, force: true }))
)

const examined = Effect.gen(function* () {
  const { weak } = yield* Effect.flatMap(Substrate, ({ facts }) => facts)
  const [one, two] = yield* Effect.all([box(), box()])
  const passes = (seal: ReadonlyMap<string, string>, asked = limits, others: ReadonlyArray<string> = []) =>
    Either.isRight(containerSealed.decide({ container: "box", seal, limits: asked, weak, others: new Set(others) }))
  const spaces = (seal: ReadonlyMap<string, string>) =>
    [...seal].flatMap(([key, value]) => (key.startsWith("ns.") ? [value] : []))

  expect(passes(one.seal, limits, spaces(two.seal))).toBe(true)
  expect(passes(one.seal, limits, spaces(one.seal).slice(-1))).toBe(false)
  expect(readFileSync(`/proc/${one.seal.get("pid")}/status`, "utf8")).toMatch(/^Seccomp:\t2$/m)

  const smaller = { ...limits, memoryBytes: 2 ** 27 + 1, cpuMillis: 700, pids: 32 }
  const read = yield* one.limit(smaller)
  expect(passes(read, smaller)).toBe(true)
  // Where the operator accepted that there are no limits, none can be missed.
  const missed = weak.length === 0 ? [{ memoryBytes: 2 ** 28 }, { cpuMillis: 1000 }, { pids: 33 }] : []
  for (const changes of missed) expect(passes(read, { ...smaller, ...changes })).toBe(false)
})

live("D23 passes a real container, and not with other limits or another's namespaces", () =>
  Effect.flatMap(directory, (data) => running(layer({ data, acceptWeak: true }), examined))
)
