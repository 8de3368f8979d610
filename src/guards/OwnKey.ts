/** D11 on what the programs of a service are to read: never the secret of the key that asks, nor of its forebears. */
import { Either } from "effect"
import { list, struct, text } from "./Fact.js"
import { quote } from "./Quote.js"
import { wellformed } from "./RequestWellformed.js"

interface Handed {
  readonly where: "vault" | "bootstrap"
  /** A variable's; of a script there is but one. */
  readonly name: string
  readonly value: string
}

export interface Handing {
  readonly handed: ReadonlyArray<Handed>
  /** The caller's, its parent's, and so on: at least one, and at most a line of them. */
  readonly secrets: ReadonlyArray<string>
}

const isText = (value: unknown) => typeof value === "string"
const some = list(text)

/** What is carried holds neither. */
export const ownKeyKept = wellformed<Handing, Readonly<Record<string, never>>>(
  {
    handed: list(struct<Handed>({ where: text, name: text, value: isText })),
    secrets: (value) => some(value) && Array.isArray(value) && value.length > 0
  },
  ({ handed, secrets }) => {
    const found = handed.find(({ value }) => secrets.some((secret) => value.includes(secret)))
    if (found === undefined) return Either.right({})
    const what = found.where === "vault" ? `env ${quote(found.name)}` : "The bootstrap"
    return Either.left({
      code: `own_key_in_${found.where}`,
      message:
        `${what} holds the secret of your own key, or of one above it. Whatever runs in the service could act as you. ` +
        'Leave it out, and create the service with "child_key": true: its programs then find a key of their own in ' +
        "UNSANDBOX_PUBLIC_KEY and UNSANDBOX_SECRET_KEY.",
      status: 400,
      details: { field: found.where === "vault" ? "env" : "bootstrap" }
    })
  }
)
