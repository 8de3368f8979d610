/** Looks services up for those who may see them, with the permits for what they want to do. */
import { Effect, Option, Schema } from "effect"
import type { Owned, Unlocked } from "../../../actors/service/Services.js"
import { ServiceId } from "../../../events/Ids.js"
import type { Refused } from "../../guards/Guard.js"
import { type Found, resourceKnown } from "../../guards/ResourceKnown.js"
import { resourceOwned } from "../../guards/ResourceOwned.js"
import { resourceUnlocked } from "../../guards/ResourceUnlocked.js"
import type { LogUnavailable } from "../../log/EventLog.js"
import { ServiceTable, type ServiceView } from "../../projections/ServiceTable.js"
import { Problem } from "../Problem.js"
import * as Refusing from "../Refusing.js"
import type { From } from "./ServiceIntake.js"

export interface Mine {
  readonly view: ServiceView
  readonly owned: Owned
}

const vanished = new Problem({ status: 404, code: "not_found", message: "There is no such service." })

const isServiceId = Schema.is(ServiceId)

/** What is destroyed is no more. */
export const foundOf = ({ ended, owner }: ServiceView): Found =>
  ended === null ? { owner } : { owner, gone: "destroyed", cause: ended.cause }

export const make = Effect.gen(function* () {
  const table = yield* ServiceTable
  const refusing = yield* Refusing.make

  const find = (id: string) =>
    isServiceId(id) ? Effect.map(table.find(id), Option.getOrUndefined) : Effect.succeed(undefined)

  /** D16, then D17: a stranger's service is no service. */
  const own = (
    id: string,
    { method, owner: actor, url }: From
  ): Effect.Effect<Mine, Refused | LogUnavailable | Problem> =>
    Effect.gen(function* () {
      const view = yield* Refusing.looked(refusing, resourceKnown, find(id), actor, method, url)
      const found = view === undefined ? undefined : foundOf(view)
      yield* refusing(resourceKnown.decide({ kind: "service", resource: id, actor, found }), actor, method, url)
      if (view === undefined) return yield* vanished
      const facts = { kind: "service", actor, resource: view.service, owner: view.owner } as const
      return { view, owned: yield* refusing(resourceOwned.decide(facts), actor, method, url) }
    })

  /** D20. */
  const unlocked = ({ locked, service }: ServiceView, { method, owner, url }: From): Effect.Effect<Unlocked, Refused> =>
    refusing(resourceUnlocked.decide({ kind: "service", resource: service, locked }), owner, method, url)

  /** After a change. */
  const again = (id: ServiceId): Effect.Effect<ServiceView, LogUnavailable | Problem> =>
    Effect.flatMap(table.find(id), Option.match({ onNone: () => vanished, onSome: Effect.succeed }))

  return { own, unlocked, again }
})
