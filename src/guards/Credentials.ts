/** Who a request says it is from, as its headers put it; nothing here is proven yet. */
import { type Known, struct, text, written } from "./Fact.js"
import type { Reason } from "./Guard.js"

export interface Headers {
  readonly authorization?: string | undefined
  readonly timestamp?: string | undefined
  readonly signature?: string | undefined
}

interface Signed {
  readonly _tag: "Signed"
  readonly publicKey: string
  readonly timestamp: string
  readonly signature: string
}

export type Credentials =
  | Signed
  /** A public key alone: enough for the few routes that tell nothing of anybody's. */
  | { readonly _tag: "Unsigned"; readonly publicKey: string; readonly lacks: string }
  | { readonly _tag: "Legacy" }
  | { readonly _tag: "Malformed" }
  | { readonly _tag: "Absent" }

const BEARER = /^bearer +(\S+) *$/i
const PUBLIC_KEY = /^unsb-pk-[0-9a-z-]{4,64}$/

const publicKey: Known = (value) => written(value) && PUBLIC_KEY.test(String(value))

const shapes: { readonly [C in Credentials["_tag"]]: Known } = {
  Signed: struct({ publicKey, timestamp: written, signature: written }),
  Unsigned: struct({ publicKey, lacks: text }),
  Legacy: struct({}),
  Malformed: struct({}),
  Absent: struct({})
}

const isTag = (tag: unknown): tag is Credentials["_tag"] => typeof tag === "string" && Object.hasOwn(shapes, tag)

/** As `read` makes them. */
export const known: Known = (value) => {
  const tag: unknown = typeof value === "object" && value !== null ? Reflect.get(value, "_tag") : undefined
  return isTag(tag) && shapes[tag](value)
}

const given = (header: string | undefined): header is string => header !== undefined && header !== ""

export const read = ({ authorization, signature, timestamp }: Headers): Credentials => {
  if (!given(authorization)) return { _tag: "Absent" }
  const publicKey = BEARER.exec(authorization)?.[1]
  if (publicKey?.startsWith("unsb-sk-") === true) return { _tag: "Legacy" }
  if (publicKey === undefined || !PUBLIC_KEY.test(publicKey)) return { _tag: "Malformed" }
  if (given(timestamp) && given(signature)) return { _tag: "Signed", publicKey, timestamp, signature }
  const lacks = [given(timestamp) ? "" : "X-Timestamp", given(signature) ? "" : "X-Signature"]
  return { _tag: "Unsigned", publicKey, lacks: lacks.filter(given).join(" and ") }
}

/** The key as an event may name it: never a secret that somebody sent in its place. */
export const principal = (credentials: Credentials): string =>
  credentials._tag === "Signed" || credentials._tag === "Unsigned" ? credentials.publicKey : ""

const refuse = (code: string, message: string): Reason => ({ code, message, status: 401 })

/** Why no public key can be read from them. */
export const unreadable = (credentials: Credentials): Reason | undefined => {
  switch (credentials._tag) {
    case "Absent":
      return refuse("missing_credentials", "Send Authorization: Bearer <public key>, X-Timestamp and X-Signature.")
    case "Legacy":
      return refuse(
        "legacy_key_unsupported",
        "A secret key was sent as the bearer token. Secrets stay with you here: send the public key (unsb-pk-…) as Bearer, " +
          "sign with the secret (X-Timestamp, X-Signature), and replace this secret, because it has been on the wire."
      )
    case "Malformed":
      return refuse("invalid_key", "Authorization must be: Bearer <public key>, and a public key begins with unsb-pk-.")
    default:
      return undefined
  }
}

/** Why they prove nothing: no key, or no signature beside it. */
export const unsigned = (credentials: Credentials): Reason | undefined =>
  credentials._tag === "Unsigned"
    ? refuse(
        "missing_signature",
        `${credentials.lacks} missing. X-Signature is hex HMAC-SHA256(secret, "timestamp:METHOD:path:body"), X-Timestamp its unix seconds.`
      )
    : unreadable(credentials)
