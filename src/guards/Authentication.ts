/** D01 to D04 in their order: the key, the proof, and only to the proven holder its time and the key's standing. */
import { Either } from "effect"
import type { DecisionPoint } from "../../events/Ids.js"
import type { Credentials } from "./Credentials.js"
import type { Permit, Refused } from "./Guard.js"
import { type KeyStanding, keyActive } from "./KeyActive.js"
import { type KeyNamed, keyKnown } from "./KeyKnown.js"
import type { Secret } from "./Signature.js"
import { type Proven, signatureValid } from "./SignatureValid.js"
import { type Fresh, timestampFresh } from "./TimestampFresh.js"
import { agrees, type TrustedClock } from "./TrustedClock.js"

interface Presented {
  readonly credentials: Credentials
  readonly method: string
  /** As on the request line, with its query. */
  readonly target: string
  readonly body: Uint8Array
}

export interface KeyFacts {
  readonly record:
    | { readonly key: string; readonly status: KeyStanding["status"]; readonly expiresAt: number | null }
    | undefined
  readonly secret: Secret | undefined
}

export interface Authenticated {
  readonly publicKey: string
  readonly known: Permit<"D01", KeyNamed>
  readonly active: Permit<"D02", KeyStanding>
  readonly signed: Permit<"D03", Proven>
  readonly fresh: Permit<"D04", Fresh>
}

/** What let a request in: its key was known, and whatever else was asked for. Nobody is let in on nothing. */
export type Proof = readonly [Authenticated["known"], ...ReadonlyArray<Permit<DecisionPoint>>]

type Identified = Pick<Authenticated, "publicKey" | "known" | "active">

const standing = (known: Permit<"D01", KeyNamed>, record: KeyFacts["record"], now: number) => {
  const { publicKey } = known.facts
  // D01 does not issue a permit without a record; should it ever, the key counts as revoked.
  const { expiresAt, status } = record ?? { expiresAt: null, status: "revoked" as const }
  return Either.map(
    keyActive.decide({ publicKey, status, expiresAt, now }),
    (active): Identified => ({ publicKey, known, active })
  )
}

/** Not a number while the clock is in doubt, so that D02 is in doubt too: a key may have expired since. */
const nowOf = (clock: TrustedClock): number =>
  clock.parted === undefined && agrees(clock) ? Math.floor(clock.last.wall * 1_000) : Number.NaN

/** A key that is known and in good standing, whether or not a signature is beside it. */
export const identify = (
  credentials: Credentials,
  record: KeyFacts["record"],
  clock: TrustedClock
): Either.Either<Identified, Refused> =>
  Either.flatMap(keyKnown.decide({ credentials, record }), (known) => standing(known, record, nowOf(clock)))

export const authenticate = (
  presented: Presented,
  { record, secret }: KeyFacts,
  clock: TrustedClock
): Either.Either<Authenticated, Refused> => {
  const known = keyKnown.decide({ credentials: presented.credentials, record })
  if (Either.isLeft(known)) return Either.left(known.left)
  const signed = signatureValid.decide({ ...presented, secret })
  if (Either.isLeft(signed)) return Either.left(signed.left)
  const fresh = timestampFresh.decide({ timestamp: signed.right.facts.timestamp, clock })
  if (Either.isLeft(fresh)) return Either.left(fresh.left)
  return Either.map(standing(known.right, record, fresh.right.facts.now), (identified) => ({
    ...identified,
    signed: signed.right,
    fresh: fresh.right
  }))
}
