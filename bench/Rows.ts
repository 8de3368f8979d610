/** Programs through the whole product, each language at each concurrency, beside the same on the bare machine. */
import { Effect } from "effect"
import type { Credentials } from "../src/cli/Client.js"
import { find } from "../src/languages/Registry.js"
import { Toolchains } from "../src/languages/Toolchains.js"
import { limit } from "./Limit.js"
import { type Loaded, load } from "./Load.js"
import { local } from "./Local.js"
import { memoryKb } from "./Machine.js"

export interface Row {
  readonly language: string
  readonly concurrency: number
  readonly rps: number
  readonly success: number
  readonly p50_ms: number
  readonly p99_ms: number
  readonly rps_per_core: number
  readonly limit_rps: number
  /** Less than `concurrency` where the bare processes would not have fitted into memory. */
  readonly limit_concurrency: number
  readonly ratio: number
  readonly requests: number
  readonly generator_cores: number
}

export interface Plan {
  /** How long a row should take where its concurrency allows it. */
  readonly seconds: number
  /** A row that is expected to take longer is left out. */
  readonly longest: number
  readonly concurrencies: ReadonlyArray<number>
}

export const languages = ["bash", "perl", "awk", "python", "javascript", "c"] as const

/** Resident memory of one bare process in flight, generously, so that the limit's own run does not exhaust the host. */
const KILOBYTES: Readonly<Record<string, number>> = { javascript: 60_000, c: 50_000, python: 12_000 }

const fitting = (language: string, concurrency: number): number =>
  Math.max(1, Math.min(concurrency, Math.floor(memoryKb("MemAvailable") / 2 / (KILOBYTES[language] ?? 6_000))))

const round = (value: number, digits = 1) => Math.round(value * 10 ** digits) / 10 ** digits

export const request = (language: string, code: string) => ({
  path: "/execute",
  body: JSON.stringify({ language, code, ttl: 300 }),
  expected: '"success":true'
})

const through = (server: Credentials, language: string, code: string, connections: number, amount: number) =>
  load(server, { ...request(language, code), connections, amount })

const amountFor = (rps: number, seconds: number, concurrency: number) => Math.max(concurrency, Math.ceil(rps * seconds))

const row = (language: string, concurrency: number, cores: number, got: Loaded, bare: Bare): Row => ({
  language,
  concurrency,
  rps: round(got.rps),
  success: round(got.success, 2),
  p50_ms: round(got.p50),
  p99_ms: round(got.p99),
  rps_per_core: round(got.rps / cores),
  limit_rps: round(bare.rps),
  limit_concurrency: bare.concurrency,
  ratio: round(got.rps / bare.rps, 3),
  requests: Object.values(got.statuses).reduce((sum, count) => sum + count, 0) - (got.statuses.wrong ?? 0),
  generator_cores: round(got.generatorCores, 2)
})

interface Bare {
  readonly rps: number
  readonly concurrency: number
}

const bare = Effect.fnUntraced(function* (
  language: string,
  concurrency: number,
  argv: ReadonlyArray<string>,
  plan: Plan
) {
  const fits = fitting(language, concurrency)
  const { rps: pilot } = yield* limit(Math.max(10, Math.min(fits, 20)), Math.min(fits, 10), argv)
  const { rps } = yield* limit(amountFor(pilot, plan.seconds / 2, fits), fits, argv)
  return { rps, concurrency: fits }
})

export interface Watch {
  readonly progress: (line: string) => Effect.Effect<void>
  /** Sees every row's start and end. */
  readonly around: <A, E, R>(name: string, run: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

/** All rows of one language; empty when this machine has no toolchain for it. */
const ofLanguage = Effect.fnUntraced(function* (
  server: Credentials,
  language: string,
  cores: number,
  plan: Plan,
  watch: Watch
) {
  const toolchain = (yield* Toolchains).available.get(language)
  const code = find(language)?.hello
  if (toolchain === undefined || code === undefined) {
    yield* watch.progress(`${language}: not on this machine`)
    return []
  }
  const argv = yield* local(toolchain, code)
  const rows: Array<Row> = []
  let rps = Math.max(0.1, (yield* through(server, language, code, 10, 40)).rps)
  for (const concurrency of plan.concurrencies) {
    if (concurrency / rps > plan.longest) {
      yield* watch.progress(`${language} at ${concurrency}: would take ${Math.round(concurrency / rps)} s, left out`)
      continue
    }
    const amount = amountFor(rps, plan.seconds, concurrency)
    const got = yield* watch.around(`${language}@${concurrency}`, through(server, language, code, concurrency, amount))
    rps = Math.max(0.1, got.rps)
    rows.push(row(language, concurrency, cores, got, yield* bare(language, concurrency, argv, plan)))
    const last = rows.at(-1)
    yield* watch.progress(`${language} at ${concurrency}: ${last?.rps}/s of ${last?.limit_rps}/s, ${last?.success} %`)
  }
  return rows
}, Effect.scoped)

/** Enough for the server's code to be compiled by its engine, and for the pool to have been round a few times. */
const WARM_UP = { connections: 10, amount: 400 }

export const measureRows = Effect.fnUntraced(function* (server: Credentials, cores: number, plan: Plan, watch: Watch) {
  yield* watch.progress("Warming up …")
  yield* load(server, { ...request("bash", "echo hi"), ...WARM_UP })
  const all = yield* Effect.forEach(languages, (language) => ofLanguage(server, language, cores, plan, watch))
  return all.flat()
})
