/** The figures beside the rows: what a start costs, what an idle container costs, how fast history is written and read. */
import { Effect } from "effect"
import * as Client from "../src/cli/Client.js"
import { general } from "../src/cli/Failure.js"
import { EventLog } from "../src/log/EventLog.js"
import * as Storage from "../src/store/Storage.js"
import { measureAppends, seedEvents } from "./append.js"
import { load } from "./Load.js"
import { memoryKb, residentKb } from "./Machine.js"
import { request } from "./Rows.js"
import { directory, pool, server } from "./Servers.js"
import { median, timed } from "./Times.js"

const BASH = request("bash", "echo hi")

/** One at a time, each with the pause that a warm pool needs to be full again. */
const oneByOne = (of: Client.Credentials, count: number, pauseMillis: number) =>
  Effect.forEach(Array.from({ length: count }), () =>
    timed(Client.call(of, BASH)).pipe(
      Effect.map(([millis]) => millis),
      Effect.delay(pauseMillis)
    )
  ).pipe(Effect.map(median))

/** More than the server keeps claims in mind: what its code cost before it was warm is forgotten. */
const WARM_UP = 1_500

const warmStarts = Effect.gen(function* () {
  const of = yield* server("8")
  yield* load(of, { ...BASH, connections: 4, amount: WARM_UP })
  const warm = yield* oneByOne(of, 1_100, 1)
  const { claim_p50_ms, claim_p99_ms } = yield* pool(of)
  return { warm_start_p50_ms: warm, claim_p50_ms, claim_p99_ms }
}).pipe(Effect.scoped)

/**
 * Median milliseconds of a request that must wait for its container to be made, beside one that finds it ready; and
 * what the claim alone takes of the latter, its durable event included.
 */
export const starts = Effect.gen(function* () {
  const cold = yield* Effect.scoped(Effect.flatMap(server("0:16"), (of) => oneByOne(of, 31, 20)))
  return { cold_start_p50_ms: cold, ...(yield* warmStarts) }
})

const settled = Effect.sleep("2 seconds")

const full = (of: Client.Credentials, wanted: number) =>
  pool(of).pipe(
    Effect.delay("100 millis"),
    Effect.repeat({ until: ({ idle }) => idle >= wanted }),
    Effect.timeoutFail({
      duration: "3 minutes",
      onTimeout: () => general("bench", `the pool did not reach ${wanted} containers within 3 minutes`)
    })
  )

/** From the log: sealed containers a second, first to last. */
const createdPerSecond = (data: string) =>
  Effect.gen(function* () {
    const log = yield* EventLog
    const times: Array<number> = []
    for (let after = 0, more = true; more; ) {
      const rows = yield* log.page(after, 1_000)
      for (const row of rows) if (row.type === "ContainerSealed") times.push(row.at)
      after = rows.at(-1)?.seq ?? after
      more = rows.length > 0
    }
    const micros = (times.at(-1) ?? 0) - (times[0] ?? 0)
    return micros === 0 ? 0 : ((times.length - 1) * 1e6) / micros
  }).pipe(Effect.provide(Storage.readOnly({ data })))

/** What `count` idle containers take of the host's memory, all told, and how fast they came. */
export const idle = Effect.fnUntraced(function* (count: number) {
  const empty = yield* Effect.scoped(
    Effect.gen(function* () {
      yield* server("0:16")
      yield* settled
      return { available: memoryKb("MemAvailable"), slab: memoryKb("Slab") }
    })
  )
  return yield* Effect.scoped(
    Effect.gen(function* () {
      const of = yield* server(`${count}:${count + 64}`)
      yield* full(of, count)
      yield* settled
      const taken = empty.available - memoryKb("MemAvailable")
      return {
        idle_containers: count,
        idle_kb: taken / count,
        idle_slab_kb: (memoryKb("Slab") - empty.slab) / count,
        server_rss_mb: residentKb(of.pid) / 1024,
        creates_per_s: yield* createdPerSecond(of.data)
      }
    })
  )
})

/** A killed server comes back over a history of `events`. */
export const recovery = Effect.fnUntraced(function* (events: number) {
  const data = yield* directory
  yield* Effect.promise(() => seedEvents(data, events))
  const killed = yield* server("8", data)
  yield* load(killed, { ...BASH, connections: 4, amount: 8 })
  yield* killed.kill("SIGKILL")
  yield* killed.ended
  const [millis] = yield* timed(server("8", data))
  return millis
}, Effect.scoped)

/** Durable events a second, by how many callers wait for their own commit. */
export const appends = Effect.map(
  Effect.promise(() => measureAppends()),
  ({ callers, verifyEventsPerSecond }) => ({
    events_per_s: Math.max(...callers.map(({ eventsPerSecond }) => eventsPerSecond)),
    ...Object.fromEntries(callers.map((at) => [`events_per_s_${at.callers}_callers`, at.eventsPerSecond])),
    verified_events_per_s: verifyEventsPerSecond
  })
)

/** That many at once on one server: every one of them should be answered. */
export const crowd = (of: Client.Credentials, connections: number) =>
  load(of, { ...BASH, connections, amount: connections })
