/** The keeper of what keys own in the tree: it looks after sessions and services from when they are there. */
import { Effect, Option, Schema } from "effect"
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

export const watch = ({ branch }: Root, sessions: typeof Sessions.Service, services: typeof Services.Service) =>
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
    const start = yield* Holding.make({ ...DiskRoom.placesOf(sessions, services), ownerOf })
    yield* branch({ ...rules, backoff, name: "keys", children: [{ ...worker, name: "keeper", start }] })
  })
