/** `unsandbox events`: the log, followed as it grows, or one stream or row of it. */
import { Args, Command, Options } from "@effect/cli"
import { Effect, Schema, Stream } from "effect"
import { type Row, StreamId } from "../../../events/Envelope.js"
import { EventLog } from "../../log/EventLog.js"
import * as ControlClient from "../../rpc/ControlClient.js"
import * as Storage from "../../store/Storage.js"
import { general, usage } from "../Failure.js"
import { json, place, settings } from "../Options.js"
import * as Output from "../Output.js"
import type { Settings } from "../Settings.js"

type Shown = typeof Row.Type

export const oneLine = (row: Shown): string => {
  const at = new Date(row.at / 1000).toISOString().slice(11, 23)
  const data = Output.plain(JSON.stringify(row.data))
  return `${String(row.seq).padStart(7)}  ${at}  ${row.type.padEnd(18)} ${row.stream}  ${Output.cut(data, 120)}`
}

const print = (asJson: boolean) => (row: Shown) => (asJson ? Output.json(row) : Output.line(oneLine(row)))

const stored = <A, E>(chosen: Settings, use: (log: typeof EventLog.Service) => Effect.Effect<A, E>) =>
  Effect.flatMap(EventLog, use).pipe(Effect.provide(Storage.readOnly({ data: chosen.data })))

const last = Options.integer("last").pipe(
  Options.withDefault(20),
  Options.withDescription("How many past events come first (20)")
)
const once = Options.boolean("once").pipe(Options.withDescription("Do not wait for new events"))

const PAGE = 1_000

/** The last rows, found from the head, because sequence numbers have no gaps. */
export const recent = (log: typeof EventLog.Service, count: number) =>
  Effect.flatMap(log.head, ({ seq }) => log.page(Math.max(0, seq - count), Math.min(count, PAGE)))

const tail = Command.make("tail", { place, json, last, once }, (given) =>
  Effect.gen(function* () {
    const chosen = yield* settings(given.place)
    const show = print(given.json)
    const past = yield* stored(chosen, (log) => recent(log, Math.min(PAGE, Math.max(0, given.last))))
    const head = yield* stored(chosen, (log) => log.head)
    yield* Effect.forEach(past, show, { discard: true })
    if (given.once) return
    if (!(yield* ControlClient.running(chosen.data)))
      return yield* Output.note(`No server runs on ${chosen.data}: this is all there is.`)
    const client = yield* ControlClient.make(chosen.data)
    yield* Stream.runForEach(client.events(past.at(-1)?.seq ?? head.seq), show)
  }).pipe(Effect.scoped)
).pipe(Command.withDescription("Follow the log as it grows"))

const bySeq = (seq: number) => (log: typeof EventLog.Service) => log.page(seq - 1, 1)

const show = Command.make("show", { place, json, what: Args.text({ name: "stream-or-seq" }) }, (given) =>
  Effect.gen(function* () {
    const chosen = yield* settings(given.place)
    const isSeq = /^[1-9]\d{0,14}$/.test(given.what)
    const stream = isSeq ? undefined : Schema.decodeOption(StreamId)(given.what)
    if (stream?._tag === "None")
      return yield* usage(
        `${JSON.stringify(given.what)} is neither a sequence number nor a stream such as job/unsb-job-…`
      )
    const rows = yield* stored(
      chosen,
      stream === undefined ? bySeq(Number(given.what)) : (log) => log.read(stream.value)
    )
    if (rows.length === 0) return yield* general("not_found", `the log has nothing of ${given.what}`)
    if (given.json) return yield* Output.json({ events: rows, count: rows.length })
    yield* Effect.forEach(rows, (row) => Output.line(JSON.stringify(row, null, 2)), { discard: true })
  })
).pipe(Command.withDescription("Show every event of a stream, or one by its sequence number"))

export const eventCommands = { tail, show }

export const events = Command.make("events").pipe(
  Command.withDescription("Read the log"),
  Command.withSubcommands([tail, show])
)
