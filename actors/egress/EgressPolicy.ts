/**
 * One pair of lists, the server's or a key's. There is one state and it is always legal: what is allowed is taken off
 * the deny-list and the other way round, so that no rule stands in both.
 */
import { Data, Either } from "effect"
import type { EgressEvent } from "../../events/Egress.js"
import type { PublicKey } from "../../events/Ids.js"
import type { Rule } from "../../src/guards/EgressRule.js"

/** Rules of a list; each costs every connection a look. */
export const LONGEST = 256

type List = ReadonlyMap<string, Pick<Rule, "text" | "opens">>

export interface State {
  readonly _tag: "Listed"
  readonly allow: List
  readonly deny: List
}
export const initial: State = { _tag: "Listed", allow: new Map(), deny: new Map() }

interface Named {
  /** Null: the server. */
  readonly key: PublicKey | null
  readonly rules: ReadonlyArray<Pick<Rule, "text" | "opens">>
}

export type Command = Data.TaggedEnum<{
  Allow: Named
  Deny: Named
  /** Takes these off both lists; without any, all. */
  Clear: Named
}>
export const Command = Data.taggedEnum<Command>()

/** The list would be longer than it may be. */
export class Rejected extends Data.TaggedError("Rejected")<{
  readonly command: Command["_tag"]
  readonly in: State["_tag"]
}> {}

const withAll = (list: List, { rules }: Named): List =>
  new Map([...list, ...rules.map((rule) => [rule.text, rule] as const)])

const without = (list: List, { rules }: Named): List => {
  const gone = new Set(rules.map(({ text }) => text))
  return new Map([...list].filter(([text]) => !gone.has(text)))
}

const next = (state: State, command: Command): Omit<State, "_tag"> => {
  const { allow, deny } = state
  switch (command._tag) {
    case "Allow":
      return { allow: withAll(allow, command), deny: without(deny, command) }
    case "Deny":
      return { allow: without(allow, command), deny: withAll(deny, command) }
    case "Clear":
      if (command.rules.length === 0) return { allow: new Map(), deny: new Map() }
      return { allow: without(allow, command), deny: without(deny, command) }
  }
}

const same = (one: List, other: List) => one.size === other.size && [...one.keys()].every((text) => other.has(text))

export const decide = (state: State, command: Command): Either.Either<ReadonlyArray<EgressEvent>, Rejected> => {
  const { allow, deny } = next(state, command)
  if (allow.size > LONGEST || deny.size > LONGEST)
    return Either.left(new Rejected({ command: command._tag, in: state._tag }))
  if (same(allow, state.allow) && same(deny, state.deny)) return Either.right([])
  const opens = [...allow.values()].filter((rule) => rule.opens).map(({ text }) => text)
  return Either.right([
    { _tag: "EgressPolicyChanged", key: command.key, allow: [...allow.keys()], deny: [...deny.keys()], opens }
  ])
}

export const evolve = (_: State, { allow, deny, opens }: EgressEvent): State => {
  const open = new Set(opens)
  const listed = (texts: ReadonlyArray<string>): List =>
    new Map(texts.map((text) => [text, { text, opens: open.has(text) }]))
  return { _tag: "Listed", allow: listed(allow), deny: listed(deny) }
}
