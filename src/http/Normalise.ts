/** The many ways in which clients write one request, made one: aliases resolved, empty bodies understood. Decides nothing. */
import { isUtf8 } from "node:buffer"
import { Either } from "effect"
import type { Reason } from "../guards/Guard.js"
import type { Written } from "../guards/RequestWellformed.js"
import * as Json from "./Json.js"

export type Fields = Readonly<Record<string, unknown>>

/** An order as it came, under the contract's names. */
export interface Asked {
  readonly order: Written
  readonly files: unknown
}

const bad = (code: string, message: string, details: Reason["details"] = {}): Either.Either<never, Reason> =>
  Either.left({ code, message, details, status: 400 })

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** PHP writes an empty object as `[]`. */
const isNothing = (value: unknown): boolean =>
  value === null || value === undefined || value === "" || (Array.isArray(value) && value.length === 0)

export const text = (body: Buffer): Either.Either<string, Reason> => {
  if (!isUtf8(body)) return bad("invalid_encoding", "The body is not UTF-8 text. Encode it as UTF-8.")
  const all = body.toString()
  return Either.right(all.charCodeAt(0) === 0xfeff ? all.slice(1) : all)
}

const parsed = (what: string, all: string): Either.Either<unknown, Reason> =>
  Either.orElse(Json.parse(all), ({ column, line, position, reason }) =>
    bad("malformed_json", `${what} is not JSON: ${reason} at position ${position} (line ${line}, column ${column}).`, {
      position,
      line,
      column
    })
  )

const fieldsOf = (what: string, value: unknown): Either.Either<Fields, Reason> => {
  if (isFields(value)) return Either.right(value)
  return isNothing(value) ? Either.right({}) : bad("not_an_object", `${what} must be a JSON object.`)
}

/** What clients write as null or "" they do not mean to say. */
export const isSaid = (value: unknown): boolean => value !== undefined && value !== null && value !== ""

/** The first that is said, of the names that a field has. */
export const first = (...values: ReadonlyArray<unknown>): unknown => values.find(isSaid)

/** The body as an object; nothing, `""`, `[]` and `null` are the empty one. */
export const object = (body: Buffer): Either.Either<Fields, Reason> => {
  const all = text(body)
  if (Either.isLeft(all)) return Either.left(all.left)
  if (all.right.trim() === "") return Either.right({})
  return Either.flatMap(parsed("The body", all.right), (value) => fieldsOf("The body", value))
}

const inputFile = (file: unknown): unknown =>
  isFields(file) ? { filename: file.filename ?? file.name, content: file.content ?? file.content_base64 } : file

export const files = (written: unknown): unknown => (Array.isArray(written) ? written.map(inputFile) : written)

export const order = (fields: Fields): Asked => {
  return {
    order: {
      language: fields.language,
      code: fields.code,
      env: fields.env,
      stdin: fields.stdin,
      network_mode: first(fields.network_mode, fields.network),
      ttl: first(fields.ttl, fields.timeout),
      vcpu: fields.vcpu,
      return_artifact: fields.return_artifact ?? fields.return_artifacts,
      return_wasm_artifact: fields.return_wasm_artifact
    },
    files: files(fields.input_files)
  }
}

/** The query of /run, as the fields of a request. Later names win, as in a form. */
const query = (target: string): Either.Either<Fields, Reason> => {
  const mark = target.indexOf("?")
  const fields: Fields = mark < 0 ? {} : Object.fromEntries(new URLSearchParams(target.slice(mark)))
  const { env } = fields
  if (typeof env !== "string" || env === "") return Either.right(fields)
  const value = Either.flatMap(parsed("`env`", env), (found) => fieldsOf("`env`", found))
  return Either.map(value, (variables) => ({ ...fields, env: variables }))
}

/** /run: the body is the program itself, or JSON when it says so; what the body says wins over the query. */
export const run = (target: string, contentType: string | undefined, body: Buffer): Either.Either<Asked, Reason> => {
  const given = query(target)
  if (Either.isLeft(given)) return Either.left(given.left)
  const said: Either.Either<Fields, Reason> =
    contentType?.toLowerCase().includes("json") === true ? object(body) : Either.map(text(body), (code) => ({ code }))
  return Either.map(said, (fields) => order({ ...given.right, ...fields }))
}
