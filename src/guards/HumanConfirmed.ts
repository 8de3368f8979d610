/** D21: has a person confirmed this very action? Neither facts nor permit ever hold a code. */
import type { Channel } from "../../events/Confirmation.js"
import type { Digest, PublicKey } from "../../events/Ids.js"
import { flag, maybe, moment, natural, nonEmpty, oneOf, positive, struct, text } from "./Fact.js"
import { Permit, type Reason } from "./Guard.js"

/** What exactly a person is to confirm: a request of this key with this method, path and body. */
export interface Action {
  readonly key: PublicKey
  readonly method: string
  readonly path: string
  readonly bodyDigest: Digest
}

/** A challenge as its history tells it. Times in microseconds since 1970. */
export interface Challenge {
  readonly challenge: string
  readonly about: Action
  readonly channel: Channel
  readonly expiresAt: number
}

/** What became of an answer; `unknown` is also what the challenge of another key is. */
export interface Verdict {
  readonly outcome: "right" | "wrong" | "unknown" | "elsewhere" | "expired" | "spent" | "void" | "exhausted"
  readonly challenge: Challenge | undefined
  readonly attemptsLeft: number
}

/** Too much was asked or missed under this key: nothing is asked or answered until then. */
export interface Held {
  readonly over: "asked" | "missed"
  readonly until: number
}

export interface Confirmation {
  readonly action: Action
  /** `waived`: the key or the route needs no person. */
  readonly mode: "waived" | "required"
  /** Undefined: none was given. */
  readonly answer: Verdict | undefined
  /** The challenge that was made, or stood already, because there was no answer. */
  readonly offered: Challenge | undefined
  readonly held: Held | undefined
  /** Microseconds since 1970. */
  readonly now: number
  /** The wall clock has agreed with the monotonic one: what has expired, has. */
  readonly steady: boolean
}

/** What the permit carries. */
export interface Confirmed extends Action {
  readonly mode: "waived" | "confirmed"
  readonly challenge: string | null
  readonly channel: Channel | null
}

/** A challenge that has longer to live was made by another clock than this. */
export const LIFE_MICROS = 300_000_000

const same = (one: Action, other: Action): boolean =>
  one.key === other.key && one.method === other.method && one.path === other.path && one.bodyDigest === other.bodyDigest

const refuse = (code: string, message: string): Reason => ({ code, message, status: 403 })

const doubt = (message: string, note: string): Reason => ({
  code: "uncertain",
  message: `${message} Nothing was done; try again shortly.`,
  status: 503,
  retryAfterSeconds: 1,
  uncertain: true,
  note
})

const seconds = (micros: number): number => Math.max(1, Math.ceil(micros / 1_000_000))

const where: { readonly [C in Channel]: string } = {
  console: "A one-time code is on the server's console; its operator also reads it with `unsandbox otp`",
  email: "A one-time code was sent by e-mail",
  webhook: "A one-time code was sent to the webhook",
  totp: "The code is the one that the enrolled authenticator shows"
}

const required = ({ challenge, channel, expiresAt }: Challenge, now: number): Reason => {
  const left = seconds(expiresAt - now)
  return {
    code: "confirmation_required",
    message:
      `A person must confirm this. ${where[channel]}. Send the same request again within ${left} s, ` +
      "signed anew, with X-Sudo-Challenge (the challenge_id) and X-Sudo-OTP (the code).",
    status: 428,
    details: { challenge_id: challenge, expires_in: left, channel }
  }
}

const elsewhere = refuse(
  "challenge_mismatch",
  "That challenge is for another request. Send the one that it was given for, byte by byte, or ask anew without one."
)
const expired = refuse("challenge_expired", "That challenge has expired. Send the request without it to get another.")

const outcomes: { readonly [O in Exclude<Verdict["outcome"], "right" | "wrong">]: Reason } = {
  unknown: refuse("unknown_challenge", "There is no such challenge. Send the request without one to get one."),
  elsewhere,
  expired,
  spent: refuse("challenge_spent", "That challenge was answered already; a code confirms one request, once."),
  void: refuse("challenge_void", "That challenge is void: newer ones took its place. Answer the newest."),
  exhausted: refuse("too_many_attempts", "Too many wrong codes for that challenge. Send the request without it.")
}

const wrong = (attemptsLeft: number): Reason => ({
  ...refuse("invalid_otp", `That is not the code. ${attemptsLeft} more can be tried for this challenge.`),
  details: { attempts_left: attemptsLeft }
})

const held = ({ over, until }: Held, now: number): Reason => ({
  code: over === "asked" ? "too_many_challenges" : "too_many_misses",
  message: `Too many codes were ${over} under this key; nothing can be confirmed with it for ${seconds(until - now)} s.`,
  status: 429,
  retryAfterSeconds: seconds(until - now)
})

const backward = doubt("The server's clock has been set back, so no challenge can be trusted.", "asked in the future")

/** What the history said is compared again with what is asked now: a verdict alone lets nothing pass. */
const judged = ({ attemptsLeft, challenge, outcome }: Verdict, { action, now }: Confirmation): true | Reason => {
  if (outcome === "wrong") return wrong(attemptsLeft)
  if (outcome !== "right") return outcomes[outcome]
  if (challenge === undefined) return doubt("The server cannot tell what was confirmed.", "right, of no challenge")
  if (!same(challenge.about, action)) return elsewhere
  if (challenge.expiresAt > now + LIFE_MICROS) return backward
  return now < challenge.expiresAt || expired
}

const rule = (facts: Confirmation): true | Reason => {
  const { answer, mode, now, offered, steady } = facts
  if (mode === "waived") return true
  if (!steady)
    return doubt("The server's clock has just been set, so no challenge can be trusted.", "the wall clock parted")
  if (facts.held !== undefined) return held(facts.held, now)
  if (answer !== undefined) return judged(answer, facts)
  if (offered === undefined)
    return doubt("The server could not ask anybody to confirm this.", "neither asked nor answered")
  return offered.expiresAt > now + LIFE_MICROS ? backward : required(offered, now)
}

const carries = ({ action, answer, mode }: Confirmation): Confirmed => ({
  key: action.key,
  method: action.method,
  path: action.path,
  bodyDigest: action.bodyDigest,
  mode: mode === "waived" ? "waived" : "confirmed",
  challenge: mode === "waived" ? null : (answer?.challenge?.challenge ?? null),
  channel: mode === "waived" ? null : (answer?.challenge?.channel ?? null)
})

const action = struct<Action>({ key: text, method: text, path: nonEmpty, bodyDigest: text })
const challenge = struct<Challenge>({
  challenge: text,
  about: action,
  channel: oneOf("console", "email", "webhook", "totp"),
  expiresAt: positive
})
const outcome = oneOf("right", "wrong", ...Object.keys(outcomes))

export const humanConfirmed = Permit.guard("D21", {
  name: "human-confirmed",
  claim: "a person has confirmed this very action",
  known: {
    action,
    mode: oneOf("waived", "required"),
    answer: maybe(struct<Verdict>({ outcome, challenge: maybe(challenge), attemptsLeft: natural })),
    offered: maybe(challenge),
    held: maybe(struct<Held>({ over: oneOf("asked", "missed"), until: positive })),
    now: (value) => positive(value) && moment(Number(value) / 1_000),
    steady: flag
  },
  rule,
  carries
})
