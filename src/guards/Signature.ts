/** The contract's signature: HMAC-SHA256 over `timestamp:METHOD:path:body`, and the variants that correct clients send. */
import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from "node:crypto"

export interface Message {
  readonly timestamp: string
  readonly method: string
  /** As on the request line, with its query. */
  readonly target: string
  /** The raw bytes. */
  readonly body: Uint8Array
}

/** Which variant a signature was made over. */
export interface Form {
  readonly query: boolean
  readonly body: boolean
}

export type Secret = KeyObject

/** Holds the secret where neither a log line nor a permit can show it. */
export const secretOf = (text: string): Secret => createSecretKey(Buffer.from(text, "utf8"))

const NOTHING = new Uint8Array(0)
const HEX = /^[0-9a-f]{64}$/

const mac = (secret: Secret, head: string, path: string, body: Uint8Array): Buffer => {
  const hmac = createHmac("sha256", secret).update(`${head}${path}:`)
  return (body.length === 0 ? hmac : hmac.update(body)).digest()
}

export const sign = (secret: Secret, { body, method, target, timestamp }: Message): string =>
  mac(secret, `${timestamp}:${method.toUpperCase()}:`, target, body).toString("hex")

/** `{}` is what some clients send where they sign an empty body. */
const isEmptyObject = (body: Uint8Array): boolean => body.length === 2 && body[0] === 0x7b && body[1] === 0x7d

/** The form that the signature was made over; undefined when there is none. Takes as long for a wrong one as for all forms. */
export const verify = (secret: Secret, message: Message, signature: string): Form | undefined => {
  if (!HEX.test(signature)) return undefined
  const claimed = Buffer.from(signature, "hex")
  const head = `${message.timestamp}:${message.method.toUpperCase()}:`
  const matches = (path: string, body: Uint8Array) => timingSafeEqual(mac(secret, head, path, body), claimed)
  const cut = message.target.indexOf("?")
  const paths = cut < 0 ? [message.target] : [message.target, message.target.slice(0, cut)]
  for (const path of paths) {
    const query = path === message.target
    if (matches(path, message.body)) return { query, body: true }
    if (isEmptyObject(message.body) && matches(path, NOTHING)) return { query, body: false }
  }
  return undefined
}
