/** Looks services up for those who may see them, with the permits for what they want to do. */
import { Effect, Option, Schema } from "effect"
import { ServiceId } from "../../../events/Ids.js"
import type { Found } from "../../guards/ResourceKnown.js"
import type { LogUnavailable } from "../../log/EventLog.js"
import { ServiceTable, type ServiceView } from "../../projections/ServiceTable.js"
import * as Asking from "../Asking.js"
import { Problem } from "../Problem.js"

const vanished = new Problem({ status: 404, code: "not_found", message: "There is no such service." })

/** What is destroyed is no more. */
const found = ({ ended, owner }: ServiceView): Found =>
  ended === null ? { owner } : { owner, gone: "destroyed", cause: ended.cause }

export const findable = Effect.map(ServiceTable, ({ find }) => {
  return { kind: "service", isId: Schema.is(ServiceId), find, found } as const
})

export const make = Effect.gen(function* () {
  const table = yield* ServiceTable
  const guarding = yield* Asking.make
  const services = yield* findable

  const own = (id: string, asking: Asking.Asking) => guarding.own(services, id, asking)

  const unlocked = ({ locked, service }: ServiceView, asking: Asking.Asking) =>
    guarding.unlocked("service", service, locked, asking)

  /** After a change. */
  const again = (id: ServiceId): Effect.Effect<ServiceView, LogUnavailable | Problem> =>
    Effect.flatMap(table.find(id), Option.match({ onNone: () => vanished, onSome: Effect.succeed }))

  return { own, unlocked, again }
})
