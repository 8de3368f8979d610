/** D11 on what the programs of a service are to read: never the secret of the key that asks, nor of its forebears. */
import { Either } from "effect"
import { bytes, list, oneOf, struct, text, written } from "./Fact.js"
import { quote } from "./Quote.js"
import { wellformed } from "./RequestWellformed.js"

interface Handed {
  readonly where: "vault" | "bootstrap" | "file"
  /** A variable's or a file's; of a script there is but one. */
  readonly name: string
  readonly value: string | Uint8Array
}

export interface Handing {
  readonly handed: ReadonlyArray<Handed>
  /** The caller's, its parent's, and so on: at least one, and at most a line of them. */
  readonly secrets: ReadonlyArray<string>
}

const isValue = (value: unknown) => written(value) || bytes(value)
const some = list(text)

const field = { vault: "env", bootstrap: "bootstrap", file: "input_files" } as const

/** One look for each file and secret: as many bytes as files may have, as often as a line is long. */
const holds = (value: string | Uint8Array, secret: string): boolean =>
  typeof value === "string"
    ? value.includes(secret)
    : Buffer.from(value.buffer, value.byteOffset, value.byteLength).includes(secret)

const called = ({ name, where }: Handed): string => {
  if (where === "bootstrap") return "The bootstrap"
  return where === "vault" ? `env ${quote(name)}` : `The input file ${quote(name)}`
}

/** What is carried holds neither. */
export const ownKeyKept = wellformed<Handing, Readonly<Record<string, never>>>(
  {
    handed: list(struct<Handed>({ where: oneOf("vault", "bootstrap", "file"), name: text, value: isValue })),
    secrets: (value) => some(value) && Array.isArray(value) && value.length > 0
  },
  ({ handed, secrets }) => {
    const found = handed.find(({ value }) => secrets.some((secret) => holds(value, secret)))
    if (found === undefined) return Either.right({})
    return Either.left({
      code: `own_key_in_${found.where}`,
      message:
        `${called(found)} holds the secret of your own key, or of one above it. Whatever runs in the service could act as you. ` +
        'Leave it out, and create the service with "child_key": true: its programs then find a key of their own in ' +
        "UNSANDBOX_PUBLIC_KEY and UNSANDBOX_SECRET_KEY.",
      status: 400,
      details: { field: field[found.where] }
    })
  }
)
