/** One request of a caller: who asks, in what words, and what the guards say to it. Whatever is judged for a caller is judged here. */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import { Effect, Either, Option } from "effect"
import type { Asked } from "../../actors/snapshot/Snapshots.js"
import type { DecisionPoint } from "../../events/Ids.js"
import type { Guard, Permit, Refused } from "../guards/Guard.js"
import { Refusals } from "../guards/Refusals.js"
import { requestWellformed } from "../guards/RequestWellformed.js"
import type { Ids, Kind } from "../guards/Resource.js"
import { type Found, resourceKnown } from "../guards/ResourceKnown.js"
import { type Ownership, resourceOwned } from "../guards/ResourceOwned.js"
import { type Lock, resourceUnlocked } from "../guards/ResourceUnlocked.js"
import { Caller, type Calling } from "./Authentication.js"
import * as Normalise from "./Normalise.js"
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

/** For the history of what is done. */
export const asked = ({ caller: { key, trace } }: Asking): Asked => ({ by: key.key, trace })

/** For the history of what is refused. */
export const inWords = ({ caller, method, target }: Asking) => Refusing.askedOf(caller.key.key, method, target)

/** A kind of thing that belongs to somebody: how it is found, and what the guards may know of it. */
interface Findable<K extends Kind, V, E> {
  readonly kind: K
  readonly isId: (written: string) => written is Ids[K]
  readonly find: (id: Ids[K]) => Effect.Effect<Option.Option<V>, E>
  readonly found: (view: V) => Found
}

/** The caller's, with the permit that says so. */
export interface Mine<K extends Kind, V> {
  readonly view: V
  readonly owned: Permit<"D17", Ownership<K>>
}

type Failed = { readonly _tag: string }

export const make = Effect.gen(function* () {
  const refusing = yield* Refusing.make
  const refusals = yield* Refusals

  const judge = <A>(decision: Either.Either<A, Refused>, asking: Asking): Effect.Effect<A, Refused> =>
    refusing(decision, asking.caller.key.key, asking.method, asking.target)

  /** For facts that are yet to be had. */
  const check = <P extends DecisionPoint, F, C, E>(
    guard: Pick<Guard<P, F, C>, "check">,
    facts: Effect.Effect<F, E>,
    asking: Asking
  ): Effect.Effect<Permit<P, C>, Refused> =>
    Effect.provideService(guard.check(facts, inWords(asking)), Refusals, refusals)

  /** What cannot be looked up is not known: the point that wanted it refuses, and that is told as any refusal is. */
  const look = <A, E extends Failed>(
    { doubt }: { readonly doubt: (note: string) => Refused },
    lookup: Effect.Effect<A, E>,
    asking: Asking
  ): Effect.Effect<A, Refused> =>
    Effect.catchAll(lookup, ({ _tag }) => judge<A>(Either.left(doubt(`facts: ${_tag}`)), asking))

  /** D11 on a body that is to be an object. */
  const fields = (asking: Asking): Effect.Effect<Normalise.Fields, Refused> =>
    judge(
      Either.mapLeft(Normalise.object(asking.caller.body), (reason) => requestWellformed.refuse(reason)),
      asking
    )

  /** D16, then D17, on the id that the caller wrote: a stranger's thing is no thing. */
  const own = <K extends Kind, V, E extends Failed>(
    { find, found, isId, kind }: Findable<K, V, E>,
    written: string,
    asking: Asking
  ): Effect.Effect<Mine<K, V>, Refused> =>
    Effect.gen(function* () {
      const actor = asking.caller.key.key
      const sought = isId(written) ? yield* look(resourceKnown, find(written), asking) : Option.none<V>()
      const known = Option.getOrUndefined(Option.map(sought, found))
      yield* judge(resourceKnown.decide({ kind, resource: written, actor, found: known }), asking)
      if (Option.isNone(sought) || !isId(written)) return yield* Effect.dieMessage("a permit for what was not found")
      const { owner } = found(sought.value)
      const owned = yield* judge(resourceOwned.decide({ kind, actor, resource: written, owner }), asking)
      return { view: sought.value, owned }
    })

  /** D20. */
  const unlocked = <K extends Kind>(
    kind: K,
    resource: Ids[K],
    locked: boolean,
    asking: Asking
  ): Effect.Effect<Permit<"D20", Lock<K>>, Refused> =>
    judge(resourceUnlocked.decide({ kind, resource, locked }), asking)

  return { judge, check, look, fields, own, unlocked }
})
