/**
 * A real server with real storage, projections and keys. Jobs are scripted here: these tests are about the protocol,
 * and what a program does is told by its own text (see `Script`).
 */
import { randomBytes } from "node:crypto"
import { Context, Deferred, Effect, Layer, Ref } from "effect"
import { Confirmations } from "../../actors/confirmation/Confirmations.js"
import { Images } from "../../actors/image/Images.js"
import { Jobs, type Outcome, type Submission } from "../../actors/job/Jobs.js"
import { Keys } from "../../actors/key/Keys.js"
import * as KeysLive from "../../actors/key/KeysLive.js"
import * as RatesLive from "../../actors/key/RatesLive.js"
import { HealthCheck } from "../../actors/pool/Health.js"
import { Pools } from "../../actors/pool/Pools.js"
import { Services } from "../../actors/service/Services.js"
import { Sessions } from "../../actors/session/Sessions.js"
import { Snapshots } from "../../actors/snapshot/Snapshots.js"
import { stream } from "../../events/Envelope.js"
import { ContainerId, JobId } from "../../events/Ids.js"
import type { JobAccepted, JobFinished } from "../../events/Job.js"
import { capacityAvailable } from "../../src/guards/CapacityAvailable.js"
import type { Refused } from "../../src/guards/Guard.js"
import { type Asked, Refusals } from "../../src/guards/Refusals.js"
import * as Server from "../../src/http/Server.js"
import * as ServiceUrls from "../../src/http/services/ServiceUrls.js"
import { Toolchains } from "../../src/languages/Toolchains.js"
import { EventLog } from "../../src/log/EventLog.js"
import * as Projections from "../../src/projections/Projections.js"
import { Blobs } from "../../src/store/Blobs.js"
import { digestOf } from "../../src/store/Digest.js"
import { absent } from "../support/absent.js"
import type { Target } from "../support/client.js"
import { directory, storageIn } from "../support/storage.js"

/** A program in these tests is JSON of this shape; anything else prints itself. */
export interface Script {
  readonly stdout?: string
  readonly stdoutHex?: string
  readonly stderr?: string
  readonly end?: Partial<Pick<JobFinished, "status" | "cause" | "exitCode" | "signal" | "reason">>
  readonly truncated?: boolean
  readonly artifacts?: ReadonlyArray<{
    readonly filename: string
    readonly text: string
    readonly kind: "file" | "wasm"
  }>
  /** Ends when it is cancelled, or after this long. */
  readonly millis?: number
  readonly noCapacity?: boolean
  readonly dies?: boolean
}

const scriptOf = (code: string): Script => {
  try {
    const value: unknown = JSON.parse(code)
    return typeof value === "object" && value !== null ? value : { stdout: code }
  } catch {
    return { stdout: code }
  }
}

const fact = (bytes: Uint8Array, truncated = false) => ({
  digest: digestOf(bytes),
  bytes: bytes.length,
  kept: bytes.length,
  truncated
})

const acceptedOf = (
  job: JobId,
  { awaited, detected, idempotency, network, order, owner, runnable }: Submission
): JobAccepted => ({
  _tag: "JobAccepted",
  job,
  owner,
  language: runnable.facts.language,
  detected,
  network: network.facts.mode,
  ttlMillis: order.facts.ttlMillis,
  vcpu: order.facts.vcpu,
  code: { digest: digestOf(Buffer.from(order.facts.code)), bytes: order.facts.code.length },
  inputs: [],
  wantsArtifacts: order.facts.wantsArtifacts,
  wantsWasm: order.facts.wantsWasm,
  awaited,
  idempotency
})

const noCapacity = capacityAvailable.refuse({
  code: "no_capacity",
  message: "No container was free in time.",
  status: 503,
  retryAfterSeconds: 2
})

const cancelledEnd = { status: "cancelled", cause: "cancelled", exitCode: 137, signal: 9 } as const

/** What was submitted, oldest first. */
export class Submitted extends Context.Tag("test/Submitted")<Submitted, Ref.Ref<ReadonlyArray<Submission>>>() {}

export class Noted extends Context.Tag("test/Noted")<
  Noted,
  Ref.Ref<ReadonlyArray<{ readonly refused: Refused; readonly asked: Asked }>>
>() {}

interface Running {
  readonly cancel: Deferred.Deferred<void>
  readonly ended: Deferred.Deferred<Outcome, Refused>
}

const jobs = Layer.scoped(
  Jobs,
  Effect.gen(function* () {
    const log = yield* EventLog
    const blobs = yield* Blobs
    const submitted = yield* Submitted
    const scope = yield* Effect.scope
    const running = new Map<string, Running>()

    const append = (
      job: JobId,
      expected: number,
      event: Parameters<typeof log.append>[0]["events"][number],
      trace: string
    ) =>
      Effect.map(
        log
          .append({ stream: stream("job", job), expected, events: [event], by: "jobs", trace })
          .pipe(Effect.catchTag("WrongVersion", (error) => Effect.die(error))),
        ([row]) => row?.at ?? 0
      )

    const finish = (job: JobId, script: Script, cancelled: boolean) => {
      const stdout =
        script.stdoutHex === undefined ? Buffer.from(script.stdout ?? "") : Buffer.from(script.stdoutHex, "hex")
      const stderr = Buffer.from(script.stderr ?? "")
      const artifacts = (script.artifacts ?? []).map((one) => ({ ...one, content: Buffer.from(one.text) }))
      const finished: JobFinished = {
        _tag: "JobFinished",
        job,
        status: "completed",
        cause: "completed",
        exitCode: 0,
        signal: null,
        reason: null,
        ...script.end,
        ...(cancelled ? cancelledEnd : {}),
        stdout: fact(stdout, script.truncated),
        stderr: fact(stderr),
        artifacts: artifacts.map(({ content, filename, kind }) => ({
          filename,
          kind,
          digest: digestOf(content),
          bytes: content.length
        })),
        usage: { wallMicros: 9_000, userMicros: 5_000, systemMicros: 2_000, peakBytes: 7_000_000 }
      }
      return { finished, stdout, stderr, artifacts }
    }

    const work = (job: JobId, createdAt: number, script: Script, { cancel, ended }: Running, trace: string) =>
      Effect.gen(function* () {
        const startedAt = yield* append(
          job,
          1,
          { _tag: "JobStarted", job, container: ContainerId.make(`unsb-vm-${job.slice(-16)}`) },
          trace
        )
        const waited = yield* Effect.timeoutOption(Deferred.await(cancel), script.millis ?? 0)
        if (script.dies === true) return yield* Effect.dieMessage("secret reason at /srv/unsandbox/x.ts")
        const result = finish(job, script, waited._tag === "Some")
        const kept = [result.stdout, result.stderr, ...result.artifacts.map(({ content }) => content)]
        yield* Effect.forEach(kept, (bytes) => blobs.put(bytes, digestOf(bytes)), { discard: true })
        const completedAt = yield* append(job, 2, result.finished, trace)
        return { ...result, createdAt, startedAt, completedAt }
      }).pipe(
        Effect.orDie,
        Effect.onExit((exit) => Deferred.done(ended, exit)),
        Effect.ensuring(Effect.sync(() => running.delete(job)))
      )

    const submit = (submission: Submission) =>
      Effect.gen(function* () {
        yield* Ref.update(submitted, (before) => [...before, submission])
        const job = JobId.make(`unsb-job-${randomBytes(16).toString("hex")}`)
        const script = scriptOf(submission.order.facts.code)
        const createdAt = yield* append(job, 0, acceptedOf(job, submission), submission.trace)
        if (script.noCapacity === true) {
          yield* append(
            job,
            1,
            finish(job, { end: { status: "failed", cause: "no-capacity", exitCode: -1 } }, false).finished,
            submission.trace
          )
          return { job, createdAt, outcome: Effect.fail(noCapacity) }
        }
        const one: Running = { cancel: yield* Deferred.make<void>(), ended: yield* Deferred.make<Outcome, Refused>() }
        running.set(job, one)
        // Whoever submits may not be interruptible; the program is.
        yield* Effect.forkIn(Effect.interruptible(work(job, createdAt, script, one, submission.trace)), scope)
        return { job, createdAt, outcome: Deferred.await(one.ended) }
      })

    return Jobs.of({
      submit,
      run: () => Effect.dieMessage("no service runs anything here"),
      ended: (job) => {
        const one = running.get(job)
        return one === undefined ? Effect.void : Effect.asVoid(Effect.exit(Deferred.await(one.ended)))
      },
      cancel: ({ facts: { resource } }) => {
        const one = running.get(resource)
        return one === undefined ? Effect.void : Effect.asVoid(Deferred.succeed(one.cancel, undefined))
      },
      owners: Effect.sync(() => new Set()),
      evict: () => Effect.void,
      active: Effect.sync(() => running.size)
    })
  })
)

const pools = Layer.succeed(
  Pools,
  Pools.of({
    use: () => Effect.dieMessage("no container is claimed here"),
    adopt: () => Effect.dieMessage("no container is claimed here"),
    status: Effect.succeed([
      {
        id: "zerotrust",
        enabled: true,
        target: 4,
        maximum: 16,
        idle: 3,
        spawning: 1,
        busy: 2,
        lingering: 0,
        waiting: 0,
        circuit: "closed",
        claimP50Millis: 0.4,
        claimP99Millis: 2.25
      },
      {
        id: "semitrusted",
        enabled: false,
        target: 0,
        maximum: 0,
        idle: 0,
        spawning: 0,
        busy: 0,
        lingering: 0,
        waiting: 0,
        circuit: "closed",
        claimP50Millis: 0,
        claimP99Millis: 0
      }
    ])
  })
)

/** What lives longer than a job is tested on real servers, in test/contract. */
const lasting = Layer.mergeAll(
  absent(Sessions),
  absent(Services),
  absent(Snapshots),
  absent(Images),
  absent(Confirmations),
  Layer.succeed(ServiceUrls.ServiceUrls, ServiceUrls.make("localhost", 8081, 2_048))
)

export class Wellness extends Context.Tag("test/Wellness")<Wellness, Ref.Ref<boolean>>() {}

const health = Layer.effect(
  HealthCheck,
  Effect.map(Wellness, (well) =>
    Effect.map(Ref.get(well), (ok) => (ok ? { ok, millis: 3 } : { ok, reason: "the pool gave no container" }))
  )
)

const refusals = Layer.effect(
  Refusals,
  Effect.map(Noted, (noted) =>
    Refusals.of({ note: (refused, asked) => Ref.update(noted, (before) => [...before, { refused, asked }]) })
  )
)

const observed = Layer.mergeAll(
  Layer.effect(Submitted, Ref.make<ReadonlyArray<Submission>>([])),
  Layer.effect(Noted, Ref.make<ReadonlyArray<{ readonly refused: Refused; readonly asked: Asked }>>([])),
  Layer.effect(Wellness, Ref.make(true))
)

export const layer = (data: string, options: Partial<Server.Options> = {}) => {
  const projections = Projections.make()
  return Server.layer({ host: "127.0.0.1", port: 0, version: "0.0.0", ...options }).pipe(
    Layer.provideMerge(
      Layer.mergeAll(
        jobs,
        pools,
        lasting,
        health,
        refusals,
        KeysLive.layer({ confirm: "on" }),
        RatesLive.layer,
        Toolchains.layer
      )
    ),
    Layer.provideMerge(observed),
    Layer.provideMerge(projections.layer),
    Layer.provideMerge(storageIn(data, projections.projectors))
  )
}

/** A key pair on the running server. */
export const caller = (
  label = "test",
  expiresAt: number | null = null
): Effect.Effect<Target, never, Keys | Server.Server> =>
  Effect.gen(function* () {
    const { url } = yield* Server.Server
    const pair = yield* (yield* Keys).create({ label, expiresAt }, "root/test")
    return { url, ...pair }
  }).pipe(Effect.orDie)

/** A server for one test, in a directory of its own. */
export const inServer = <A, E, R>(body: Effect.Effect<A, E, R>, options: Partial<Server.Options> = {}) =>
  Effect.flatMap(directory, (data) => Effect.provide(body, layer(data, options)))
