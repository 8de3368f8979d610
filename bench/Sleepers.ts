/** What services cost while nobody wants them: memory each, and CPU of the server, frozen and deeply frozen. */
import { Effect, Exit } from "effect"
import type { Credentials } from "../src/cli/Client.js"
import type { ServerProcess } from "../src/cli/ServerProcess.js"
import * as Cpu from "./Cpu.js"
import { IDLE } from "./Freezes.js"
import { familyKb, memoryKb } from "./Machine.js"
import { directory, server } from "./Servers.js"
import * as Services from "./Services.js"

export interface Crowd {
  readonly services: number
  readonly stillSeconds: number
}

const settled = Effect.sleep("2 seconds")

/** Each is promised a part of its limit, and a thousand of them together no more than the machine has. */
const SMALL = ["--memory-per-vcpu", "64MiB"]
const AT_A_TIME = 8

/** KiB of a server, its spawner and its containers, and of the kernel's slab: what other programs take is not in it. */
const taken = ({ pid }: ServerProcess) => Effect.sync(() => familyKb(pid) + memoryKb("Slab"))

/** With a server that has nothing to do. */
const empty = Effect.scoped(Effect.flatMap(Effect.zipLeft(server("8"), settled), taken))

/** Milliseconds of CPU a second, of a server, its spawner and all that runs in its containers. */
const still = (of: ServerProcess, seconds: number) =>
  Effect.map(Cpu.cpu(of.pid, Effect.sleep(seconds * 1_000)), ([{ containers, server, spawner }]) => {
    const used = [containers, server, spawner].reduce((sum, { system, user }) => sum + system + user, 0)
    return used / seconds
  })

/** At the same time as a server that has none: whatever else the machine does weighs on both. */
const beside = Effect.fnUntraced(function* (of: ServerProcess, seconds: number) {
  const none = yield* server("8")
  yield* settled
  return yield* Effect.all({ some: still(of, seconds), none: still(none, seconds) }, { concurrency: "unbounded" })
}, Effect.scoped)

/** Made, run and frozen; those that are `wanted` so in the end. */
const frozen = (of: Credentials, count: number, wanted: typeof Services.runs) =>
  Effect.forEach(
    Array.from({ length: count }),
    () =>
      Effect.gen(function* () {
        const service = yield* Services.made(of, IDLE, {}, (exit) => Exit.isFailure(exit) || wanted !== Services.sleeps)
        yield* Services.until(of, service, Services.runs)
        yield* Services.order(of, service, "freeze")
        yield* Services.until(of, service, wanted)
      }),
    { concurrency: AT_A_TIME, discard: true }
  )

const shallow = Effect.fnUntraced(function* ({ services, stillSeconds }: Crowd, before: number) {
  const of = yield* server(`8:${services + 64}`, undefined, SMALL)
  yield* frozen(of, services, Services.rests)
  yield* settled
  const kb = ((yield* taken(of)) - before) / services
  return { kb, cpu: yield* beside(of, stillSeconds) }
}, Effect.scoped)

/** Their server is another one than the one that made them: what is left is what they cost, not what making them did. */
const deep = Effect.fnUntraced(function* ({ services, stillSeconds }: Crowd, before: number) {
  const data = yield* directory
  yield* Effect.scoped(
    Effect.flatMap(server("8:64", data, [...SMALL, "--deep-freeze", "1ms"]), (of) =>
      frozen(of, services, Services.sleeps)
    )
  )
  const of = yield* server("8", data)
  yield* settled
  const kb = ((yield* taken(of)) - before) / services
  return { kb, cpu: yield* beside(of, stillSeconds) }
}, Effect.scoped)

export const sleepers = Effect.fnUntraced(function* (crowd: Crowd) {
  const light = yield* shallow(crowd, yield* empty)
  const heavy = yield* deep(crowd, yield* empty)
  return {
    frozen_services: crowd.services,
    frozen_service_kb: light.kb,
    deep_frozen_service_kb: heavy.kb,
    frozen_cpu_ms_per_s: light.cpu.some,
    deep_frozen_cpu_ms_per_s: heavy.cpu.some,
    none_frozen_cpu_ms_per_s: (light.cpu.none + heavy.cpu.none) / 2
  }
})
