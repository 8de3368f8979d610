/** What a supervisor is told to do: its children and what their deaths mean, in OTP's words. */
import { Data, Duration, type Effect, type Scope } from "effect"
import type { Backoff } from "./Backoff.js"

export interface ChildSpec<R = never> {
  readonly name: string
  /** `permanent`: always restarted; `transient`: when it failed; `temporary`: never. */
  readonly restart: "permanent" | "transient" | "temporary"
  /** It gets this long to stop; then it is abandoned, which is told as a crash. */
  readonly shutdown: Duration.DurationInput
  /** Runs until it ends; its scope closes at each end. */
  readonly start: Effect.Effect<void, unknown, R | Scope.Scope>
  /** The siblings after it start once this succeeds; run anew at each start. Failing, or late, is a crash. */
  readonly ready?: Effect.Effect<void, unknown>
  /** Default: 30 seconds. */
  readonly readyWithin?: Duration.DurationInput
  /** What an operator is shown beside its state. */
  readonly detail?: () => string
}

export interface Spec<R = never> {
  readonly name: string
  readonly strategy: "one_for_one" | "one_for_all" | "rest_for_one"
  /** More restarts than this within `period`: the supervisor gives up. */
  readonly intensity: number
  readonly period: Duration.DurationInput
  /** Pause before a restart, doubling from `first` with each restart within `period`. Default: none. */
  readonly backoff?: Backoff
  readonly children: ReadonlyArray<ChildSpec<R>>
}

/** A spec is either valid or refused at start. */
export class BadSpec extends Data.TaggedError("BadSpec")<{
  readonly path: string
  readonly problems: ReadonlyArray<string>
}> {
  override get message() {
    return `supervisor ${this.path}: ${this.problems.join("; ")}`
  }
}

const NAME = /^[\x21-\x2e\x30-\x7e]{1,64}$/
/** A path is the name of a stream. */
const LONGEST_PATH = 200

export const readyWithinOf = (child: ChildSpec<unknown>): Duration.Duration =>
  Duration.decode(child.readyWithin ?? "30 seconds")

const finite = (what: string, input: Duration.DurationInput, least: number): ReadonlyArray<string> => {
  const known = Duration.decodeUnknown(input)
  const millis = known._tag === "Some" ? Duration.toMillis(known.value) : Number.NaN
  return Number.isFinite(millis) && millis >= least ? [] : [`${what} must be a finite duration of at least ${least} ms`]
}

const oneOf = (what: string, value: string, ...known: ReadonlyArray<string>): ReadonlyArray<string> =>
  known.includes(value) ? [] : [`${what} must be one of ${known.join(", ")}, not ${value}`]

const problemsOfChild = (child: ChildSpec<unknown>): ReadonlyArray<string> => [
  ...(NAME.test(child.name) ? [] : [`child name "${child.name}" must be 1 to 64 printable characters without "/"`]),
  ...oneOf(`restart of ${child.name}`, child.restart, "permanent", "transient", "temporary"),
  ...finite(`shutdown of ${child.name}`, child.shutdown, 0),
  ...finite(`readyWithin of ${child.name}`, readyWithinOf(child), 1)
]

const twice = (names: ReadonlyArray<string>): ReadonlyArray<string> =>
  names.filter((name, index) => names.indexOf(name) !== index).map((name) => `two children are named ${name}`)

export const problemsOf = (path: string, spec: Spec<unknown>): ReadonlyArray<string> => {
  const { backoff, children, intensity, period, strategy } = spec
  const names = children.map(({ name }) => name)
  const longest = Math.max(path.length, ...names.map((name) => path.length + 1 + name.length))
  return [
    ...(NAME.test(spec.name) ? [] : [`name "${spec.name}" must be 1 to 64 printable characters without "/"`]),
    ...(longest <= LONGEST_PATH ? [] : [`its children's paths are longer than ${LONGEST_PATH} characters`]),
    ...oneOf("strategy", strategy, "one_for_one", "one_for_all", "rest_for_one"),
    ...(Number.isSafeInteger(intensity) && intensity >= 0 ? [] : ["intensity must be a whole number from 0"]),
    ...finite("period", period, 1),
    ...(backoff === undefined ? [] : finite("backoff.first", backoff.first, 1)),
    ...(backoff === undefined ? [] : finite("backoff.max", backoff.max, Duration.toMillis(backoff.first))),
    ...twice(names),
    ...children.flatMap(problemsOfChild)
  ]
}
