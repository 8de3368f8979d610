/** A vault's variables: plain ones, and marked ones, whose values leave only towards the hosts that they name. */
import { Either } from "effect"
import { parse } from "./EgressMark.js"
import { absent, BOUNDS, bad, env, isText, type Read } from "./Order.js"
import { quote } from "./Quote.js"

interface Marked {
  readonly value: string
  /** As `EgressMark` writes them; never none. */
  readonly egress: ReadonlyArray<string>
}

export type Variable = string | Marked
export type Variables = Readonly<Record<string, Variable>>
export type Hosts = Readonly<Record<string, ReadonlyArray<string>>>

const MARKED = 32
const HOSTS = 16

/** It must fit a header as it is, and be long enough to be told from other text in an answer. */
const VALUE = /^[\x21-\x7e](?:[\x20-\x7e]{6,4094})[\x21-\x7e]$/

export const valueOf = (variable: Variable): string => (isText(variable) ? variable : variable.value)

/** Of those that are marked. */
export const hostsOf = (variables: Variables): Hosts =>
  Object.fromEntries(
    Object.entries(variables).flatMap(([name, variable]) =>
      isText(variable) ? [] : [[name, variable.egress] as const]
    )
  )

interface Written {
  readonly name: string
  readonly value: unknown
  readonly egress: unknown
}

const isObject = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const entry = ([name, value]: readonly [string, unknown]): Written | undefined => {
  if (!isObject(value)) return undefined
  const given = new Map<string, unknown>(Object.entries(value))
  return { name, value: given.get("value"), egress: given.get("egress") }
}

const marks = ({ egress, name, value }: Written): Read<Marked> => {
  const wrong = (what: string) => bad("env", `env ${quote(name)} ${what}.`)
  if (!Array.isArray(egress) || egress.length === 0 || egress.length > HOSTS || !egress.every(isText))
    return wrong(`must be a string, or {"value": "…", "egress": ["HOST", …]} with 1 to ${HOSTS} hosts`)
  if (!isText(value) || !VALUE.test(value))
    return wrong("is marked, so its value must be 8 to 4096 visible ASCII characters on one line")
  const read = Either.all(egress.map(parse))
  if (Either.isLeft(read)) return wrong(`is marked wrongly: ${read.left}`)
  return Either.right({ value, egress: [...new Set(read.right.map(({ text }) => text))] })
}

const sized = (variables: Variables): Read<Variables> => {
  const hosts = Object.values(hostsOf(variables))
  if (hosts.length > MARKED) return bad("env", `env marks ${hosts.length} variables; ${MARKED} are allowed.`)
  const written = Object.entries(variables).map(
    ([name, variable]) => name.length + 2 + Buffer.byteLength(valueOf(variable))
  )
  const bytes = [...written, ...hosts.flat().map(({ length }) => length + 1)].reduce((sum, one) => sum + one, 0)
  if (bytes > BOUNDS.envBytes)
    return bad("env", `env is larger than ${BOUNDS.envBytes / 1024} KiB with its hosts.`, "too_large", 413)
  return Either.right(variables)
}

/** A container without a way out would hold a placeholder that nobody ever puts a value in for. */
const reachable = (variables: Variables, network: unknown): Read<Variables> => {
  const [name] = Object.keys(hostsOf(variables))
  if (name === undefined || network === "semitrusted") return Either.right(variables)
  return bad("env", `env ${quote(name)} is marked, but this service has no way out: it needs network_mode semitrusted.`)
}

/** The normal form of an object of them, for a service of that network mode. */
export const variables = (value: unknown, network: unknown): Read<Variables> => {
  if (absent(value) || !isObject(value)) return env(value)
  const given: ReadonlyArray<readonly [string, unknown]> = Object.entries(value)
  const plain = Object.fromEntries(given.map(([name, one]) => [name, entry([name, one])?.value ?? one]))
  const marked = Either.all(
    given.flatMap((one) => entry(one) ?? []).map((one) => Either.map(marks(one), (read) => [one.name, read] as const))
  )
  const all = Either.flatMap(marked, (read) =>
    Either.map(env(plain), (rest) => ({ ...rest, ...Object.fromEntries(read) }))
  )
  return Either.flatMap(Either.flatMap(all, sized), (read) => reachable(read, network))
}
