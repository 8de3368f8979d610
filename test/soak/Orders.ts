/** An order about one thing: what it may change while nobody knows, what it changed when it was acknowledged. */
import type { Calls, Told } from "./Calls.js"
import { becomes } from "./Looking.js"
import { only, pathOf, type Standing, type Thing } from "./World.js"

export interface Order {
  readonly name: string
  readonly method: string
  /** After the thing's own path. */
  readonly verb: string
  /** Instead of the thing's own path. */
  readonly at?: string
  readonly body?: object
  /** Where it stands afterwards; undefined: where it stood. */
  readonly to?: Standing
  readonly locked?: boolean
  /** What its file says afterwards. */
  readonly marks?: ReadonlySet<string>
  /** It is refused of what is locked. */
  readonly undoing?: boolean
  /** Another order about the same thing is under way, or may be. */
  readonly raced?: boolean
}

/** Nothing is wrong with a server that says this of such a thing. */
const excused = (one: Thing, order: Order, { answer, disturbed, repeated }: Told): boolean => {
  const code = String(answer?.json.error)
  if (disturbed || order.raced === true) return true
  switch (code) {
    case "concurrency_limit_reached":
    case "quota_exceeded":
      return one.tenant.slots !== undefined
    case "replayed":
      return repeated
    case "suspended":
      return one.tenant.suspended
    case "locked":
      return order.undoing === true && one.locked.has(true)
    case "gone":
      return one.may.has("gone")
    case "not_running":
    case "service_not_running":
    case "illegal_transition":
      return one.restarting || !only(one.may, "running")
    default:
      return false
  }
}

const union = <A>(one: ReadonlySet<A>, more: Iterable<A>): Set<A> => new Set([...one, ...more])

const widen = (one: Thing, { locked, marks, to }: Order): void => {
  if (to !== undefined) one.may.add(to)
  if (locked !== undefined) one.locked.add(locked)
  if (marks !== undefined) one.marks = union(one.marks, marks)
}

/** It happened. */
const narrow = (one: Thing, { locked, marks, raced, to }: Order, disturbed: boolean): void => {
  if (raced === true) return
  if (to !== undefined) becomes(one, to, disturbed)
  if (locked !== undefined) one.locked = new Set([locked])
  if (marks !== undefined) one.marks = new Set(marks)
}

/** It did not happen. What came to be possible meanwhile stays so. */
const undo = (one: Thing, before: Thing, { locked, raced, to }: Order): void => {
  if (raced === true) return
  const held = one.tenant.suspended && to === "frozen"
  if (to !== undefined && !before.may.has(to) && !held) one.may.delete(to)
  if (locked !== undefined) one.locked = before.locked
  one.marks = before.marks
}

const copyOf = (one: Thing): Thing => ({
  ...one,
  may: new Set(one.may),
  locked: new Set(one.locked),
  marks: new Set(one.marks)
})

/** Resolves with the answer when it was acknowledged. */
export const order = async (calls: Calls, one: Thing, given: Order): Promise<Told["answer"]> => {
  const { body, method, name, verb } = given
  const before = copyOf(one)
  widen(one, given)
  const told = await calls.ask(one.tenant, method, `${given.at ?? pathOf(one)}${verb}`, body)
  calls.tally.did(name)
  const { answer, disturbed } = told
  if (answer === undefined) return undefined
  if (answer.status < 300) {
    narrow(one, given, disturbed)
    return answer
  }
  if (!excused(before, given, told))
    calls.tally.violated(`${name} of ${one.id} (${[...before.may].join(" or ")}): ${answer.status} ${answer.text}`)
  // An error of the server says nothing about what it did.
  if (answer.status < 500) undo(one, before, given)
  return undefined
}
