/** The keepers of what runs for keys in the tree: they look after programs, sessions and services from when those are there. */
import { Effect, Option, Schema } from "effect"
import type { Jobs } from "../../actors/job/Jobs.js"
import * as Evicting from "../../actors/key/Evicting.js"
import * as Holding from "../../actors/key/Holding.js"
import type { Services } from "../../actors/service/Services.js"
import type { Sessions } from "../../actors/session/Sessions.js"
import { SessionId } from "../../events/Ids.js"
import { ServiceTable } from "../projections/ServiceTable.js"
import { SessionTable } from "../projections/SessionTable.js"
import * as DiskRoom from "./DiskRoom.js"
import type { Root } from "./Root.js"

const rules = { strategy: "one_for_one", intensity: 10, period: "30 seconds" } as const
const backoff = { first: "50 millis", max: "2 seconds" } as const
const worker = { restart: "permanent", shutdown: "10 seconds" } as const

const isSession = Schema.is(SessionId)

interface Kept {
  readonly jobs: typeof Jobs.Service
  readonly sessions: typeof Sessions.Service
  readonly services: typeof Services.Service
}

export const watch = ({ branch }: Root, { jobs, services, sessions }: Kept) =>
  Effect.gen(function* () {
    const sessionTable = yield* SessionTable
    const serviceTable = yield* ServiceTable
    const ownerOf: Holding.Places["ownerOf"] = (id) =>
      isSession(id)
        ? Effect.map(
            sessionTable.find(id),
            Option.map(({ owner }) => owner)
          )
        : Effect.map(
            serviceTable.find(id),
            Option.map(({ owner }) => owner)
          )
    const children = [
      { ...worker, name: "keeper", start: yield* Holding.make({ ...DiskRoom.placesOf(sessions, services), ownerOf }) },
      { ...worker, name: "evictor", start: yield* Evicting.make(jobs) }
    ]
    yield* branch({ ...rules, backoff, name: "keys", children })
  })
