/** Services in the tree: their actors and keepers, and what they stand on. */
import { Effect } from "effect"
import { Jobs } from "../../actors/job/Jobs.js"
import { Slots } from "../../actors/key/Slots.js"
import { Pools } from "../../actors/pool/Pools.js"
import * as ServicesLive from "../../actors/service/ServicesLive.js"
import type { Settings } from "../cli/Settings.js"
import * as Children from "../kernel/Children.js"
import * as Root from "./Root.js"
import type { Sizing } from "./Sizing.js"

/** As many with a container at one time; those that sleep deeply are not counted, and cost nothing here. */
const SERVICES = 10_000

const many = { bound: SERVICES, restart: "transient", intensity: 5, period: "10 seconds" } as const

const range = (text: string) => {
  const [first = 0, last = 0] = text.split("-").map(Number)
  return { first, last }
}

/** What a former server left goes on; `run` is to be supervised. */
export const make = (
  { deepFreezeMillis, outputCapBytes: outputCap, serviceLogBytes: logBytes, tcpPorts }: Settings,
  { limits }: Sizing
) =>
  Effect.gen(function* () {
    const actors = yield* Children.make({ ...many, name: "services" })
    // Stopped before their actors: a keeper's last word is an actor's to write.
    const keepers = yield* Children.make({ ...many, name: "keepers" })
    const own = { actors, keepers, limits, logBytes, outputCap, deepFreezeMillis, publicPorts: range(tcpPorts) }
    return yield* ServicesLive.make({ ...own, pools: yield* Pools, jobs: yield* Jobs, slots: yield* Slots })
  }).pipe(Root.at(Root.PATH))
