/** An order to run a program: what a caller may write in it, and its one normal form. */
import { Either } from "effect"
import type { PoolId } from "../../events/Ids.js"
import type { Reason } from "./Guard.js"
import { quote } from "./Quote.js"

/** As it came, under the contract's names; whoever reads the wire has resolved the aliases. */
export interface Written {
  readonly language?: unknown
  readonly code?: unknown
  readonly env?: unknown
  readonly stdin?: unknown
  readonly network_mode?: unknown
  readonly ttl?: unknown
  readonly vcpu?: unknown
  readonly return_artifact?: unknown
  readonly return_wasm_artifact?: unknown
}

export interface Order {
  /** As the caller wrote it; undefined when it named none. */
  readonly language: string | undefined
  readonly code: string
  readonly env: Readonly<Record<string, string>>
  readonly stdin: string | undefined
  readonly network: PoolId
  readonly ttlMillis: number
  readonly vcpu: number
  readonly wantsArtifacts: boolean
  readonly wantsWasm: boolean
}

export const BOUNDS = {
  codeBytes: 5 * 2 ** 20,
  stdinBytes: 2 ** 20,
  languageLength: 64,
  envCount: 256,
  /** Names, values and a separator each; Linux takes 128 KiB in one string. */
  envBytes: 64 * 2 ** 10,
  ttlSeconds: { least: 1, most: 900, usual: 60 },
  vcpu: { least: 1, most: 8, usual: 1 }
} as const

export type Read<A> = Either.Either<A, Reason>

export const bad = (field: string, message: string, code = "invalid_request", status: 400 | 413 = 400): Read<never> =>
  Either.left({ code, message, status, details: { field } })

/** Clients write null, and some an empty string, for what they do not mean to say. */
export const absent = (value: unknown): value is null | undefined => value === undefined || value === null

export const isText = (value: unknown): value is string => typeof value === "string"

declare global {
  interface String {
    /** In every Node since 20, in TypeScript's library only with ES2024; a pattern takes 30 ms where this takes 1. */
    isWellFormed(): boolean
  }
}

const content = (field: string, value: string, most: number): Read<string> => {
  if (Buffer.byteLength(value) > most)
    return bad(field, `${field} is larger than ${most / 2 ** 20} MiB. Send less, or an input file.`, "too_large", 413)
  return value.isWellFormed()
    ? Either.right(value)
    : bad(field, `${field} is not valid Unicode: it has half a surrogate pair.`)
}

const code = (value: unknown): Read<string> =>
  isText(value) && value !== ""
    ? content("code", value, BOUNDS.codeBytes)
    : bad("code", "code must be a non-empty string: the program to run.")

const stdin = (value: unknown): Read<string | undefined> => {
  if (absent(value)) return Either.right(undefined)
  return isText(value) ? content("stdin", value, BOUNDS.stdinBytes) : bad("stdin", "stdin must be a string.")
}

const language = (value: unknown): Read<string | undefined> => {
  if (absent(value) || value === "") return Either.right(undefined)
  return isText(value) && value.length <= BOUNDS.languageLength && /^[\x21-\x7e]+$/.test(value)
    ? Either.right(value)
    : bad("language", "language must be a name such as python or c++. GET /languages lists all.")
}

export interface Range {
  readonly least: number
  readonly most: number
  readonly usual: number
}

/** Query strings and shell clients bring numbers as text. */
export const whole = (field: string, value: unknown, { least, most, usual }: Range, unit: string): Read<number> => {
  if (absent(value)) return Either.right(usual)
  const number = isText(value) && /^[0-9]{1,9}$/.test(value) ? Number(value) : value
  return typeof number === "number" && Number.isInteger(number) && number >= least && number <= most
    ? Either.right(number)
    : bad(field, `Invalid ${field} value (must be ${least}-${most}${unit}).`)
}

const FLAGS = new Map<unknown, boolean>([
  [undefined, false],
  [null, false],
  [true, true],
  [false, false],
  ["true", true],
  ["false", false],
  ["1", true],
  ["0", false],
  [1, true],
  [0, false]
])

export const flag = (field: string, value: unknown): Read<boolean> => {
  const known = FLAGS.get(value)
  return known === undefined ? bad(field, `${field} must be true or false.`) : Either.right(known)
}

export const network = (value: unknown): Read<PoolId> => {
  if (absent(value) || value === "" || value === "zerotrust") return Either.right("zerotrust")
  return value === "semitrusted"
    ? Either.right(value)
    : bad("network_mode", 'network_mode must be "zerotrust" or "semitrusted".')
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/

const variable = (name: string, value: unknown): Read<string> => {
  const wrong = (what: string) => bad("env", `env ${quote(name)} ${what}.`)
  if (!NAME.test(name)) return wrong("is no name: use letters, digits and _, and do not begin with a digit")
  const text = typeof value === "number" || typeof value === "boolean" ? String(value) : value
  if (!isText(text)) return wrong("must be a string")
  if (text.includes("\0")) return wrong("has a NUL byte, which no environment can carry")
  return text.isWellFormed() ? Either.right(text) : wrong("is not valid Unicode")
}

export const env = (value: unknown): Read<Readonly<Record<string, string>>> => {
  // PHP writes an empty object as [].
  if (absent(value) || value === "" || (Array.isArray(value) && value.length === 0)) return Either.right({})
  if (typeof value !== "object" || Array.isArray(value)) return bad("env", "env must be an object of names and values.")
  const given = Object.entries(value)
  if (given.length > BOUNDS.envCount)
    return bad("env", `env has ${given.length} variables; ${BOUNDS.envCount} are allowed.`)
  const taken: Array<[string, string]> = []
  let bytes = 0
  for (const [name, item] of given) {
    const text = variable(name, item)
    if (Either.isLeft(text)) return Either.left(text.left)
    bytes += name.length + Buffer.byteLength(text.right) + 2
    taken.push([name, text.right])
  }
  if (bytes > BOUNDS.envBytes)
    return bad("env", `env is larger than ${BOUNDS.envBytes / 1024} KiB. Send an input file instead.`, "too_large", 413)
  // Defines own properties: a variable called __proto__ stays a variable.
  return Either.right(Object.fromEntries(taken))
}

/** The normal form, or the first thing that is wrong with it. */
export const read = (written: Written): Read<Order> =>
  Either.all({
    language: language(written.language),
    code: code(written.code),
    env: env(written.env),
    stdin: stdin(written.stdin),
    network: network(written.network_mode),
    ttlMillis: Either.map(whole("ttl", written.ttl, BOUNDS.ttlSeconds, " seconds"), (seconds) => seconds * 1000),
    vcpu: whole("vcpu", written.vcpu, BOUNDS.vcpu, ""),
    wantsArtifacts: flag("return_artifact", written.return_artifact),
    wantsWasm: flag("return_wasm_artifact", written.return_wasm_artifact)
  })
