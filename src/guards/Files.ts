/** Input files as callers name and encode them: what stays inside a directory, and what does not. */
import { Either } from "effect"
import type { Details, Reason } from "./Guard.js"
import { CONTROL, legible, quote } from "./Quote.js"

export interface InputFile {
  /** Relative, in its one normal form: segments joined by `/`, none of them `.` or `..`. */
  readonly name: string
  readonly content: Uint8Array
}

export interface Bounds {
  readonly count: number
  readonly totalBytes: number
  readonly singleBytes: number
}

export const BOUNDS: Bounds = { count: 100, totalBytes: 10 * 2 ** 20, singleBytes: 5 * 2 ** 20 }

const NAME_BYTES = 1024
const SEGMENT_BYTES = 255
const DEPTH = 16

type Read<A> = Either.Either<A, Reason>

export const refuse = (
  code: string,
  message: string,
  details: Details = {},
  status: 400 | 413 = 400
): Either.Either<never, Reason> => Either.left({ code, message, status, details })

/** `./a//b` is `a/b`; whatever is absolute or names a parent is refused, even where it would come back. */
export const nameOf = (filename: unknown): Read<string> => {
  if (typeof filename !== "string" || filename === "")
    return refuse("invalid_filename", "Each input file needs a filename.")
  const because = (why: string) =>
    refuse("invalid_filename", `The filename ${quote(filename)} ${why}.`, { filename: legible(filename) })
  if (Buffer.byteLength(filename) > NAME_BYTES) return because(`is longer than ${NAME_BYTES} bytes`)
  if (CONTROL.test(filename)) return because("has a control character")
  if (filename.startsWith("/")) return because("is absolute; name it relative to the input directory")
  const segments = filename.split("/")
  if (segments.includes("..")) return because('names a parent directory ("..")')
  if (segments[segments.length - 1] === "") return because("ends in / and so names a directory")
  const kept = segments.filter((segment) => segment !== "" && segment !== ".")
  if (kept.length === 0) return because("names no file")
  if (kept.length > DEPTH) return because(`is deeper than ${DEPTH} directories`)
  if (kept.some((segment) => Buffer.byteLength(segment) > SEGMENT_BYTES))
    return because(`has a part longer than ${SEGMENT_BYTES} bytes`)
  return Either.right(kept.join("/"))
}

interface Encoded {
  readonly text: string
  /** How many it is decoded, known before anything is. */
  readonly bytes: number
}

const notBase64 = refuse(
  "invalid_base64",
  "content must be a base64 string: A-Z a-z 0-9 + /, padded with = to a multiple of four."
)

/** Encoders that break lines are understood. */
export const measure = (content: unknown): Read<Encoded> => {
  if (typeof content !== "string") return notBase64
  const text = content.includes("\n") ? content.replace(/\r?\n/g, "") : content
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0
  return text.length % 4 === 0 ? Either.right({ text, bytes: (text.length / 4) * 3 - padding }) : notBase64
}

/**
 * Node's decoder skips what does not belong, so too few bytes mean a foreign character. It also takes the URL alphabet,
 * and reads wide characters by their low byte. (A pattern over megabytes is ten times slower, or exhausts the stack.)
 */
export const decode = ({ bytes, text }: Encoded): Read<Uint8Array> => {
  if (text.includes("-") || text.includes("_") || Buffer.byteLength(text) !== text.length) return notBase64
  const content = Buffer.from(text, "base64")
  return content.length === bytes ? Either.right(content) : notBase64
}

/** A name that is a file here and a directory there; names are unique already. */
export const conflict = (names: ReadonlySet<string>): string | undefined => {
  for (const name of names)
    for (let end = name.lastIndexOf("/"); end > 0; end = name.lastIndexOf("/", end - 1))
      if (names.has(name.slice(0, end))) return name.slice(0, end)
  return undefined
}
