/** A client of the HTTP API that signs its requests: `Authorization`, `X-Timestamp` and `X-Signature`. */
import { createHmac } from "node:crypto"
import { Clock, Effect } from "effect"
import { Failure } from "./Failure.js"

export interface Credentials {
  readonly url: string
  readonly publicKey: string
  readonly secretKey: string
}

/** Lowercase hex HMAC-SHA256, keyed with the whole secret, of `timestamp:METHOD:path:body`; `seconds` since 1970. */
export const sign = (secretKey: string, seconds: number, method: string, path: string, body: string): string =>
  createHmac("sha256", secretKey).update(`${seconds}:${method}:${path}:${body}`).digest("hex")

export const headers = (
  { publicKey, secretKey }: Credentials,
  seconds: number,
  method: string,
  path: string,
  body: string
): Readonly<Record<string, string>> => ({
  Authorization: `Bearer ${publicKey}`,
  "X-Timestamp": String(seconds),
  "X-Signature": sign(secretKey, seconds, method, path, body)
})

export interface Answer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

interface Asked {
  readonly method?: "GET" | "POST" | "DELETE"
  /** With its query. */
  readonly path: string
  readonly body?: string
  readonly type?: "application/json" | "text/plain"
  readonly timeoutMillis?: number
}

const failed = (ending: Failure["ending"], code: string, message: string) => new Failure({ ending, code, message })

export const parsed = (text: string): Readonly<Record<string, unknown>> => {
  const value: unknown = JSON.parse(text)
  if (typeof value !== "object" || value === null) throw new Error("not a JSON object")
  return { ...value }
}

/** `fetch failed` says nothing; what it stands for does. */
export const wordsOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause instanceof Error ? error.cause : error
  const code = "code" in cause && typeof cause.code === "string" ? cause.code : cause.name
  return cause.message === "" ? code : cause.message
}

/** Resolves with whatever the server answered; fails only when it gave no JSON answer in time. */
export const ask = Effect.fnUntraced(function* (credentials: Credentials, asked: Asked) {
  const { method = "POST", path, body = "", type = "application/json", timeoutMillis = 120_000 } = asked
  const seconds = Math.floor((yield* Clock.currentTimeMillis) / 1000)
  const signed = { ...headers(credentials, seconds, method, path, body), "Content-Type": type }
  return yield* Effect.tryPromise({
    try: async (signal): Promise<Answer> => {
      const response = await fetch(`${credentials.url}${path}`, {
        method,
        headers: signed,
        signal,
        ...(method === "GET" ? {} : { body })
      })
      return { status: response.status, body: parsed(await response.text()) }
    },
    catch: (error) => failed("api", "no_answer", `${method} ${path}: ${wordsOf(error)}`)
  }).pipe(
    Effect.timeoutFail({
      duration: timeoutMillis,
      onTimeout: () => failed("timeout", "timeout", `${method} ${path}: no answer within ${timeoutMillis} ms`)
    })
  )
})

/** The server's own words. */
export const refusal = (path: string, { body, status }: Answer): Failure => {
  const { code, message, error } = body
  const ending = status === 401 || status === 403 ? "auth" : "api"
  return failed(ending, String(code ?? status), `${path}: ${status} ${message ?? error ?? ""}`)
}

/** As `ask`, but an answer that is not 2xx is a failure. */
export const call = (credentials: Credentials, asked: Asked): Effect.Effect<Answer, Failure> =>
  Effect.flatMap(ask(credentials, asked), (answer) =>
    answer.status >= 200 && answer.status < 300 ? Effect.succeed(answer) : refusal(asked.path, answer)
  )

const ENDED = new Set(["completed", "failed", "timeout", "cancelled"])

/** Asks for a job every 100 ms until it has ended. */
export const outcome = (credentials: Credentials, job: string, withinMillis: number): Effect.Effect<Answer, Failure> =>
  call(credentials, { method: "GET", path: `/jobs/${job}` }).pipe(
    Effect.delay("100 millis"),
    Effect.repeat({ until: ({ body }) => ENDED.has(String(body.status)) }),
    Effect.timeoutFail({
      duration: withinMillis,
      onTimeout: () => failed("timeout", "timeout", `job ${job} did not end within ${withinMillis} ms`)
    })
  )
