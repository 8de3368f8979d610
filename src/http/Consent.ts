/** Consent to what cannot be undone: D02 once more, D19, D21, D05, in this order, so that what is refused uses nothing up. */
import { createHash } from "node:crypto"
import { Clock, Effect } from "effect"
import { Confirmations } from "../../actors/confirmation/Confirmations.js"
import * as Confirming from "../../actors/confirmation/Confirming.js"
import type { Confirm } from "../../events/Grants.js"
import type { Consent } from "../guards/Consent.js"
import type { Refused } from "../guards/Guard.js"
import { keyActive } from "../guards/KeyActive.js"
import { lineageClear } from "../guards/LineageClear.js"
import { Refusals } from "../guards/Refusals.js"
import { requestUnreplayed } from "../guards/RequestUnreplayed.js"
import type { Ids, Kind } from "../guards/Resource.js"
import { WINDOW_SECONDS } from "../guards/TimestampFresh.js"
import { KeyTable } from "../projections/KeyTable.js"
import { digestOf } from "../store/Digest.js"
import { SeenRequests } from "../store/SeenRequests.js"
import * as Asking from "./Asking.js"

/**
 * Whose keys wait for a person: `destroying`, unless theirs is off (what destroys or unlocks services, snapshots and
 * images); `grave`, where it is always (sessions' ends, transfers, redeploys, roots and vaults replaced); `plain`, nobody's.
 */
export type Weight = "destroying" | "grave" | "plain"

const isRequired = (weight: Weight, confirm: Confirm): boolean =>
  weight !== "plain" && (confirm === "always" || (confirm === "on" && weight === "destroying"))

interface Thing<K extends Kind> {
  readonly kind: K
  readonly resource: Ids[K]
  readonly owner: string
  /** The service that it was made of. */
  readonly home?: string
}

const header = ({ headers }: Asking.Asking, name: string): string => headers[name] ?? ""

const answerOf = (asking: Asking.Asking) => {
  const [challenge, code] = [header(asking, "x-sudo-challenge"), header(asking, "x-sudo-otp")]
  return challenge === "" && code === "" ? undefined : { challenge, code }
}

export const make = Effect.gen(function* () {
  const guarding = yield* Asking.make
  const told = Effect.provideService(Refusals, yield* Refusals)
  const seen = yield* SeenRequests
  const keys = yield* KeyTable
  const confirmations = yield* Confirmations

  /** The caller with its key as it stands at this moment: much may have been waited for since the request was let in. */
  const standing = (asking: Asking.Asking) => {
    const { caller } = asking
    let key = caller.key
    const facts = Effect.gen(function* () {
      key = yield* Effect.flatten(keys.find(caller.key.key))
      const now = (yield* Clock.currentTimeMillis) * 1_000
      return { publicKey: key.key, status: key.status, expiresAt: key.expiresAt, now }
    })
    const active = guarding.check(keyActive, facts, asking)
    const [known, ...others] = caller.proof
    const kept = others.filter(({ point }) => point !== "D02")
    return Effect.map(
      active,
      (permit): Asking.Asking => ({ ...asking, caller: { ...caller, key, proof: [known, ...kept, permit] } })
    )
  }

  const clear = <K extends Kind>({ home, ...thing }: Thing<K>, asking: Asking.Asking) => {
    const { key, line } = asking.caller.key
    const dwellings = [asking.caller.key, ...line].flatMap(({ givenTo }) => givenTo ?? [])
    const facts = { ...thing, actor: key, line: line.map((one) => one.key), dwellings, home: home ?? null }
    return guarding.judge(lineageClear.decide<K>(facts), asking)
  }

  const confirmed = (weight: Weight, asking: Asking.Asking) => {
    const { body, key } = asking.caller
    const { method, target: path } = asking
    const action = { key: key.key, method, path, bodyDigest: digestOf(body) }
    const question = { action, required: isRequired(weight, key.confirm), answer: answerOf(asking) }
    return told(Confirming.confirm(confirmations, question, Asking.inWords(asking)))
  }

  const unreplayed = (asking: Asking.Asking) => {
    const publicKey = asking.caller.key.key
    // As the guard of signatures reads it: no other spelling of it is let in.
    const request = createHash("sha256")
      .update(`${publicKey}\n${header(asking, "x-signature")}`)
      .digest("hex")
    const validUntil = (Number(header(asking, "x-timestamp")) + WINDOW_SECONDS) * 1_000
    const facts = Effect.map(seen.remember(request), (told) => ({ publicKey, request, validUntil, ...told }))
    return guarding.check(requestUnreplayed, facts, asking)
  }

  return <K extends Kind>(weight: Weight, thing: Thing<K>, asked: Asking.Asking): Effect.Effect<Consent<K>, Refused> =>
    Effect.gen(function* () {
      const asking = yield* standing(asked)
      return {
        caller: asking.caller.proof,
        clear: yield* clear(thing, asking),
        confirmed: yield* confirmed(weight, asking),
        unreplayed: yield* unreplayed(asking)
      }
    })
})
