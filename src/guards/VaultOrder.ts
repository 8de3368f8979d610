/** A vault's variables: as text, line by line, or as an object; what a caller may write, and its one normal form. */
import { Either } from "effect"
import { anything } from "./Fact.js"
import { absent, BOUNDS, bad, isText, type Read } from "./Order.js"
import { wellformed } from "./RequestWellformed.js"
import { type Hosts, type Variables, valueOf, variables } from "./VaultVariables.js"

/** Text or variables. */
interface VaultWritten {
  readonly text?: unknown
  readonly variables?: unknown
  /** Of the service: what is marked needs one with a way out. */
  readonly network?: unknown
  /** What is marked now. */
  readonly marked?: Hosts
}

const LINE = /^(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*=(.*)$/s

const escapes: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t" }

/** Where the quote that it begins with is closed; -1 when it is not. */
const closing = (value: string): number => {
  const [quote] = value
  for (let at = 1; at < value.length; at++) {
    if (value[at] === "\\" && quote === '"') at++
    else if (value[at] === quote) return at
  }
  return -1
}

const isQuoted = (value: string): boolean => value.startsWith('"') || value.startsWith("'")

const unquoted = (value: string): string => {
  if (!isQuoted(value)) return value
  const inner = value.slice(1, closing(value))
  return value.startsWith("'") ? inner : inner.replace(/\\([\s\S])/g, (_, char: string) => escapes[char] ?? char)
}

/** Lines of NAME=VALUE, none of them marked; a value in quotes may go on over several. */
export const parse = (text: string): Read<Variables> => {
  const found: Array<[string, string]> = []
  const lines = text.split(/\r?\n/)
  for (let at = 0; at < lines.length; at++) {
    const line = (lines[at] ?? "").trim()
    if (line === "" || line.startsWith("#")) continue
    const match = LINE.exec(line)
    if (match === null) return bad("env", `Line ${at + 1} is not NAME=VALUE.`)
    const [, name = "", rest = ""] = match
    let value = rest.trim()
    const first = at
    while (isQuoted(value) && closing(value) < 0) {
      at += 1
      if (at >= lines.length) return bad("env", `The quote that line ${first + 1} opens is never closed.`)
      value += `\n${lines[at] ?? ""}`
    }
    found.push([name, unquoted(value)])
  }
  return Either.right(Object.fromEntries(found))
}

const needsQuotes = /^$|^\s|\s$|^["'#]|[\n\r]/

/** As `parse` reads it. */
export const print = (variables: Variables): string =>
  Object.entries(variables)
    .map(([name, variable]) => {
      const value = valueOf(variable)
      if (!needsQuotes.test(value)) return `${name}=${value}\n`
      const inner = value.replace(/[\\"]/g, "\\$&").replace(/\n/g, "\\n").replace(/\r/g, "\\r")
      return `${name}="${inner}"\n`
    })
    .join("")

const textOf = (value: unknown): Read<Variables> => {
  if (!isText(value)) return bad("env", "env must be text: lines of NAME=VALUE.")
  if (Buffer.byteLength(value) > BOUNDS.envBytes)
    return bad("env", `env is larger than ${BOUNDS.envBytes / 1024} KiB.`, "too_large", 413)
  return parse(value)
}

/** Lines have no marks: what is marked stays so, or an export that is put back would let its value in. */
const remarked = (variables: Variables, marked: Hosts = {}) =>
  Object.fromEntries(
    Object.entries(variables).map(([name, value]) => {
      const egress = Object.hasOwn(marked, name) ? marked[name] : undefined
      return [name, egress === undefined ? value : { value, egress }] as const
    })
  )

export const vaultWellformed = wellformed<VaultWritten, { readonly variables: Variables }>(
  { text: anything, variables: anything, network: anything, marked: anything },
  (written) => {
    const lines = () => Either.map(textOf(written.text), (read) => remarked(read, written.marked))
    const given = absent(written.text) ? Either.right(written.variables) : lines()
    const read = Either.flatMap(given, (one) => variables(one, written.network))
    return Either.map(read, (variables) => ({ variables }))
  }
)
