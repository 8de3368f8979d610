/** What an answer is worth: the challenge that it names is woken, and uses the right answer up. */
import { Effect, Either, Option, Schema } from "effect"
import { ChallengeId } from "../../events/Ids.js"
import { type Action, LIFE_MICROS, type Verdict } from "../../src/guards/HumanConfirmed.js"
import type { EventLog } from "../../src/log/EventLog.js"
import { StoreUnavailable } from "../../src/store/Blobs.js"
import type { Secrets } from "../../src/store/secrets/Secrets.js"
import { challengeOf } from "./Asking.js"
import * as Codings from "./Codes.js"
import * as Confirmation from "./Confirmation.js"
import { type Answer, Unweighed } from "./Confirmations.js"
import { secretName } from "./Contacts.js"
import * as History from "./History.js"
import * as Totp from "./Totp.js"

interface Parts {
  readonly log: typeof EventLog.Service
  readonly secrets: typeof Secrets.Service
  readonly codes: Codings.Codes
}

interface Given {
  readonly challenge: ChallengeId
  readonly code: string
  readonly action: Action
  /** Microseconds since 1970. */
  readonly now: number
}

type Open = Extract<Confirmation.State, { _tag: "Open" }>

const nothing = (outcome: Verdict["outcome"]): Verdict => ({ outcome, challenge: undefined, attemptsLeft: 0 })

const closed = ({ why }: Confirmation.Rejected): Verdict => nothing(why === "exists" ? "unknown" : why)

/** A step that somebody used before is as wrong as any: whoever saw the code being typed has nothing. */
const fromDevice = ({ log, secrets }: Parts, { asked }: Open, { code, now }: Given) =>
  Effect.gen(function* () {
    const secret = yield* secrets.get(secretName(asked.holder))
    if (Option.isNone(secret)) return yield* new StoreUnavailable({ reason: "the device is enrolled no more" })
    const step = Totp.stepOf(secret.value, code, now / 1000)
    const right = step === undefined ? false : yield* History.use(log, asked.holder, step)
    return Confirmation.Proof.Device({ right })
  }).pipe(Effect.catchTag("Unsealable", ({ name }) => new StoreUnavailable({ reason: `${name} cannot be unsealed` })))

const proofOf = (parts: Parts, state: Open, given: Given) =>
  state.asked.codeMac === null
    ? fromDevice(parts, state, given)
    : Effect.map(parts.codes.macOf(given.challenge, given.code), (mac) => Confirmation.Proof.Mac({ mac }))

const verdictOf = (state: Confirmation.State): Verdict => {
  switch (state._tag) {
    case "Absent":
      return nothing("unknown")
    case "Given":
      return { outcome: "right", challenge: challengeOf(state.asked), attemptsLeft: 0 }
    case "Open":
      return { outcome: "wrong", challenge: undefined, attemptsLeft: Confirmation.ATTEMPTS - state.misses }
    case "Void":
      return nothing("wrong")
  }
}

const { Answer: answering } = Confirmation.Command

const judged = (parts: Parts, given: Given) =>
  Effect.gen(function* () {
    const { action, challenge, now } = given
    const state = yield* History.look(parts.log, challenge)
    // Asked by its state machine with a right answer first: no code of a device is used up on what is closed anyway.
    const possible = Confirmation.decide(
      state,
      answering({ action, proof: Confirmation.Proof.Device({ right: true }), at: now })
    )
    if (Either.isLeft(possible)) return closed(possible.left)
    if (state._tag !== "Open") return nothing("unknown")
    // It was asked in what is now the future: the clock was set back, perhaps while no server ran.
    if (state.asked.expiresAt - LIFE_MICROS > now) return yield* new Unweighed({ reason: "clock set back" })
    const proof = yield* proofOf(parts, state, given)
    return yield* History.tell(parts.log, challenge, answering({ action, proof, at: now }), action.key).pipe(
      Effect.map(verdictOf),
      Effect.catchTag("Rejected", (rejected) => Effect.succeed(closed(rejected)))
    )
  })

/** One at a time for one key, so that what was missed is counted right. */
export const judge = (parts: Parts, { challenge, code }: Answer, action: Action, now: number) =>
  Option.match(Schema.decodeOption(ChallengeId)(challenge), {
    onNone: () => Effect.succeed(nothing("unknown")),
    onSome: (known) => judged(parts, { challenge: known, code: Codings.normal(code), action, now })
  })
