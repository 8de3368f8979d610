/** A decision point as a value: it turns facts into a permit, or refuses; what it cannot know, it refuses. */
import { Cause, Data, type Duration, Effect, Either, Exit } from "effect"
import type { DecisionPoint } from "../../events/Ids.js"
import { type Shape, unknownIn } from "./Fact.js"
import { legible } from "./Quote.js"
import { type Asked, Refusals, tells } from "./Refusals.js"
import { type Reason, Refused } from "./Refused.js"

export type { Asked } from "./Refusals.js"
export { type Details, type Reason, Refused, type Status } from "./Refused.js"

interface Spec<Facts> {
  /** As in the catalogue, for example `resource-owned`. */
  readonly name: string
  /** Completes "refuses unless it is certain that …". */
  readonly claim: string
  /** A fact that does not look like this is not known. */
  readonly known: Shape<Facts>
  /** What the caller is told when facts could not be had; 503 unless the point says otherwise. */
  readonly uncertain?: Partial<Reason>
  /** How long facts may take. */
  readonly deadline?: Duration.DurationInput
}

interface Ruled<Facts> extends Spec<Facts> {
  readonly rule: (facts: Facts) => true | Reason
}

/** The permit carries what `carries` makes of the facts: never a secret, for example. */
interface Carrying<Facts, Carried> extends Ruled<Facts> {
  readonly carries: (facts: Facts) => Carried
}

/** For what a caller wrote: judged by being read, once, and carried in its normal form. */
interface Reading<Facts, Carried> extends Spec<Facts> {
  readonly reads: (facts: Facts) => Either.Either<Carried, Reason>
}

export interface Guard<P extends DecisionPoint, Facts, Carried = Facts> {
  readonly point: P
  readonly name: string
  readonly claim: string
  /** For facts already in hand: no fiber, no event. The refusal is the caller's to tell (see `enforce`). */
  readonly decide: (facts: Facts) => Either.Either<Permit<P, Carried>, Refused>
  /** Fetches the facts; failing, dying, late or unusable ones refuse. Refusals are told to `Refusals`. */
  readonly check: <E, R>(
    facts: Effect.Effect<Facts, E, R>,
    asked: Asked
  ) => Effect.Effect<Permit<P, Carried>, Refused, R | Refusals>
  /** A refusal of this point because its facts could not be had; the note is for the log. */
  readonly doubt: (note: string) => Refused
  /** A refusal of this point for a reason that somebody else found, such as an actor's rejection. */
  readonly refuse: (reason: Reason) => Refused
}

const isRecord = (value: unknown): value is object => typeof value === "object" && value !== null

const freeze = (value: object): void => {
  // Bytes cannot be.
  if (ArrayBuffer.isView(value)) return
  for (const part of Object.values(value)) if (isRecord(part)) freeze(part)
  Object.freeze(value)
}

/** What a permit carries for good: lists and records in it are no longer anybody else's to change. */
const kept = <Facts extends object>(facts: Facts): Facts => {
  if (!Object.values(facts).some(isRecord)) return facts
  const copy = structuredClone(facts)
  freeze(copy)
  return copy
}

class Late extends Data.TaggedError("Late")<{}> {}

const classOf = (error: unknown): string => {
  const tag = typeof error === "object" && error !== null ? Reflect.get(error, "_tag") : undefined
  if (typeof tag === "string") return legible(tag)
  return error instanceof Error ? legible(error.name) : typeof error
}

/** Only the class of what went wrong: its message may quote what nobody should read. */
const nameOf = (cause: Cause.Cause<unknown>): string => {
  if (Cause.isInterruptedOnly(cause)) return "interrupted"
  try {
    return classOf(Cause.squash(cause))
  } catch {
    return "unreadable"
  }
}

/** Tells a refusal, and lets a permit pass. The refusal stands whatever happens to its telling. */
export const enforce = <A>(decision: Either.Either<A, Refused>, asked: Asked): Effect.Effect<A, Refused, Refusals> =>
  Either.isRight(decision)
    ? Effect.succeed(decision.right)
    : Effect.flatMap(Refusals, (refusals) => {
        tells(decision.left)
        return Effect.zipRight(
          Effect.catchAllCause(refusals.note(decision.left, asked), () => Effect.void),
          decision.left
        )
      })

/** Proof that the point `P` let something happen, with the facts that it was issued on. */
export class Permit<out P extends DecisionPoint, out Facts = unknown> {
  readonly point: P
  readonly facts: Facts
  /** Not public, so no object literal has the shape of a permit. */
  protected readonly issued = true

  private constructor(point: P, facts: Facts) {
    this.point = point
    this.facts = facts
    Object.freeze(facts)
    Object.freeze(this)
  }

  static guard<const P extends DecisionPoint, Facts extends object, Carried>(
    point: P,
    spec: Carrying<Facts, Carried> | Reading<Facts, Carried>
  ): Guard<P, Facts, Carried>
  static guard<const P extends DecisionPoint, Facts extends object>(point: P, spec: Ruled<Facts>): Guard<P, Facts>
  static guard<const P extends DecisionPoint, Facts extends object, Carried>(
    point: P,
    spec: Ruled<Facts> | Carrying<Facts, Carried> | Reading<Facts, Carried>
  ): Guard<P, Facts, Facts | Carried> {
    const { claim, deadline = "1 second", known, name } = spec
    const unknown = unknownIn(known)

    const answer = (facts: Facts): Either.Either<Facts | Carried, Reason> => {
      if ("reads" in spec) return spec.reads(facts)
      const said = spec.rule(facts)
      if (said !== true) return Either.left(said)
      return Either.right("carries" in spec ? spec.carries(facts) : kept(facts))
    }

    const refuse = (reason: Reason) =>
      new Refused({ point, certainty: reason.uncertain === true ? "uncertain" : "refused", reason })

    const doubt = (note: string) =>
      refuse({
        code: "uncertain",
        message: `The server is not certain that ${claim} (${point} ${name}), so it refuses. Nothing was done; try again shortly.`,
        status: 503,
        retryAfterSeconds: 1,
        ...spec.uncertain,
        uncertain: true,
        note
      })

    const judge = (given: Facts): Either.Either<Permit<P, Facts | Carried>, Refused> => {
      if (typeof given !== "object" || given === null) return Either.left(doubt("not known: facts"))
      // A copy: what was judged is what is carried, even if the caller changes its own object meanwhile.
      const facts = { ...given }
      // Nothing travels along in a permit that nobody has looked at.
      for (const name of Reflect.ownKeys(facts)) if (!Object.hasOwn(known, name)) Reflect.deleteProperty(facts, name)
      const missing = unknown(facts)
      if (missing !== undefined) return Either.left(doubt(`not known: ${missing}`))
      const said = answer(facts)
      if (Either.isRight(said)) return Either.right(new Permit(point, said.right))
      // A rule that answers neither true nor a reason has not answered.
      return Either.left(typeof said.left?.code === "string" ? refuse(said.left) : doubt("the rule gave no answer"))
    }

    const decide = (facts: Facts): Either.Either<Permit<P, Facts | Carried>, Refused> => {
      try {
        return judge(facts)
      } catch (error) {
        return Either.left(doubt(`the rule threw ${nameOf(Cause.die(error))}`))
      }
    }

    const check = <E, R>(facts: Effect.Effect<Facts, E, R>, asked: Asked) =>
      facts.pipe(
        // Facts that cannot be interrupted are left behind; the caller is not kept waiting for them.
        Effect.disconnect,
        Effect.timeoutFail({ duration: deadline, onTimeout: () => new Late() }),
        Effect.exit,
        Effect.flatMap((exit) =>
          enforce(Exit.isSuccess(exit) ? decide(exit.value) : Either.left(doubt(`facts: ${nameOf(exit.cause)}`)), asked)
        )
      )

    return { point, name, claim, decide, check, doubt, refuse }
  }
}
