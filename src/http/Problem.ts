/** What a caller reads when a request is not done: `{error, code, message, details}`, with its status. */
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { Data, Schema } from "effect"
import type { Refused } from "../guards/Guard.js"
import { logDurable } from "../guards/LogDurable.js"
import { transitionLegal } from "../guards/TransitionLegal.js"
import type { LogUnavailable } from "../log/EventLog.js"
import type { StoreUnavailable } from "../store/Blobs.js"

type Detail = string | number | boolean | ReadonlyArray<string>

export class Problem extends Data.TaggedError("Problem")<{
  readonly status: number
  /** A machine word such as `invalid_signature`. */
  readonly code: string
  /** Specific, and names the fix. */
  readonly message: string
  readonly details?: Readonly<Record<string, Detail>>
  /** Further keys of the body, for clients that look for them at the top. */
  readonly extra?: Readonly<Record<string, Detail>>
  readonly retryAfterSeconds?: number
  readonly headers?: Readonly<Record<string, string>>
  /** The decision behind it: for the log, and never for the caller. */
  readonly refused?: Refused
}> {}

const ErrorBody = Schema.Struct({
  error: Schema.String.annotations({ description: "Machine word for what is wrong.", examples: ["invalid_signature"] }),
  code: Schema.String.annotations({ description: "The same word in capitals.", examples: ["INVALID_SIGNATURE"] }),
  message: Schema.String.annotations({
    description: "What is wrong and how to fix it, for people.",
    examples: ["The signature matches none of the forms. Sign `timestamp:METHOD:path:body` with your secret key."]
  }),
  details: Schema.Record({ key: Schema.String, value: Schema.Unknown }).annotations({
    description: "Facts about it: the decision point, its certainty, the field, the position …"
  })
}).annotations({ identifier: "Error", description: "Why a request was not done." })

const because: Readonly<Record<number, string>> = {
  400: "The request is not well-formed.",
  401: "The request is not signed by a known key.",
  403: "The key may not do this.",
  404: "There is no such thing, or it is not yours.",
  408: "The body did not arrive in time.",
  409: "It contradicts what has happened.",
  410: "It existed and is gone.",
  413: "The body is too large.",
  428: "A person must confirm it first.",
  429: "The key's rate or its slots are used up for now.",
  501: "No part of this server does that.",
  503: "It cannot be done or decided now; come again."
}

export const body = (problem: Problem) => ({
  ...problem.extra,
  error: problem.code,
  code: problem.code.toUpperCase(),
  message: problem.message,
  details: problem.details ?? {}
})

const declared = (status: number) =>
  Schema.transform(ErrorBody, Schema.instanceOf(Problem), {
    strict: true,
    decode: ({ error, message }) => new Problem({ status, code: error, message }),
    encode: (_, problem) => body(problem)
  }).annotations(HttpApiSchema.annotations({ status, description: because[status] ?? "Not done." }))

/** For the definition of an endpoint: it may answer with these statuses. */
export const problems = (...statuses: ReadonlyArray<number>) => Schema.Union(...statuses.map(declared))

/** What clients read of a key that is not good, of its slots, or of a challenge, stands at the top as well. */
const topOf = ({ point, reason: { code, details = {} } }: Refused): Problem["extra"] => {
  if (point === "D01" || point === "D02") return { valid: false, reason: code, ...details }
  const { active_executions, challenge_id, concurrency_limit, expires_in } = details
  if (challenge_id !== undefined && expires_in !== undefined) return { challenge_id, expires_in }
  if (active_executions === undefined || concurrency_limit === undefined) return undefined
  return { active_executions, concurrency_limit }
}

const fromRefused = (refused: Refused): Problem => {
  const { code, details, message, retryAfterSeconds, status } = refused.reason
  const extra = topOf(refused)
  return new Problem({
    status,
    code,
    message,
    details: { ...details, point: refused.point, certainty: refused.certainty },
    refused,
    ...(extra === undefined ? {} : { extra }),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds })
  })
}

const logUnavailable = new Problem({
  status: 503,
  code: "log_unavailable",
  message: "Nothing can be recorded right now, so nothing is done. Try again shortly.",
  retryAfterSeconds: 1
})

const outcomeUnknown = new Problem({
  status: 503,
  code: "outcome_unknown",
  message: "It is not known whether this was done: it may have been, or still be under way. Look before you try again.",
  retryAfterSeconds: 1
})

const storeUnavailable = new Problem({
  status: 503,
  code: "store_unavailable",
  message: "Stored outputs cannot be read or written right now. Try again shortly.",
  retryAfterSeconds: 1
})

/** D26 where it was to be recorded, D22 where it could not be decided; what is only looked at, or may be done, was not refused. */
const fromLog = ({ unread, written }: LogUnavailable): Problem => {
  if (unread === "view") return logUnavailable
  if (written === "unknown") return outcomeUnknown
  return fromRefused(unread === "history" ? transitionLegal.doubt("its history") : logDurable.doubt("not appended"))
}

/** Every way in which the inner parts can fail, as the caller reads it; their own reasons may name what is the host's. */
export const of = (error: Problem | Refused | LogUnavailable | StoreUnavailable): Problem => {
  switch (error._tag) {
    case "Problem":
      return error
    case "Refused":
      return fromRefused(error)
    case "LogUnavailable":
      return fromLog(error)
    case "StoreUnavailable":
      return storeUnavailable
  }
}

export const render = (problem: Problem): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.unsafeJson(body(problem), {
    status: problem.status,
    headers: {
      ...(problem.retryAfterSeconds === undefined ? {} : { "retry-after": String(problem.retryAfterSeconds) }),
      ...problem.headers
    }
  })
