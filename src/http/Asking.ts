/** One request on somebody's thing: who asks, in what words, and what the first guards say to it. */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import { Effect } from "effect"
import type { Asked } from "../../actors/snapshot/Snapshots.js"
import type { Permit, Refused } from "../guards/Guard.js"
import type { Ids, Kind } from "../guards/Resource.js"
import { type Found, resourceKnown } from "../guards/ResourceKnown.js"
import { type Ownership, resourceOwned } from "../guards/ResourceOwned.js"
import { type Lock, resourceUnlocked } from "../guards/ResourceUnlocked.js"
import { Caller, type Calling } from "./Authentication.js"
import * as Refusing from "./Refusing.js"

export interface Asking {
  readonly caller: Calling
  readonly method: string
  readonly target: string
  readonly headers: Readonly<Record<string, string | undefined>>
}

export const of = ({
  headers,
  method,
  url
}: HttpServerRequest.HttpServerRequest): Effect.Effect<Asking, never, Caller> =>
  Effect.map(Caller, (caller) => ({ caller, method, target: url, headers }))

export type { Asked }

/** In the words of the log. */
export const asked = ({ caller: { key, trace } }: Asking): Asked => ({ by: key.key, trace })

export const make = Effect.map(Refusing.make, (refusing) => {
  type Decision<A> = Parameters<typeof refusing<A>>[0]

  const judge = <A>(decision: Decision<A>, { caller, method, target }: Asking): Effect.Effect<A, Refused> =>
    refusing(decision, caller.key.key, method, target)

  /** What the guard's facts are made of; it is in doubt where they cannot be had. */
  const look = <A, E extends { readonly _tag: string }>(
    guard: Parameters<typeof Refusing.looked>[1],
    lookup: Effect.Effect<A, E>,
    { caller, method, target }: Asking
  ): Effect.Effect<A, Refused> => Refusing.looked(refusing, guard, lookup, caller.key.key, method, target)

  /** D16, then D17: a stranger's thing is no thing. `view` has found it under the id that the caller wrote. */
  const own = <K extends Kind, V>(
    kind: K,
    written: string,
    view: (V & { readonly id: Ids[K]; readonly found: Found }) | undefined,
    asking: Asking
  ): Effect.Effect<{ readonly view: V; readonly owned: Permit<"D17", Ownership<K>> }, Refused> =>
    Effect.gen(function* () {
      const actor = asking.caller.key.key
      const known = resourceKnown.decide({ kind, resource: written, actor, found: view?.found })
      yield* judge(known, asking)
      if (view === undefined) return yield* Effect.dieMessage("a permit for what was not found")
      const { found, id } = view
      const owned = yield* judge(resourceOwned.decide({ kind, actor, resource: id, owner: found.owner }), asking)
      return { view, owned }
    })

  const unlocked = <K extends Kind>(kind: K, resource: Ids[K], locked: boolean, asking: Asking) =>
    judge(resourceUnlocked.decide<K>({ kind, resource, locked }), asking) satisfies Effect.Effect<
      Permit<"D20", Lock<K>>,
      Refused
    >

  return { judge, look, own, unlocked }
})

export type Guarding = Effect.Effect.Success<typeof make>
