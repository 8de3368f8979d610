/** The HTTP API as a running server: the definition, its handlers and the listener, put together. */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import { currentTracerDisabledWhen } from "@effect/platform/HttpMiddleware"
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Context, type Duration, Effect, Layer } from "effect"
import type { Secure } from "../tls/Secure.js"
import * as Allowance from "./Allowance.js"
import { Api } from "./Api.js"
import * as AuthenticationLive from "./AuthenticationLive.js"
import { ArchivesLive } from "./images/ArchivesLive.js"
import { ImagesLive } from "./images/ImagesLive.js"
import { ExecutionLive } from "./jobs/ExecutionLive.js"
import { JobsLive } from "./jobs/JobsLive.js"
import { LogsLive } from "./logs/LogsLive.js"
import * as Recover from "./Recover.js"
import { ServicesLive } from "./services/ServicesLive.js"
import { VaultLive } from "./services/VaultLive.js"
import * as SessionsLive from "./sessions/SessionsLive.js"
import * as ShellTickets from "./sessions/ShellTickets.js"
import * as ShellUpgrade from "./sessions/ShellUpgrade.js"
import { SnapshotsLive } from "./snapshots/SnapshotsLive.js"
import { KeysLive } from "./system/KeysLive.js"
import { PicturesLive } from "./system/PicturesLive.js"
import { PublicLive } from "./system/PublicLive.js"
import { ClusterLive, SystemLive } from "./system/SystemLive.js"
import * as AnswerRoom from "./wire/AnswerRoom.js"
import * as Arrivals from "./wire/Arrivals.js"
import * as Body from "./wire/Body.js"
import * as Listener from "./wire/Listener.js"

export interface Bound {
  readonly host: string
  readonly port: number
  readonly url: string
}

export class Server extends Context.Tag("http/Server")<Server, Bound>() {}

export interface Options extends Body.Options, Arrivals.Options, AnswerRoom.Options, ShellTickets.Options {
  readonly host: string
  /** 0: a free one. */
  readonly port: number
  readonly version: string
  /** As sessions are told to have. */
  readonly memoryMbPerVcpu?: number
  /** Terminals are among them. */
  readonly maxConnections?: number
  readonly stopWithin?: Duration.DurationInput
  /** Without it the API is plain HTTP. */
  readonly secure?: Secure
}

const usual = { maxConnections: 8_192, stopWithin: "30 seconds" } as const

const paths = { caseSensitive: true, ignoreDuplicateSlashes: false, ignoreTrailingSlash: true }

const listening = (options: Options) =>
  Effect.gen(function* () {
    const app = yield* HttpRouter.withRouterConfig(HttpApiBuilder.httpApp, paths)
    // Spans and access logs cost a fifth of a request; the log has what happened.
    const handler = yield* Effect.locally(NodeHttpServer.makeHandler(app), currentTracerDisabledWhen, () => true)
    const arrivals = yield* Arrivals.Arrivals
    const { address: bound, onUpgrade } = yield* Listener.start(handler, { ...usual, ...options, arrivals })
    // Made after the listener, so that terminals are let go of before it waits for what is in flight.
    onUpgrade(yield* ShellUpgrade.make)
    const { address, family, port } = bound
    const host = family === "IPv6" ? `[${address}]` : address
    return { host: address, port, url: `${options.secure === undefined ? "http" : "https"}://${host}:${port}` }
  })

const handlers = ({ memoryMbPerVcpu = 2_048, version }: Options) =>
  Layer.mergeAll(
    SessionsLive.layer({ memoryMbPerVcpu }),
    ExecutionLive,
    JobsLive,
    PublicLive,
    ClusterLive(version),
    SystemLive,
    KeysLive,
    ServicesLive,
    VaultLive,
    SnapshotsLive,
    ArchivesLive,
    ImagesLive,
    LogsLive,
    PicturesLive
  )

/** Accepts requests as soon as it is built; its release is the graceful stop. */
export const layer = (options: Options) =>
  Layer.scoped(Server, listening(options)).pipe(
    Layer.provide(HttpApiBuilder.middleware(Recover.make)),
    Layer.provide(HttpApiBuilder.api(Api)),
    Layer.provide(Layer.provide(handlers(options), Layer.merge(AnswerRoom.layer(options), Allowance.layer))),
    Layer.provide(Layer.provide(AuthenticationLive.layer, Body.layer(options))),
    Layer.provide(ShellTickets.layer(options)),
    Layer.provide(Arrivals.layer(options)),
    Layer.provide([HttpApiBuilder.Router.Live, HttpApiBuilder.Middleware.layer, NodeHttpServer.layerContext])
  )
