/** A running server: its parts in the order they need each other, stopped in the reverse order. */
import { Context, Deferred, Effect, Layer, Option, Schedule } from "effect"
import * as RefusalRecorder from "../../actors/decision/RefusalRecorder.js"
import { Jobs } from "../../actors/job/Jobs.js"
import * as JobsLive from "../../actors/job/JobsLive.js"
import { Slots } from "../../actors/key/Slots.js"
import * as NodeJournal from "../../actors/node/NodeJournal.js"
import { recover } from "../../actors/node/Recovery.js"
import * as Retention from "../../actors/node/Retention.js"
import { HealthCheck } from "../../actors/pool/Health.js"
import * as HealthLive from "../../actors/pool/HealthLive.js"
import { Pools } from "../../actors/pool/Pools.js"
import * as PoolsLive from "../../actors/pool/PoolsLive.js"
import { Services } from "../../actors/service/Services.js"
import { Sessions } from "../../actors/session/Sessions.js"
import { Running } from "../cli/Application.js"
import type { Settings } from "../cli/Settings.js"
import * as Http from "../http/Server.js"
import * as ServiceUrls from "../http/services/ServiceUrls.js"
import * as Children from "../kernel/Children.js"
import * as Witness from "../kernel/Witness.js"
import { Blobs } from "../store/Blobs.js"
import { Substrate } from "../substrate/Substrate.js"
import * as Descriptors from "./Descriptors.js"
import * as DiskRoom from "./DiskRoom.js"
import * as Foundation from "./Foundation.js"
import * as Front from "./Front.js"
import * as KeyRoom from "./KeyRoom.js"
import * as Root from "./Root.js"
import * as ServiceRoom from "./ServiceRoom.js"
import * as SessionRoom from "./SessionRoom.js"
import * as Sizing from "./Sizing.js"
import * as SnapshotRoom from "./SnapshotRoom.js"
import * as Sweeping from "./Sweeping.js"
import * as TlsRoom from "./TlsRoom.js"
import { version } from "./Version.js"
import * as WayOut from "./WayOut.js"

export { keys, vault } from "./Foundation.js"

/** Jobs that wait or run at one time, and memory for their programs. */
const JOBS = 25_000
const PENDING_BYTES = 512 * 2 ** 20

const rules = { strategy: "one_for_one", intensity: 10, period: "30 seconds" } as const
const backoff = { first: "50 millis", max: "2 seconds" } as const
const worker = { restart: "permanent", shutdown: "10 seconds" } as const
const many = { intensity: 5, period: "10 seconds", backoff } as const

const housekeeping = ({ branch }: Root.Root, { idempotencyMillis, jobRetentionMillis }: Settings) =>
  Effect.gen(function* () {
    const witness = yield* Witness.Witness
    const recorder = yield* RefusalRecorder.RefusalRecorder
    const blobs = yield* Blobs
    const { run } = yield* Retention.make({ jobMillis: jobRetentionMillis, reservationMillis: idempotencyMillis })
    const sweeping = Sweeping.every("1 minute", "blobs could not be swept", blobs.sweep)
    const children = [
      { ...worker, name: "witness", start: witness.keep },
      { ...worker, name: "refusals", start: recorder.run },
      { ...worker, name: "retention", start: sweeping },
      { ...worker, name: "forgetting", start: Effect.asVoid(run) }
    ]
    yield* branch({ ...rules, backoff, name: "housekeeping", children })
  })

/**
 * Resolves with what the operator accepted of this host's weaknesses, and with the containers that go on from a former
 * server, once what else that left is settled.
 */
const substrate = ({ branch, hoping }: Root.Root) =>
  Effect.gen(function* () {
    const { facts, run } = yield* Substrate
    const journal = yield* NodeJournal.make
    yield* branch({ ...rules, backoff, name: "substrate", children: [{ ...worker, name: "spawner", start: run }] })
    const { text, weak } = yield* hoping(Effect.retry(facts, Schedule.spaced("10 millis")))
    const accepted = weak.map((weakness) => ({ _tag: "WeaknessAccepted", weakness }) as const)
    yield* journal.tell({ _tag: "NodeStarted", version, pid: process.pid, substrate: text }, ...accepted)
    const { survivors, told } = yield* recover
    yield* journal.tell({ _tag: "NodeRecovered", ...told })
    yield* Effect.addFinalizer(() => Effect.ignore(journal.tell({ _tag: "NodeStopped", reason: "asked to stop" })))
    return { weak, survivors }
  })

type Host = Effect.Effect.Success<ReturnType<typeof substrate>>

const poolOptions = (settings: Settings, sizing: Sizing.Sizing, { survivors, weak }: Host) =>
  Effect.forEach(["zerotrust", "semitrusted"] as const, (pool) =>
    Effect.gen(function* () {
      const { pools: configured, queueMillis } = settings
      const { capacityBytes, promise } = sizing
      const [target, maximum, limits] = [sizing.target(pool), sizing.maximum(pool), sizing.limits(1)]
      if (configured[pool].target > target)
        yield* Effect.logWarning(`pool ${pool} is off: this version has no network of that kind`)
      const surviving = survivors.filter((one) => one.pool === pool).length
      const bound = Math.max(1, 2 * maximum) + surviving
      // A container's actor outlives it until its end is written, so it is also stopped after it.
      const actors = yield* Children.make({ ...many, name: "lives", bound: 4 * bound, restart: "transient" })
      const containers = yield* Children.make({
        ...many,
        name: "containers",
        bound,
        restart: "temporary",
        shutdown: "20 seconds"
      })
      const outlet = pool === "semitrusted" ? { outlet: WayOut.pathOf(settings) } : {}
      return { pool, target, maximum, limits, weak, containers, actors, capacityBytes, promise, queueMillis, ...outlet }
    }).pipe(Root.at(`${Root.PATH}/pools/${pool}`))
  )

const pools = ({ branch }: Root.Root, settings: Settings, sizing: Sizing.Sizing, host: Host) =>
  Effect.gen(function* () {
    const warm = yield* PoolsLive.make(yield* poolOptions(settings, sizing, host), host.survivors)
    const children = warm.runs.map(({ pool, run }) => ({ ...worker, name: pool, start: run }))
    yield* branch({ ...rules, backoff, name: "pools", children })
    return Pools.of(warm.service)
  })

const jobs = (settings: Settings, sizing: Sizing.Sizing) =>
  Effect.gen(function* () {
    const children = yield* Children.make({ ...many, name: "jobs", bound: JOBS, restart: "transient" })
    const { limits } = sizing
    const outputCap = settings.outputCapBytes
    const [pools, slots] = [yield* Pools, yield* Slots]
    return yield* JobsLive.make({ children, slots, pools, limits, outputCap, pendingBytes: PENDING_BYTES })
  }).pipe(Root.at(Root.PATH))

/** Those of a former server go on, whether or not anybody asks for them. */
const services = ({ branch }: Root.Root, settings: Settings, sizing: Sizing.Sizing) =>
  Effect.gen(function* () {
    const { recover, run, service } = yield* ServiceRoom.make(settings, sizing)
    yield* recover
    yield* branch({ ...rules, backoff, name: "sweeping", children: [{ ...worker, name: "services", start: run }] })
    return service
  })

/** Resolves with the address once requests are accepted. */
const edge = ({ branch, hoping }: Root.Root, settings: Settings, tls: TlsRoom.TlsRoom) =>
  Effect.gen(function* () {
    const { domain, host, memoryPerVcpuBytes, port, sessionWs } = settings
    const shares = Descriptors.here()
    const front = yield* Front.make(settings, tls.proxy, shares)
    const memoryMbPerVcpu = Math.floor(memoryPerVcpuBytes / 2 ** 20)
    const own = { host, version, sessionWs, memoryMbPerVcpu, maxConnections: shares.api, ...tls.api }
    const bound = yield* Deferred.make<Http.Bound>()
    const api = Effect.gen(function* () {
      const first = yield* Effect.transposeOption(yield* Deferred.poll(bound))
      // A restart listens where the first start did, also when that was any free port.
      const again = Option.match(first, { onNone: () => port, onSome: (known) => known.port })
      const scheme = tls.proxy === undefined ? "http" : "https"
      const urls = ServiceUrls.make(domain, yield* front.port, memoryMbPerVcpu, scheme)
      const api = Http.layer({ ...own, port: again })
      const context = yield* Layer.build(Layer.provide(api, Layer.succeed(ServiceUrls.ServiceUrls, urls)))
      yield* Deferred.succeed(bound, Context.get(context, Http.Server))
      return yield* Effect.never
    })
    const children = [
      { ...worker, ...(yield* WayOut.child(settings, shares)) },
      { ...worker, ...front.child },
      ...tls.children.map((child) => ({ ...worker, ...child })),
      { ...worker, shutdown: "40 seconds", name: "api", start: api }
    ] as const
    yield* branch({ ...rules, backoff, name: "edge", children })
    return yield* hoping(Deferred.await(bound))
  })

const make = (settings: Settings, tls: TlsRoom.TlsRoom) =>
  Effect.gen(function* () {
    const root = yield* Root.make
    const sizing = Sizing.of(settings)
    yield* housekeeping(root, settings)
    const host = yield* substrate(root)
    const warm = Context.make(Pools, yield* pools(root, settings, sizing, host))
    const inner = Context.merge(
      warm,
      Context.make(Jobs, yield* Effect.provide(jobs(settings, sizing), warm)).pipe(
        Context.add(HealthCheck, yield* Effect.provide(HealthLive.make("zerotrust", sizing.limits(1)), warm))
      )
    )
    const disk = yield* DiskRoom.make(root, settings)
    const sessions = disk.sessions(yield* Effect.provide(SessionRoom.make(settings, sizing), warm))
    const running = disk.services(yield* Effect.provide(services(root, settings, sizing), inner))
    const outer = inner.pipe(Context.add(Sessions, sessions), Context.add(Services, running))
    const kept = yield* Effect.provide(SnapshotRoom.make(root, disk), outer)
    yield* disk.watch(sessions, running)
    yield* KeyRoom.watch(root, { jobs: Context.get(inner, Jobs), sessions, services: running })
    const { url } = yield* Effect.provide(edge(root, settings, tls), Context.merge(outer, kept))
    return Context.add(warm, Running, { url, gaveUp: root.gaveUp })
  })

/** Built when it serves; released when it has stopped and let go of its data. */
export const layer = (settings: Settings) =>
  Layer.unwrapEffect(
    // Before anything is opened or listened on: a bad certificate is not found out half-way.
    Effect.map(TlsRoom.make(settings), (tls) =>
      Layer.scopedContext(make(settings, tls)).pipe(Layer.provideMerge(Foundation.layer(settings)))
    )
  )
