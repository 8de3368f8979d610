import { Effect, Layer, Option } from "effect"
import { describe, expect } from "vitest"
import { ServiceId } from "../../events/Ids.js"
import { EventLog } from "../../src/log/EventLog.js"
import { Tables } from "../../src/log/Tables.js"
import { ContainerTable } from "../../src/projections/ContainerTable.js"
import { JobTable } from "../../src/projections/JobTable.js"
import { KeyTable } from "../../src/projections/KeyTable.js"
import * as Projections from "../../src/projections/Projections.js"
import { Totals } from "../../src/projections/Totals.js"
import { keyCreated } from "../support/births.js"
import * as H from "../support/history.js"
import { live } from "../support/it.js"
import { directory, storageIn } from "../support/storage.js"

const on = (data: string, change = 0) => {
  const { layer, projectors } = Projections.make()
  const kept = projectors.map((projector) => ({ ...projector, version: projector.version + change }))
  return Layer.provideMerge(layer, storageIn(data, kept))
}

const inFresh = <A, E>(body: Effect.Effect<A, E, Layer.Layer.Success<ReturnType<typeof on>>>) =>
  Effect.flatMap(directory, (data) => Effect.provide(body, on(data)))

const ann = H.owner("ann-0001")
const bob = H.owner("bob-0001")

describe("jobs", () => {
  live("a job is pending, running, then ended with what is known of its end", () =>
    inFresh(
      Effect.gen(function* () {
        const log = yield* EventLog
        const table = yield* JobTable
        const view = Effect.map(table.find(H.jobId(1)), Option.getOrThrow)
        expect(yield* table.find(H.jobId(1))).toEqual(Option.none())
        yield* log.append(H.ofJob(1, 0, H.accepted(1, ann, { detected: true, wantsArtifacts: true })))
        expect(yield* view).toMatchObject({
          status: "pending",
          owner: ann,
          detected: true,
          wantsArtifacts: true,
          wantsWasm: false
        })
        expect(yield* table.unfinished).toEqual([H.jobId(1)])
        yield* log.append(H.ofJob(1, 1, H.started(1)))
        expect(yield* view).toMatchObject({
          status: "running",
          container: H.containerId(1),
          completedAt: null,
          finished: null
        })
        const [row] = yield* log.append(H.ofJob(1, 2, H.finished(1, { status: "failed", cause: "exit", exitCode: 3 })))
        expect(yield* view).toMatchObject({
          status: "failed",
          completedAt: row?.at,
          finished: H.finished(1, { status: "failed", cause: "exit", exitCode: 3 })
        })
        expect(yield* table.unfinished).toEqual([])
      })
    )
  )

  live("a job runs from the moment that a container is its own", () =>
    inFresh(
      Effect.gen(function* () {
        const log = yield* EventLog
        const table = yield* JobTable
        yield* log.append(H.ofContainer(1, 0, H.sealed(1)))
        yield* log.append(H.ofJob(1, 0, H.accepted(1, ann)))
        const [claim] = yield* log.append(H.ofContainer(1, 1, H.claimed(1, ann)))
        const running = { status: "running", container: H.containerId(1), startedAt: claim?.at }
        expect(Option.getOrThrow(yield* table.find(H.jobId(1)))).toMatchObject(running)
        yield* log.append(H.ofJob(1, 1, H.started(1)))
        expect(Option.getOrThrow(yield* table.find(H.jobId(1)))).toMatchObject(running)
        expect((yield* (yield* ContainerTable).living)[0]?.job).toBe(H.jobId(1))
      })
    )
  )

  live("lists an owner's own jobs, newest first, by status, within bounds", () =>
    inFresh(
      Effect.gen(function* () {
        const log = yield* EventLog
        const table = yield* JobTable
        for (const n of [1, 2, 3, 4]) yield* log.append(H.ofJob(n, 0, H.accepted(n, ann)))
        yield* log.append(H.ofJob(5, 0, H.accepted(5, bob)))
        yield* log.append(H.ofJob(2, 1, H.started(2), H.finished(2)))
        yield* log.append(H.ofJob(3, 1, H.started(3), H.finished(3, { status: "timeout", cause: "ttl" })))
        yield* log.append(H.ofJob(4, 1, H.started(4)))
        const ids = (limit: number, status?: "pending" | "running" | "completed" | "timeout" | "failed") =>
          Effect.map(table.list(ann, { limit, status }), (found) => found.map(({ job }) => job))
        expect(yield* ids(10)).toEqual([4, 3, 2, 1].map(H.jobId))
        expect(yield* ids(2)).toEqual([4, 3].map(H.jobId))
        expect(yield* ids(10, "pending")).toEqual([H.jobId(1)])
        expect(yield* ids(10, "running")).toEqual([H.jobId(4)])
        expect(yield* ids(10, "completed")).toEqual([H.jobId(2)])
        expect(yield* ids(10, "timeout")).toEqual([H.jobId(3)])
        expect(yield* ids(10, "failed")).toEqual([])
      })
    )
  )

  live("an Idempotency-Key stands for its owner's job; one that never ran gives it back", () =>
    inFresh(
      Effect.gen(function* () {
        const log = yield* EventLog
        const table = yield* JobTable
        const idempotency = H.reserved("order-7", "body")
        yield* log.append(H.ofJob(1, 0, H.accepted(1, ann, { idempotency })))
        expect(yield* table.byIdempotency(ann, idempotency.key)).toEqual(
          Option.some({ job: H.jobId(1), request: idempotency.request })
        )
        expect(yield* table.byIdempotency(bob, idempotency.key)).toEqual(Option.none())
        yield* log.append(H.ofJob(1, 1, H.finished(1, { status: "failed", cause: "no-capacity", exitCode: -1 })))
        expect(yield* table.byIdempotency(ann, idempotency.key)).toEqual(Option.none())
      })
    )
  )
})

describe("keys", () => {
  live("follow every change at once, and what was there before a restart", () =>
    Effect.gen(function* () {
      const data = yield* directory
      yield* Effect.gen(function* () {
        const log = yield* EventLog
        const table = yield* KeyTable
        const status = Effect.map(
          table.find(ann),
          Option.map((record) => record.status)
        )
        expect(yield* status).toEqual(Option.none())
        yield* log.append(H.ofKey(ann, 0, keyCreated(ann, { label: "first", expiresAt: 7_000_000 })))
        expect(Option.getOrThrow(yield* table.find(ann))).toMatchObject({
          label: "first",
          expiresAt: 7_000_000,
          status: "active"
        })
        yield* log.append(H.ofKey(ann, 1, { _tag: "KeySuspended", key: ann, reason: "asked" }))
        expect(yield* status).toEqual(Option.some("suspended"))
        yield* log.append(H.ofKey(ann, 2, { _tag: "KeyResumed", key: ann }))
        expect(yield* status).toEqual(Option.some("active"))
        yield* log.append(H.ofKey(ann, 3, { _tag: "KeyRevoked", key: ann, reason: "asked" }))
        expect(yield* status).toEqual(Option.some("revoked"))
        expect(yield* table.list).toHaveLength(1)
      }).pipe(Effect.provide(on(data)))
      const after = yield* Effect.flatMap(KeyTable, ({ find }) => find(ann)).pipe(Effect.provide(on(data)))
      expect(Option.getOrThrow(after).status).toBe("revoked")
    })
  )
})

describe("containers and totals", () => {
  live("living ones are those not seen gone; counts only grow", () =>
    inFresh(
      Effect.gen(function* () {
        const log = yield* EventLog
        const { living } = yield* ContainerTable
        const { counts } = yield* Totals
        yield* log.append(H.ofContainer(1, 0, H.sealed(1)))
        yield* log.append(H.ofContainer(2, 0, H.sealed(2)))
        yield* log.append(H.ofJob(1, 0, H.accepted(1, ann), H.started(1), H.finished(1)))
        expect((yield* living).map(({ container }) => container)).toEqual([1, 2].map(H.containerId))
        yield* log.append(H.ofContainer(1, 1, H.gone(1)))
        expect(yield* living).toMatchObject([{ container: H.containerId(2), job: null, hostPid: 1_002 }])
        expect(yield* counts).toEqual({
          "container.gone": 1,
          "container.sealed": 2,
          "job.accepted": 1,
          "job.completed": 1
        })
      })
    )
  )
})

describe("living containers", () => {
  live("tell who claimed them, as whoever adopts them has to show", () =>
    inFresh(
      Effect.gen(function* () {
        const log = yield* EventLog
        const { living } = yield* ContainerTable
        const service = ServiceId.make("unsb-service-0123456789abcdef")
        const claim = { ...H.claimed(2, bob), claimant: { _tag: "Service", service } } as const
        yield* log.append(H.ofContainer(1, 0, H.sealed(1), H.claimed(1, ann)))
        yield* log.append(H.ofContainer(2, 0, H.sealed(2), claim))
        yield* log.append(H.ofContainer(3, 0, H.sealed(3)))
        expect(yield* living).toMatchObject([
          { job: H.jobId(1), claim: null },
          { job: null, claim },
          { job: null, claim: null }
        ])
      })
    )
  )
})

const tables = ["jobs", "idempotency", "keys", "containers", "totals"]

describe("rebuilding", () => {
  live("gives the same tables as the live folds", () =>
    Effect.gen(function* () {
      const data = yield* directory
      const dump = Effect.map(Tables, (db) => tables.map((table) => db.prepare(`SELECT * FROM ${table}`).all()))
      const before = yield* Effect.gen(function* () {
        const log = yield* EventLog
        yield* log.append(H.ofKey(ann, 0, keyCreated(ann, { label: "first" })))
        for (let n = 1; n <= 40; n++) {
          yield* log.append(H.ofContainer(n, 0, H.sealed(n)))
          yield* log.append(H.ofJob(n, 0, H.accepted(n, ann, { idempotency: H.reserved(`k${n}`, "r") })))
          if (n % 4 !== 0) yield* log.append(H.ofJob(n, 1, H.started(n)))
          if (n % 3 === 0) yield* log.append(H.ofContainer(n, 1, H.gone(n)))
          if (n % 4 === 0) yield* log.append(H.ofJob(n, 1, H.finished(n, { status: "failed", cause: "no-capacity" })))
        }
        return yield* dump
      }).pipe(Effect.provide(on(data)))
      const after = yield* dump.pipe(Effect.provide(on(data, 1)))
      expect(after).toEqual(before)
      expect(before.map((rows) => rows.length)).toEqual([40, 30, 1, 27, 4])
    })
  )
})
