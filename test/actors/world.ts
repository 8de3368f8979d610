/** Jobs, pools and containers as a server has them, over a real log and a chosen substrate; all of it gone with the scope. */
import { Effect, Either, Layer, Schedule, type Scope } from "effect"
import * as SubstitutesLive from "../../actors/egress/SubstitutesLive.js"
import type { Submission } from "../../actors/job/Jobs.js"
import * as JobsLive from "../../actors/job/JobsLive.js"
import * as KeysLive from "../../actors/key/KeysLive.js"
import type { Slots } from "../../actors/key/Slots.js"
import { type PoolStatus, Pools } from "../../actors/pool/Pools.js"
import * as PoolsLive from "../../actors/pool/PoolsLive.js"
import type { Limits } from "../../events/Container.js"
import type { JobId, PublicKey } from "../../events/Ids.js"
import { filesContained } from "../../src/guards/FilesContained.js"
import type { Refused } from "../../src/guards/Guard.js"
import { languageRunnable } from "../../src/guards/LanguageRunnable.js"
import { networkPermitted } from "../../src/guards/NetworkPermitted.js"
import { Refusals } from "../../src/guards/Refusals.js"
import { requestWellformed } from "../../src/guards/RequestWellformed.js"
import { resourceOwned } from "../../src/guards/ResourceOwned.js"
import * as Children from "../../src/kernel/Children.js"
import { Toolchains } from "../../src/languages/Toolchains.js"
import { EventLog } from "../../src/log/EventLog.js"
import * as Projections from "../../src/projections/Projections.js"
import { Blobs, type StoreUnavailable } from "../../src/store/Blobs.js"
import * as Authority from "../../src/store/certificates/Authority.js"
import type { Substrate } from "../../src/substrate/Substrate.js"
import { Ward } from "../kernel/Ward.js"
import { entitledTo } from "../support/entitled.js"
import { owner } from "../support/history.js"
import { generous } from "../support/slots.js"
import { directory, storageIn } from "../support/storage.js"
import { Faults } from "./Faults.js"
import { Script } from "./scripted.js"

const MIB = 2 ** 20

export const ann = owner("ann-0001")
export const limits: Limits = { memoryBytes: 256 * MIB, cpuMillis: 1000, pids: 64, tmpBytes: 64 * MIB }

export interface Size {
  readonly target: number
  readonly maximum: number
  readonly capacityBytes: number
  readonly queueMillis: number
  readonly pendingBytes: number
  /** Containers of the second pool; 0 is off. */
  readonly semitrusted: number
  readonly adoptedWithinMillis: number
}

const usual: Size = {
  target: 2,
  maximum: 4,
  capacityBytes: 4 * limits.memoryBytes,
  queueMillis: 20_000,
  pendingBytes: 64 * MIB,
  semitrusted: 0,
  adoptedWithinMillis: 30_000
}

export const submission = (code: string, by: PublicKey = ann, more: object = {}): Submission => ({
  owner: by,
  order: Either.getOrThrow(requestWellformed.decide({ language: "bash", code, ...more })),
  runnable: Either.getOrThrow(
    languageRunnable.decide({
      asked: "bash",
      known: "bash",
      runnable: true,
      suggestion: undefined,
      installCommand: undefined
    })
  ),
  files: Either.getOrThrow(
    filesContained.decide({ files: undefined, bounds: { count: 1, totalBytes: 1, singleBytes: 1 } })
  ),
  network: Either.getOrThrow(networkPermitted.decide({ mode: "zerotrust", available: ["zerotrust"] })),
  entitled: entitledTo({ scope: "execute" }, by),
  detected: false,
  awaited: true,
  idempotency: null,
  trace: "test"
})

export const owned = (job: JobId, actor: PublicKey = ann) =>
  Either.getOrThrow(resourceOwned.decide({ kind: "job", actor, resource: job, owner: actor }))

/** What a test may break, and what it may look at. */
export class World {
  readonly faults = new Faults()
  readonly ward = new Ward()
  readonly refused: Array<Refused> = []
  /** Run before each blob is kept. */
  keeping: Effect.Effect<void, StoreUnavailable> = Effect.void

  private readonly refusals = Layer.succeed(
    Refusals,
    Refusals.of({ note: (refused) => Effect.sync(() => void this.refused.push(refused)) })
  )

  private readonly blobs = Layer.effect(
    Blobs,
    Effect.map(Blobs, (blobs) =>
      Blobs.of({ ...blobs, put: (bytes, digest) => Effect.zipRight(this.keeping, blobs.put(bytes, digest)) })
    )
  )

  layer(data: string, substrate: Layer.Layer<Substrate>) {
    const { layer, projectors } = Projections.make()
    const stored = Layer.provideMerge(layer, storageIn(data, projectors))
    return Layer.mergeAll(
      this.faults.layer,
      this.blobs,
      this.refusals,
      this.ward.layer,
      Toolchains.layer,
      SubstitutesLive.layer,
      Layer.provide(KeysLive.layer({ confirm: "on" }), this.faults.layer),
      Authority.layer,
      substrate
    ).pipe(Layer.provideMerge(stored))
  }
}

/** The rows of all streams that begin so, in the order of the log. */
export const told = (start: `job/${string}` | "container/" | "pool/zerotrust") =>
  Effect.gen(function* () {
    const rows = yield* (yield* EventLog).page(0, 10_000)
    return rows.filter(({ stream }) => stream.startsWith(start))
  })

const children = (name: string, restart: "temporary" | "transient", bound = 1_000) =>
  Children.make({ name, bound, restart, intensity: 5, period: "10 seconds", shutdown: "5 seconds" })

/** The system under test, running, over what a former one kept. */
export const system = (
  size: Partial<Size> = {},
  survivors: ReadonlyArray<PoolsLive.PoolSurvivor> = [],
  given?: typeof Slots.Service
) =>
  Effect.gen(function* () {
    const { pendingBytes, semitrusted, ...sized } = { ...usual, ...size }
    const actors = yield* children("lives", "transient")
    const containers = yield* children("containers", "temporary")
    const promise = ({ memoryBytes }: Limits) => memoryBytes
    const one = { pool: "zerotrust", limits, weak: [], containers, actors, promise, ...sized } as const
    const other = { ...one, pool: "semitrusted", target: semitrusted, maximum: semitrusted } as const
    const { runs, service } = yield* PoolsLive.make([one, other], survivors)
    for (const { run } of runs) yield* Effect.forkScoped(run)
    const pools = Pools.of(service)
    const slots = given ?? (yield* generous)
    const jobs = yield* JobsLive.make({
      children: yield* children("jobs", "transient"),
      pools,
      limits: (vcpu) => ({ ...limits, memoryBytes: vcpu * limits.memoryBytes }),
      outputCap: 4096,
      pendingBytes,
      slots
    })
    const status: Effect.Effect<PoolStatus> = Effect.flatMap(pools.status, ([first]) =>
      Effect.fromNullable(first)
    ).pipe(Effect.orDie)
    return { jobs, slots, pools, status, runs, containers, actors }
  })

export type System = Effect.Effect.Success<ReturnType<typeof system>>

/** Waits for it; a deadline bounds it. */
export const becomes = <E, R>(what: Effect.Effect<boolean, E, R>) =>
  what.pipe(Effect.repeat({ until: (yes) => yes, schedule: Schedule.spaced("5 millis") }), Effect.timeout("15 seconds"))

const inWorld = <A, E>(
  world: World,
  substrate: Layer.Layer<Substrate>,
  body: Effect.Effect<A, E, Layer.Layer.Success<ReturnType<World["layer"]>>>
) => Effect.flatMap(directory, (data) => Effect.provide(body, world.layer(data, substrate)))

/** A world over a scripted substrate; all of it gone with the test. */
export const inScript = <A, E>(
  body: (
    script: Script,
    world: World
  ) => Effect.Effect<A, E, Layer.Layer.Success<ReturnType<World["layer"]>> | Scope.Scope>
) => {
  const [script, world] = [new Script(), new World()]
  return inWorld(world, script.layer, Effect.scoped(Effect.suspend(() => body(script, world))))
}
