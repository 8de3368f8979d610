/** `npm run bench`: speed and size of this build on this machine, beside the machine's own limit in the same run. */
import { Effect, Ref } from "effect"
import { table } from "../src/cli/Output.js"
import { Toolchains } from "../src/languages/Toolchains.js"
import * as Cpu from "./Cpu.js"
import * as Figures from "./Figures.js"
import { type Machine, machine } from "./Machine.js"
import { type Absent, type Peer, peers } from "./Peers.js"
import { measureRows, type Plan, type Row } from "./Rows.js"
import { pool, server } from "./Servers.js"
import { stays } from "./Stays.js"
import { wakes } from "./Wakes.js"

export interface Report {
  readonly machine: Machine
  readonly quick: boolean
  readonly rows: ReadonlyArray<Row>
  readonly figures: Readonly<Record<string, number>>
  /** CPU milliseconds of one row, by who used them. */
  readonly cpu: Readonly<Record<string, Cpu.Split>>
  readonly peers: ReadonlyArray<Peer>
}

/** What is printed and not part of the report. */
export interface Measurement {
  readonly report: Report
  readonly absent: ReadonlyArray<Absent>
}

export interface Options {
  readonly quick: boolean
  readonly progress: (line: string) => Effect.Effect<void>
}

const plans: { readonly [K in "quick" | "full"]: Plan } = {
  quick: { seconds: 0.7, longest: 3, concurrencies: [10, 100, 1000] },
  full: { seconds: 8, longest: 600, concurrencies: [10, 100, 1000] }
}

const WATCHED = ["bash@10", "python@10"]

const round = (value: number) => Math.round(value * 100) / 100

/** One warm server for every row, as an operator would run it. */
const rows = Effect.fnUntraced(function* ({ progress, quick }: Options, cores: number) {
  const splits = yield* Ref.make<Readonly<Record<string, Cpu.Split>>>({})
  const of = yield* server("16")
  const around = <A, E, R>(name: string, run: Effect.Effect<A, E, R>) =>
    WATCHED.includes(name)
      ? Effect.flatMap(Cpu.cpu(of.pid, run), ([split, value]) =>
          Effect.as(
            Ref.update(splits, (known) => ({ ...known, [name]: split })),
            value
          )
        )
      : run
  const measured = yield* measureRows(of, cores, quick ? plans.quick : plans.full, { progress, around })
  const claims = yield* pool(of)
  yield* progress("2,000 at once …")
  const crowd = yield* Figures.crowd(of, 2_000)
  return {
    rows: measured,
    cpu: yield* Ref.get(splits),
    figures: {
      claim_loaded_p50_ms: claims.claim_p50_ms,
      claim_loaded_p99_ms: claims.claim_p99_ms,
      concurrent_2000_success: crowd.success,
      concurrent_2000_rps: crowd.rps,
      concurrent_2000_p99_ms: crowd.p99
    }
  }
}, Effect.scoped)

const others = Effect.fnUntraced(function* (options: Options) {
  const { progress, quick } = options
  yield* progress("Cold and warm starts …")
  const starts = yield* Figures.starts
  yield* progress("1,000 idle containers …")
  const idle = yield* Figures.idle(1_000)
  yield* progress("Durable events …")
  const events = yield* Figures.appends
  yield* progress("Recovery of 100,000 events …")
  const recovery = yield* Figures.recovery(100_000)
  yield* progress("Frozen services and their visitors …")
  const woken = yield* wakes
  const stayed = yield* stays(options)
  yield* progress("What users would pick instead …")
  const instead = yield* peers(quick ? 300 : 2_000, progress)
  return { figures: { ...starts, ...idle, ...events, ...woken, ...stayed, recovery_ms_100k: recovery }, ...instead }
})

export const measure = Effect.fnUntraced(function* (options: Options) {
  const on = machine()
  if (on.load_before > on.cores / 4)
    yield* options.progress(
      `Something else runs here (load ${on.load_before}): these figures will not be the machine's.`
    )
  const through = yield* rows(options, on.cores)
  const beside = yield* others(options)
  const figures = Object.entries({ ...through.figures, ...beside.figures }).map(([name, value]) => [name, round(value)])
  const report: Report = {
    machine: on,
    quick: options.quick,
    rows: through.rows,
    figures: Object.fromEntries(figures),
    cpu: through.cpu,
    peers: beside.measured
  }
  const measurement: Measurement = { report, absent: beside.absent }
  return measurement
}, Effect.provide(Toolchains.layer))

const headings = ["language", "at once", "req/s", "success %", "p50 ms", "p99 ms", "req/s/core", "limit/s", "of limit"]

const used = ({ cpu }: Report) =>
  Object.entries(cpu).flatMap(([row, split]) =>
    Object.entries(split).map(([who, { system, user }]) => [row, who, user, system])
  )

export const render = ({ absent, report }: Measurement): string =>
  [
    `${report.machine.cpu}, ${report.machine.cores} cores, ${report.machine.memory_gb} GB, Linux ${report.machine.kernel}\n`,
    table(
      headings,
      report.rows.map((row) => [
        row.language,
        row.concurrency,
        row.rps,
        row.success,
        row.p50_ms,
        row.p99_ms,
        row.rps_per_core,
        row.limit_rps,
        row.ratio
      ])
    ),
    `\n${table(["CPU ms of", "who", "user", "system"], used(report))}`,
    `\n${table(["figure", "value"], Object.entries(report.figures))}`,
    `\n${table(
      ["instead, bash at 10", "req/s"],
      [...report.peers.map(({ name, rps }) => [name, rps]), ...absent.map((peer) => [peer.name, peer.absent])]
    )}`,
    "\nc is compiled and run by each request: the compiler is what it measures."
  ].join("\n")
