/** What anybody may ask: is it well, what can it run, what does it speak. */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { Effect } from "effect"
import { HealthCheck } from "../../../actors/pool/Health.js"
import { Toolchains } from "../../languages/Toolchains.js"
import { Api } from "../Api.js"
import * as Document from "../Document.js"
import * as LanguageChoice from "../jobs/LanguageChoice.js"
import * as Page from "../Page.js"
import { Problem } from "../Problem.js"
import * as Answer from "../wire/Answer.js"
import * as Extending from "./Extending.js"

/** Some clients never read the body and would hold the line open. */
const close = { connection: "close" }

const unhealthy = (reason: string) =>
  new Problem({
    status: 503,
    code: "unhealthy",
    message: `No command can be run right now: ${reason}`,
    extra: { status: "unhealthy" },
    retryAfterSeconds: 5,
    headers: close
  })

/** Nothing on the page loads or runs anything. */
const policy =
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const page = (html: string) =>
  HttpServerResponse.text(html, {
    contentType: "text/html; charset=utf-8",
    headers: { "content-security-policy": policy }
  })

export const PublicLive = HttpApiBuilder.group(Api, "public", (handlers) =>
  Effect.gen(function* () {
    const check = yield* HealthCheck
    const choice = LanguageChoice.make(yield* Toolchains)
    // Made when first asked for: a server starts without them.
    const openapi = yield* Effect.cached(Effect.sync(() => Answer.json(Document.make())))
    const docs = yield* Effect.cached(Effect.sync(() => page(Page.render(Document.make()))))
    const health = Effect.flatMap(check, (found) =>
      found.ok
        ? Effect.succeed(Answer.json({ status: "ok", check_ms: found.millis }, 200, close))
        : Effect.fail(unhealthy(found.reason))
    )
    return handlers
      .handleRaw("health", () => health)
      .handle("languages", () => Effect.sync(choice.listed))
      .handleRaw("openapi", () => openapi)
      .handleRaw("docs", () => docs)
      .handleRaw("extend", ({ urlParams }) => Effect.sync(() => page(Extending.render(urlParams.pk))))
  })
)
