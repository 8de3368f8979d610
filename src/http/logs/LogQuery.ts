/** What a caller wants to read of its log: from a query or a JSON body, in any of the ways in which clients write it. */
import { Either } from "effect"
import type { Reason } from "../../guards/Guard.js"
import { quote } from "../../guards/Quote.js"
import { type Level, type Source, sources } from "../../projections/LogLine.js"
import type { Filter } from "../../projections/LogLines.js"
import type { Fields } from "../Normalise.js"

type Read<A> = Either.Either<A, Reason>

/** `all`, one of ours, or one that only an operator may read. */
export type Wanted = "all" | Source | { readonly pool: string }

interface LogQuery {
  readonly wanted: Wanted
  readonly filter: Filter
  readonly lines: number
  /** Undefined: not said. */
  readonly sinceMillis: number | undefined
}

const bounds = { lines: { most: 9_000, usual: 100 }, grep: 200 } as const

const bad = (field: string, message: string): Read<never> =>
  Either.left({ code: "invalid_parameter", message, status: 400, details: { field } })

const absent = (value: unknown): boolean => value === undefined || value === null || value === ""

const unknownLog = (name: string): Read<never> =>
  Either.left({
    code: "not_found",
    message: `There is no log ${quote(name)}. There are all, ${sources.join(", ")}, and pool/NODE for operators.`,
    status: 404
  })

const source = (value: unknown): Read<Wanted> => {
  if (absent(value) || value === "all") return Either.right("all")
  if (typeof value !== "string") return bad("source", "source must be a name such as all or api.")
  const own = sources.find((name) => name === value)
  if (own !== undefined) return Either.right(own)
  const pool = /^pool\/([\w.-]{1,64})$/.exec(value)?.[1]
  return pool === undefined ? unknownLog(value) : Either.right({ pool })
}

const lines = (value: unknown): Read<number> => {
  if (absent(value)) return Either.right(bounds.lines.usual)
  const number = typeof value === "string" && /^\d{1,9}$/.test(value) ? Number(value) : value
  return typeof number === "number" && Number.isInteger(number) && number >= 1 && number <= bounds.lines.most
    ? Either.right(number)
    : bad("lines", `lines must be a whole number, 1 to ${bounds.lines.most}.`)
}

const units: Readonly<Record<string, number>> = { ms: 1, "": 1_000, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** A time ago such as `5m`, or a moment in ISO 8601. */
const since = (value: unknown, now: number): Read<number | undefined> => {
  if (absent(value)) return Either.right(undefined)
  const text = String(value)
  const [, count, unit = ""] = /^(\d{1,9})(ms|s|m|h|d)?$/.exec(text) ?? []
  if (count !== undefined) return Either.right(now - Number(count) * (units[unit] ?? 0))
  const moment = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(moment)
    ? bad("since", "since must be a time ago such as 30s, 5m, 2h or 1d, or a moment in ISO 8601.")
    : Either.right(moment)
}

const grep = (value: unknown): Read<string> => {
  if (absent(value)) return Either.right("")
  return typeof value === "string" && value.length <= bounds.grep
    ? Either.right(value)
    : bad("grep", `grep must be a text of at most ${bounds.grep} characters; it is looked for as it is.`)
}

const names: Readonly<Record<string, Level>> = {
  debug: "debug",
  info: "info",
  warn: "warn",
  warning: "warn",
  error: "error"
}

const level = (value: unknown): Read<Level> => {
  if (absent(value)) return Either.right("debug")
  const known = typeof value === "string" ? names[value.toLowerCase()] : undefined
  return known === undefined ? bad("level", "level must be debug, info, warn or error.") : Either.right(known)
}

/** `now` in milliseconds since 1970. */
export const read = (fields: Fields, now: number): Read<LogQuery> =>
  Either.all({
    wanted: source(fields.source),
    lines: lines(fields.lines),
    sinceMillis: since(fields.since, now),
    grep: grep(fields.grep),
    level: level(fields.level)
  }).pipe(
    Either.map(({ grep, level, wanted, ...rest }) => ({
      ...rest,
      wanted,
      filter: { grep, level, source: typeof wanted === "string" && wanted !== "all" ? wanted : undefined }
    }))
  )

/** The fields of a query. Later ones win, as in a form. */
export const fieldsOf = (target: string): Fields => {
  const mark = target.indexOf("?")
  return mark < 0 ? {} : Object.fromEntries(new URLSearchParams(target.slice(mark)))
}
