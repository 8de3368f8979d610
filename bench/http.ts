/**
 * Budget: POST /execute costs about 0.2 ms of processor over a job that costs nothing: head, body, HMAC, decode, guards, render.
 * Beside it, in the same run, a bare HttpApi POST that does nothing with a body of the same size.
 */
import { type ChildProcess, fork } from "node:child_process"
import { createHmac } from "node:crypto"
import { createServer } from "node:http"
import { fileURLToPath } from "node:url"
import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpServer from "@effect/platform/HttpServer"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import autocannon from "autocannon"
import { Effect, Layer, ManagedRuntime, Option, Schema } from "effect"
import { Jobs, type Outcome } from "../actors/job/Jobs.js"
import { Keys } from "../actors/key/Keys.js"
import { HealthCheck } from "../actors/pool/Health.js"
import { type PoolStatus, Pools } from "../actors/pool/Pools.js"
import { Digest, JobId, PublicKey } from "../events/Ids.js"
import { Refusals } from "../src/guards/Refusals.js"
import * as Server from "../src/http/Server.js"
import { Toolchains } from "../src/languages/Toolchains.js"
import { JobTable } from "../src/projections/JobTable.js"
import { type KeyRecord, KeyTable } from "../src/projections/KeyTable.js"
import { Totals } from "../src/projections/Totals.js"
import { Blobs } from "../src/store/Blobs.js"

const publicKey = PublicKey.make("unsb-pk-bench-0000-0000-0001")
const secretKey = "unsb-sk-bench-00000-00000-00001"
const body = JSON.stringify({
  language: "bash",
  code: "echo hi",
  env: { GREETING: "hello" },
  network_mode: "zerotrust",
  ttl: 60
})

type Which = "execute" | "bare"

export interface HttpFigures {
  readonly rps: number
  readonly cpuMicrosPerRequest: number
  readonly p50Millis: number
  readonly p99Millis: number
  readonly failures: number
}

const digest = Digest.make(`sha256:${"0".repeat(64)}`)
const bytes = Buffer.from("hi\n")
const job = JobId.make(`unsb-job-${"0".repeat(32)}`)
const output = { digest, bytes: bytes.length, kept: bytes.length, truncated: false }
const at = 1_768_728_600_000_000
const outcome: Outcome = {
  finished: {
    _tag: "JobFinished",
    job,
    status: "completed",
    cause: "completed",
    exitCode: 0,
    signal: null,
    reason: null,
    stdout: output,
    stderr: { ...output, bytes: 0, kept: 0 },
    artifacts: [],
    usage: { wallMicros: 2_000, userMicros: 1_000, systemMicros: 500, peakBytes: 2_000_000 }
  },
  stdout: bytes,
  stderr: new Uint8Array(0),
  artifacts: [],
  createdAt: at,
  startedAt: at + 100,
  completedAt: at + 3_000
}

const unused = Effect.dieMessage("not asked for here")
const record: KeyRecord = { key: publicKey, label: "bench", status: "active", expiresAt: null, createdAt: at }
const known = Effect.succeed(Option.some(record))
const secret = Effect.succeed(Option.some(secretKey))
const ticket = Effect.succeed({ job, createdAt: at, outcome: Effect.succeed(outcome) })
const zerotrust: PoolStatus = {
  id: "zerotrust",
  enabled: true,
  target: 1,
  maximum: 1,
  idle: 1,
  spawning: 0,
  busy: 0,
  waiting: 0,
  circuit: "closed",
  claimP50Millis: 0,
  claimP99Millis: 0
}

/** Jobs that cost nothing, so that what is left is HTTP's. */
const free = Layer.mergeAll(
  Layer.succeed(
    Jobs,
    Jobs.of({ submit: () => ticket, ended: () => Effect.void, cancel: () => Effect.void, active: Effect.succeed(0) })
  ),
  Layer.succeed(KeyTable, KeyTable.of({ find: () => known, list: Effect.succeed([record]) })),
  Layer.succeed(
    Keys,
    Keys.of({
      create: () => unused,
      suspend: () => unused,
      resume: () => unused,
      revoke: () => unused,
      secretOf: () => secret,
      list: unused
    })
  ),
  Layer.succeed(
    JobTable,
    JobTable.of({ find: () => unused, list: () => unused, byIdempotency: () => unused, unfinished: unused })
  ),
  Layer.succeed(Totals, Totals.of({ counts: unused })),
  Layer.succeed(Blobs, Blobs.of({ put: () => unused, get: () => unused, sweep: unused })),
  Layer.succeed(Refusals, Refusals.of({ note: () => Effect.void })),
  Layer.succeed(Pools, Pools.of({ use: () => unused, status: Effect.succeed([zerotrust]) })),
  Layer.succeed(HealthCheck, Effect.succeed({ ok: true, millis: 1 })),
  Toolchains.layer
)

const execute = () =>
  ManagedRuntime.make(
    Server.layer({ host: "127.0.0.1", port: 0, version: "0.0.0" }).pipe(Layer.provide(free))
  ).runPromise(Effect.map(Server.Server, ({ url }) => url))

class Bare extends HttpApi.make("bare").add(
  HttpApiGroup.make("bare").add(
    HttpApiEndpoint.post("post", "/execute")
      .setPayload(Schema.Struct({ language: Schema.String, code: Schema.String }))
      .addSuccess(Schema.Struct({ ok: Schema.Boolean }))
  )
) {}

const bare = () => {
  const group = HttpApiBuilder.group(Bare, "bare", (handlers) =>
    handlers.handle("post", () => Effect.succeed({ ok: true }))
  )
  const layer = HttpApiBuilder.serve().pipe(
    Layer.provide(HttpApiBuilder.api(Bare)),
    Layer.provide(group),
    Layer.provideMerge(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" }))
  )
  return ManagedRuntime.make(layer).runPromise(HttpServer.addressFormattedWith((url) => Effect.succeed(url)))
}

const isTold = (value: unknown): value is { readonly url?: string; readonly user?: number; readonly system?: number } =>
  typeof value === "object" && value !== null

/** The child's next message. */
const told = (child: ChildProcess) =>
  new Promise<{ readonly url?: string; readonly user?: number; readonly system?: number }>((resolve, reject) => {
    child.once("exit", () => reject(new Error("the server under measurement ended")))
    child.once("message", (value) => (isTold(value) ? resolve(value) : reject(new Error("an unknown message"))))
  })

const cpuMicros = async (child: ChildProcess): Promise<number> => {
  child.send("cpu")
  const { system = 0, user = 0 } = await told(child)
  return user + system
}

const headers = () => {
  const timestamp = String(Math.floor(Date.now() / 1_000))
  const signature = createHmac("sha256", secretKey).update(`${timestamp}:POST:/execute:${body}`).digest("hex")
  return {
    authorization: `Bearer ${publicKey}`,
    "x-timestamp": timestamp,
    "x-signature": signature,
    "content-type": "application/json"
  }
}

const load = (url: string, seconds: number, connections: number) =>
  autocannon({ url: `${url}/execute`, method: "POST", body, headers: headers(), duration: seconds, connections })

const measure = async (which: Which, seconds: number, connections: number): Promise<HttpFigures> => {
  const child = fork(fileURLToPath(import.meta.url), [which])
  try {
    const { url = "" } = await told(child)
    await load(url, Math.ceil(seconds / 2), connections)
    const before = await cpuMicros(child)
    const result = await load(url, seconds, connections)
    const spent = (await cpuMicros(child)) - before
    return {
      rps: Math.round(result.requests.average),
      cpuMicrosPerRequest: Math.round(spent / result.requests.total),
      p50Millis: result.latency.p50,
      p99Millis: result.latency.p99,
      failures: result.non2xx + result.errors
    }
  } finally {
    child.kill("SIGKILL")
  }
}

/** The server and the load share the machine: the processor time a request is the figure to keep, not the rate. */
export const measureHttp = async (seconds = 4, connections = 32) => ({
  bare: await measure("bare", seconds, connections),
  execute: await measure("execute", seconds, connections)
})

const serve = async (which: string) => {
  const url = await (which === "execute" ? execute() : bare())
  process.on("message", () => process.send?.(process.cpuUsage()))
  process.send?.({ url })
}

const [, script, which] = process.argv
if (script === fileURLToPath(import.meta.url))
  await (process.send === undefined || which === undefined
    ? measureHttp().then((figures) => console.log(JSON.stringify(figures)))
    : serve(which))
