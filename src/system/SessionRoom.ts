/** Sessions in the tree: their actors, and what they stand on. */
import { Effect } from "effect"
import { Slots } from "../../actors/key/Slots.js"
import { Pools } from "../../actors/pool/Pools.js"
import * as SessionsLive from "../../actors/session/SessionsLive.js"
import type { Settings } from "../cli/Settings.js"
import * as Children from "../kernel/Children.js"
import { EventLog } from "../log/EventLog.js"
import { Blobs } from "../store/Blobs.js"
import { Layers } from "../store/Layers.js"
import { Recordings } from "../store/Recordings.js"
import { Volumes } from "../store/Volumes.js"
import * as Root from "./Root.js"
import type { Sizing } from "./Sizing.js"

/** As many at one time; those at rest cost a few kilobytes each. */
const SESSIONS = 10_000

const many = { intensity: 5, period: "10 seconds" } as const

export const make = ({ deepFreezeMillis, outputCapBytes, sessionGraceMillis }: Settings, { limits }: Sizing) =>
  Effect.gen(function* () {
    const children = yield* Children.make({ ...many, name: "sessions", bound: SESSIONS, restart: "transient" })
    return yield* SessionsLive.make({
      children,
      limits,
      log: yield* EventLog,
      pools: yield* Pools,
      slots: yield* Slots,
      volumes: yield* Volumes,
      layers: yield* Layers,
      blobs: yield* Blobs,
      recordings: yield* Recordings,
      outputCap: outputCapBytes,
      waits: { graceMillis: sessionGraceMillis, deepFreezeMillis }
    })
  }).pipe(Root.at(Root.PATH))
