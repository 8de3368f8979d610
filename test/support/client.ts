/** A strict client of the API: signs as the contract says, and wrongly on request. */
import { createHmac } from "node:crypto"
import { type ClientRequest, type IncomingHttpHeaders, request as open } from "node:http"

export interface Target {
  readonly url: string
  readonly publicKey: string
  readonly secretKey: string
}

export interface Sign {
  /** Unix seconds; by default now. */
  readonly timestamp?: number | string
  /** Signed instead of the path that is sent. */
  readonly path?: string
  /** Signed instead of the body that is sent. */
  readonly body?: string
  readonly method?: string
  readonly publicKey?: string
  readonly secretKey?: string
  /** Sent instead of the right signature. */
  readonly signature?: string
}

export interface Ask {
  /** Objects are sent as compact JSON. */
  readonly body?: string | Uint8Array | object
  readonly headers?: Readonly<Record<string, string>>
  /** False: no credentials at all; "bearer": only the public key. */
  readonly sign?: Sign | false | "bearer"
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** The body read as JSON; undefined when it is none. */
  readonly json: Record<string, unknown>
}

export const bytesOf = (body: Ask["body"]): Buffer => {
  if (body === undefined) return Buffer.alloc(0)
  if (typeof body === "string") return Buffer.from(body)
  return body instanceof Uint8Array ? Buffer.from(body) : Buffer.from(JSON.stringify(body))
}

export const signature = (secret: string, timestamp: string, method: string, path: string, body: Uint8Array | string) =>
  createHmac("sha256", secret).update(`${timestamp}:${method}:${path}:`).update(body).digest("hex")

export const credentials = (to: Target, method: string, path: string, body: Buffer, sign: Sign = {}) => {
  const timestamp = String(sign.timestamp ?? Math.floor(Date.now() / 1_000))
  const signed = signature(
    sign.secretKey ?? to.secretKey,
    timestamp,
    sign.method ?? method,
    sign.path ?? path,
    sign.body ?? body
  )
  return {
    authorization: `Bearer ${sign.publicKey ?? to.publicKey}`,
    "x-timestamp": timestamp,
    "x-signature": sign.signature ?? signed
  }
}

const parsed = (text: string): Record<string, unknown> => {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === "object" && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}

/** Resolves with whatever comes back, as soon as it is complete. */
export const answerOf = (sent: ClientRequest): Promise<Answer> =>
  new Promise((resolve, reject) => {
    sent.on("error", reject)
    sent.on("response", (response) => {
      const chunks: Array<Buffer> = []
      response.on("data", (chunk: Buffer) => chunks.push(chunk))
      response.on("error", reject)
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString()
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json: parsed(text) })
      })
    })
  })

/** Opens the request and sends its head; the caller sends the body. */
export const begin = (to: Target, method: string, path: string, headers: Readonly<Record<string, string>>) =>
  open(new URL(to.url), { method, path, headers, agent: false })

const auth = (to: Target, method: string, path: string, body: Buffer, sign: Ask["sign"]) => {
  if (sign === false) return {}
  if (sign === "bearer") return { authorization: `Bearer ${to.publicKey}` }
  return credentials(to, method, path, body, sign)
}

export const request = (
  to: Target,
  method: string,
  path: string,
  { body, headers, sign }: Ask = {}
): Promise<Answer> => {
  const bytes = bytesOf(body)
  const sent = begin(to, method, path, {
    ...(body === undefined ? {} : { "content-type": "application/json", "content-length": String(bytes.length) }),
    ...auth(to, method, path, bytes, sign),
    ...headers
  })
  const answer = answerOf(sent)
  sent.end(bytes)
  return answer
}
