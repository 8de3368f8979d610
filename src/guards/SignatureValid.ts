/** D03: does the signature prove that the holder of the key's secret sent this very request? */
import { KeyObject } from "node:crypto"
import * as Credentials from "./Credentials.js"
import { bytes, maybe, text } from "./Fact.js"
import { Permit, type Reason } from "./Guard.js"
import * as Signature from "./Signature.js"

interface SignedRequest {
  readonly credentials: Credentials.Credentials
  readonly method: string
  /** As on the request line, with its query. */
  readonly target: string
  readonly body: Uint8Array
  /** Undefined: it could not be had, or there is no such key. */
  readonly secret: Signature.Secret | undefined
}

export interface Proven {
  readonly publicKey: string
  readonly timestamp: string
}

const SHAPE = /^[0-9a-f]{64}$/

const refuse = (message: string): Reason => ({ code: "invalid_signature", message, status: 401 })

const rule = ({ body, credentials, method, secret, target }: SignedRequest): true | Reason => {
  if (credentials._tag !== "Signed") return Credentials.unsigned(credentials) ?? refuse("The request is not signed.")
  const { signature, timestamp } = credentials
  if (!SHAPE.test(signature)) return refuse("X-Signature must be 64 lowercase hex digits: HMAC-SHA256 in hex.")
  if (secret === undefined)
    return {
      code: "uncertain",
      message: "The key's secret cannot be read now, so no signature can be checked. Try again shortly.",
      status: 503,
      retryAfterSeconds: 1,
      uncertain: true
    }
  return (
    Signature.verify(secret, { timestamp, method, target, body }, signature) !== undefined ||
    refuse(
      `The signature does not match. Sign "${method.toUpperCase()}" and the exact path and body that are sent: ` +
        'hex HMAC-SHA256(secret key, "timestamp:METHOD:path:body").'
    )
  )
}

export const signatureValid = Permit.guard("D03", {
  name: "signature-valid",
  claim: "the signature matches one of the contract's forms",
  known: {
    credentials: Credentials.known,
    method: text,
    target: (value) => typeof value === "string" && value.startsWith("/"),
    body: bytes,
    secret: maybe((value) => value instanceof KeyObject && value.type === "secret")
  },
  rule,
  // Neither the secret nor the signature: both would let somebody else sign.
  carries: ({ credentials }): Proven => {
    if (credentials._tag !== "Signed") throw new TypeError("not signed")
    return { publicKey: credentials.publicKey, timestamp: credentials.timestamp }
  }
})
