/** Who calls: the middleware that every group but the public one carries (shapes). */
import * as HttpApiMiddleware from "@effect/platform/HttpApiMiddleware"
import * as HttpApiSecurity from "@effect/platform/HttpApiSecurity"
import * as OpenApi from "@effect/platform/OpenApi"
import { Context } from "effect"
import type { Proof } from "../guards/Authentication.js"
import type { KeyRecord } from "../projections/KeyTable.js"
import { problems } from "./Problem.js"

/** A caller whose key was certain to be known and active, and what it sent. */
export interface Calling {
  readonly key: KeyRecord
  /** Exactly the bytes that were signed. */
  readonly body: Buffer
  readonly trace: string
  /** What let it in: D01 and D02, and D03 and D04 where a signature was asked for. */
  readonly proof: Proof
}

export class Caller extends Context.Tag("http/Caller")<Caller, Calling>() {}

const bearer = HttpApiSecurity.bearer.pipe(
  HttpApiSecurity.annotateContext(
    OpenApi.annotations({
      format: "unsb-pk-xxxx-xxxx-xxxx-xxxx",
      description:
        "`Authorization: Bearer PUBLIC_KEY` with `X-Timestamp` (unix seconds, within 300 s) and `X-Signature`: the " +
        "lowercase hex HMAC-SHA256 of `timestamp:METHOD:path:body` under the secret key."
    })
  )
)

/** D04 and D01 on the headers, D03 on the body's very bytes, then D02. */
export class Signed extends HttpApiMiddleware.Tag<Signed>()("http/Signed", {
  provides: Caller,
  failure: problems(400, 401, 403, 408, 413, 503),
  security: { signature: bearer }
}) {}

/** As `Signed`, for a body that no memory holds: signed is its SHA-256 in `X-Content-SHA256`, and that is the caller's `body`. */
export class SignedByDigest extends HttpApiMiddleware.Tag<SignedByDigest>()("http/SignedByDigest", {
  provides: Caller,
  failure: problems(400, 401, 403, 408, 413, 503),
  security: { signature: bearer }
}) {}

/** D01 and D02 only: a known, active key named by its bearer suffices. A signature, where there is one, must be right. */
export class KnownKey extends HttpApiMiddleware.Tag<KnownKey>()("http/KnownKey", {
  provides: Caller,
  failure: problems(400, 401, 403, 408, 413, 503),
  security: { publicKey: bearer }
}) {}
