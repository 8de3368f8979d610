/**
 * A challenge: asked once, answered once, by whoever has its code, for the action that it was asked for.
 *
 *   Absent ──Ask──▶ Open ──Answer──▶ Given
 *                    │ ╰─ Answer, wrong ─▶ Open, one attempt less
 *                    ╰─ Void, or the last wrong Answer ─▶ Void
 *
 * Time ends it too, without an event: after `expiresAt` no answer is looked at.
 */
import { timingSafeEqual } from "node:crypto"
import { Data, Either } from "effect"
import type { ConfirmationAsked, ConfirmationEvent, VoidCause } from "../../events/Confirmation.js"
import type { Action } from "../../src/guards/HumanConfirmed.js"

export const ATTEMPTS = 5

type Asked = Omit<ConfirmationAsked, "_tag">

export type State = Data.TaggedEnum<{
  Absent: {}
  Open: { readonly asked: Asked; readonly misses: number }
  Given: { readonly asked: Asked }
  Void: { readonly asked: Asked; readonly cause: VoidCause }
}>
export const State = Data.taggedEnum<State>()
export const initial: State = State.Absent()

/** What was found out about a code outside: its digest, or whether the enrolled device made it. */
export type Proof = Data.TaggedEnum<{
  Mac: { readonly mac: Buffer }
  Device: { readonly right: boolean }
}>
export const Proof = Data.taggedEnum<Proof>()

export type Command = Data.TaggedEnum<{
  Ask: { readonly asked: Asked }
  /** `at` in microseconds since 1970. */
  Answer: { readonly action: Action; readonly proof: Proof; readonly at: number }
  Void: { readonly cause: VoidCause }
}>
export const Command = Data.taggedEnum<Command>()

/** `unknown` is also what a stranger is told. */
type Why = "exists" | "unknown" | "elsewhere" | "expired" | "spent" | "void" | "exhausted"

export class Rejected extends Data.TaggedError("Rejected")<{
  readonly command: Command["_tag"]
  readonly in: State["_tag"]
  readonly why: Why
}> {}

type Answer = Data.TaggedEnum.Value<Command, "Answer">

const isFor = (asked: Asked, action: Action): boolean =>
  asked.method === action.method && asked.path === action.path && asked.bodyDigest === action.bodyDigest

/** Why an answer is not looked at. Whose challenge it is comes first: others learn nothing of its state. */
const closed = (state: State, { action, at }: Answer): Why | undefined => {
  if (state._tag === "Absent" || state.asked.key !== action.key) return "unknown"
  if (!isFor(state.asked, action)) return "elsewhere"
  if (state._tag === "Given") return "spent"
  if (state._tag === "Void") return state.cause === "attempts" ? "exhausted" : "void"
  return at < state.asked.expiresAt ? undefined : "expired"
}

/** A digest proves nothing where a device makes the codes, and the other way round. */
const proves = ({ codeMac }: Asked, proof: Proof): boolean => {
  if (proof._tag === "Device") return codeMac === null && proof.right
  if (codeMac === null) return false
  const known = Buffer.from(codeMac, "hex")
  return known.length === proof.mac.length && timingSafeEqual(known, proof.mac)
}

const answered = (asked: Asked, misses: number, proof: Proof): ReadonlyArray<ConfirmationEvent> => {
  const of = { challenge: asked.challenge, key: asked.key }
  if (proves(asked, proof)) return [{ _tag: "ConfirmationGiven", ...of }]
  const missed = { _tag: "ConfirmationMissed", ...of, misses: misses + 1 } as const
  return misses + 1 < ATTEMPTS ? [missed] : [missed, { _tag: "ConfirmationVoided", ...of, cause: "attempts" }]
}

export const decide = (state: State, command: Command): Either.Either<ReadonlyArray<ConfirmationEvent>, Rejected> => {
  const reject = (why: Why) => Either.left(new Rejected({ command: command._tag, in: state._tag, why }))
  switch (command._tag) {
    case "Ask":
      return state._tag === "Absent"
        ? Either.right([{ _tag: "ConfirmationAsked", ...command.asked }])
        : reject("exists")
    case "Answer": {
      const why = closed(state, command)
      if (why !== undefined) return reject(why)
      return state._tag === "Open"
        ? Either.right(answered(state.asked, state.misses, command.proof))
        : reject("unknown")
    }
    case "Void": {
      if (state._tag !== "Open") return Either.right([])
      const { challenge, key } = state.asked
      return Either.right([{ _tag: "ConfirmationVoided", challenge, key, cause: command.cause }])
    }
  }
}

export const evolve = (state: State, event: ConfirmationEvent): State => {
  if (event._tag === "ConfirmationAsked") {
    const { _tag, ...asked } = event
    return State.Open({ asked, misses: 0 })
  }
  // Nothing happens to a challenge before it was asked.
  if (state._tag === "Absent") return state
  switch (event._tag) {
    case "ConfirmationMissed":
      return State.Open({ asked: state.asked, misses: event.misses })
    case "ConfirmationGiven":
      return State.Given({ asked: state.asked })
    case "ConfirmationVoided":
      return State.Void({ asked: state.asked, cause: event.cause })
  }
}
