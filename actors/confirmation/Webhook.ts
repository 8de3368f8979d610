/** Codes to a program of the operator's: a signed POST that must be answered with 2xx. */
import { createHmac, randomBytes } from "node:crypto"
import { Clock, Effect, Redacted } from "effect"
import * as KeyFile from "../../src/log/KeyFile.js"
import { type Delivery, inTime, type Message, Undelivered } from "./Delivery.js"
import { mayCall } from "./Loopback.js"

interface Options {
  /** Holds the secret that bodies are signed with; made when it is not there. */
  readonly secretFile: string
}

const failed = (reason: string) => new Undelivered({ channel: "webhook", reason })

/** Read each time: an operator may replace it. Throws when others could read it. */
export const secretIn = (path: string): string =>
  KeyFile.loadOrCreate(path, () => Buffer.from(`${randomBytes(32).toString("hex")}\n`), false)
    .toString("utf8")
    .trim()

/** Lowercase hex, of `timestamp:body`. */
const sign = (secret: string, timestamp: string, body: string): string =>
  createHmac("sha256", secret).update(`${timestamp}:${body}`).digest("hex")

const bodyOf = ({ challenge, code, expiresAt, key, words }: Message): string =>
  JSON.stringify({
    type: "confirmation_required",
    challenge_id: challenge,
    code: Redacted.value(code),
    public_key: key,
    action: words,
    expires_at: new Date(expiresAt / 1000).toISOString()
  })

const post = (url: string, body: string, headers: Readonly<Record<string, string>>) =>
  Effect.tryPromise({
    try: async (signal) => {
      // A redirect would take the code to whom nobody chose.
      const response = await fetch(url, { method: "POST", body, headers, redirect: "manual", signal })
      await response.body?.cancel()
      return response.status
    },
    catch: () => failed("no answer")
  })

export const make = ({ secretFile }: Options): Delivery => ({
  send: (to, message) =>
    Effect.gen(function* () {
      if (!mayCall(to)) return yield* failed("neither https nor this host")
      const secret = yield* Effect.try({ try: () => secretIn(secretFile), catch: () => failed("no secret") })
      if (secret === "") return yield* failed("no secret")
      const timestamp = String(Math.floor((yield* Clock.currentTimeMillis) / 1000))
      const body = bodyOf(message)
      const status = yield* post(to, body, {
        "content-type": "application/json",
        connection: "close",
        "x-unsandbox-timestamp": timestamp,
        "x-unsandbox-signature": sign(secret, timestamp, body)
      })
      if (status < 200 || status > 299) return yield* failed(`status ${status}`)
    }).pipe((sending) => inTime("webhook", sending))
})
