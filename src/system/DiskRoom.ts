/** The keeper of the disk in the tree. It stands before sessions and services, and looks after them from when they are there. */
import { Effect, Schema } from "effect"
import * as Doors from "../../actors/disk/Doors.js"
import * as Keeping from "../../actors/disk/Keeping.js"
import type { Services } from "../../actors/service/Services.js"
import type { Sessions } from "../../actors/session/Sessions.js"
import { SessionId } from "../../events/Ids.js"
import type { Settings } from "../cli/Settings.js"
import type { Root } from "./Root.js"

const rules = { strategy: "one_for_one", intensity: 10, period: "30 seconds" } as const
const backoff = { first: "50 millis", max: "2 seconds" } as const
const worker = { restart: "permanent", shutdown: "10 seconds" } as const

const isSession = Schema.is(SessionId)

/** Where programs run, whatever they are of. */
export const placesOf = (sessions: typeof Sessions.Service, services: typeof Services.Service): Keeping.Places => ({
  running: Effect.zipWith(sessions.running, services.running, (some, more) => [...some, ...more]),
  hold: (id, hold): Effect.Effect<void, unknown> => (isSession(id) ? sessions.hold(id, hold) : services.hold(id, hold))
})

export const make = ({ branch }: Root, { volumeBytes }: Settings) =>
  Effect.gen(function* () {
    const keeper = yield* Keeping.make({ volumeBytes })
    const doors = yield* Doors.make(keeper)
    const watch = (sessions: typeof Sessions.Service, services: typeof Services.Service) => {
      const start = keeper.run(placesOf(sessions, services))
      return branch({ ...rules, backoff, name: "disk", children: [{ ...worker, name: "keeper", start }] })
    }
    return { ...doors, watch }
  })

export type DiskRoom = Effect.Effect.Success<ReturnType<typeof make>>
