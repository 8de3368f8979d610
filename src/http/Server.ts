/** The HTTP API as a running server: the definition, its handlers and the listener, put together. */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import { currentTracerDisabledWhen } from "@effect/platform/HttpMiddleware"
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Context, type Duration, Effect, Layer } from "effect"
import { Api } from "./Api.js"
import * as AuthenticationLive from "./AuthenticationLive.js"
import { ExecutionLive } from "./ExecutionLive.js"
import { JobsLive } from "./JobsLive.js"
import { KeysLive } from "./KeysLive.js"
import * as Listener from "./Listener.js"
import { PublicLive } from "./PublicLive.js"
import * as Recover from "./Recover.js"
import { ClusterLive, SystemLive } from "./SystemLive.js"

export interface Bound {
  readonly host: string
  readonly port: number
  readonly url: string
}

export class Server extends Context.Tag("http/Server")<Server, Bound>() {}

export interface Options {
  readonly host: string
  /** 0: a free one. */
  readonly port: number
  readonly version: string
  readonly maxConnections?: number
  readonly stopWithin?: Duration.DurationInput
}

const usual = { maxConnections: 8_192, stopWithin: "30 seconds" } as const

const paths = { caseSensitive: true, ignoreDuplicateSlashes: false, ignoreTrailingSlash: true }

const listening = (options: Options) =>
  Effect.gen(function* () {
    const app = yield* HttpRouter.withRouterConfig(HttpApiBuilder.httpApp, paths)
    // Spans and access logs cost a fifth of a request; the log has what happened.
    const handler = yield* Effect.locally(NodeHttpServer.makeHandler(app), currentTracerDisabledWhen, () => true)
    const { address, family, port } = yield* Listener.start(handler, { ...usual, ...options })
    const host = family === "IPv6" ? `[${address}]` : address
    return { host: address, port, url: `http://${host}:${port}` }
  })

const handlers = (version: string) =>
  Layer.mergeAll(ExecutionLive, JobsLive, PublicLive, ClusterLive(version), SystemLive, KeysLive)

/** Accepts requests as soon as it is built; its release is the graceful stop. */
export const layer = (options: Options) =>
  Layer.scoped(Server, listening(options)).pipe(
    Layer.provide(HttpApiBuilder.middleware(Recover.middleware)),
    Layer.provide(HttpApiBuilder.api(Api)),
    Layer.provide(handlers(options.version)),
    Layer.provide(AuthenticationLive.layer),
    Layer.provide([HttpApiBuilder.Router.Live, HttpApiBuilder.Middleware.layer, NodeHttpServer.layerContext])
  )
