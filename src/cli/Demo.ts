/** The product in one minute: a server of its own runs a program in every language, and shows what it remembers of it. */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Clock, Effect, Option } from "effect"
import type { Row } from "../../events/Envelope.js"
import { EventLog, type Verdict } from "../log/EventLog.js"
import type { Node } from "../rpc/Control.js"
import * as ControlClient from "../rpc/ControlClient.js"
import * as Storage from "../store/Storage.js"
import * as Client from "./Client.js"
import { recent } from "./commands/Events.js"
import { cases, hello, type Program } from "./DemoPrograms.js"
import { explain, general } from "./Failure.js"
import * as ServerProcess from "./ServerProcess.js"

interface Ran {
  readonly language: string
  readonly case: string
  readonly ok: boolean
  readonly exit_code: number | null
  readonly ms: number
  readonly output: string
  /** Why it is not ok. */
  readonly reason?: string
}

export interface Report {
  readonly ok: boolean
  readonly programs: ReadonlyArray<Ran>
  readonly verify: { readonly ok: boolean; readonly events: number; readonly head: string }
  readonly tree: ReadonlyArray<Node>
  readonly log: ReadonlyArray<typeof Row.Type>
}

/** Outputs may be a mebibyte; the report keeps what a reader looks at. */
const SHOWN = 2_000

const temporary = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "unsandbox-demo-"))),
  (directory) => Effect.promise(() => rm(directory, { recursive: true, force: true }))
)

const send = Effect.fnUntraced(function* (server: Client.Credentials, { path, body }: Program) {
  if (typeof body === "string") return yield* Client.call(server, { path, body, type: "text/plain" })
  const answer = yield* Client.call(server, { path, body: JSON.stringify(body), timeoutMillis: 180_000 })
  return path === "/execute" ? answer : yield* Client.outcome(server, String(answer.body.job_id), 60_000)
})

const run = (server: Client.Credentials) => (program: Program) =>
  Effect.gen(function* () {
    const begun = yield* Clock.currentTimeMillis
    const exit = yield* Effect.exit(send(server, program))
    const ms = (yield* Clock.currentTimeMillis) - begun
    const named = { language: program.language, case: program.case, ms }
    if (exit._tag === "Failure")
      return { ...named, ok: false, exit_code: null, output: "", reason: explain(exit.cause).message }
    const { body } = exit.value
    const output = `${body.stdout ?? ""}${body.stderr ?? ""}`.slice(0, SHOWN)
    const reason = program.wrong(body)
    const shown = { ...named, exit_code: typeof body.exit_code === "number" ? body.exit_code : null, output }
    return reason === undefined ? { ...shown, ok: true } : { ...shown, ok: false, reason }
  })

const strings = (value: unknown): ReadonlyArray<string> => (Array.isArray(value) ? value.map(String) : [])

/** `helloOf` gives a language's hello world. */
const programs = Effect.fnUntraced(function* (
  server: Client.Credentials,
  helloOf: (language: string) => Option.Option<string>
) {
  const { body } = yield* Client.call(server, { method: "GET", path: "/languages" })
  const runnable = strings(body.languages)
  const others = cases(runnable)
  if (others.length === 0) return yield* general("no_language", "this machine has none of bash, python and perl")
  const greetings = runnable.flatMap((language) =>
    Option.match(helloOf(language), { onNone: () => [], onSome: (code) => [hello(language, code)] })
  )
  return [...greetings, ...others]
})

const remembered = (data: string) =>
  Effect.gen(function* () {
    const log = yield* EventLog
    const { events, head, ok }: Verdict = yield* log.verify
    return { verify: { ok, events, head }, log: yield* recent(log, 12) }
  }).pipe(Effect.provide(Storage.readOnly({ data })))

export const demo = Effect.fnUntraced(function* (
  helloOf: (language: string) => Option.Option<string>,
  progress: (line: string) => Effect.Effect<void>
) {
  const data = yield* temporary
  yield* progress("Starting a server of its own …")
  const server = yield* ServerProcess.start({ data, arguments: ["--pool", "zerotrust=4", "--confirm", "off"] })
  const planned = yield* programs(server, helloOf)
  yield* progress(`Running ${planned.length} programs on ${server.url} …`)
  const ran: ReadonlyArray<Ran> = yield* Effect.forEach(planned, run(server), { concurrency: 2 })
  const client = yield* ControlClient.make(data)
  const tree = yield* client.tree
  const kept = yield* remembered(data)
  const report: Report = { ok: kept.verify.ok && ran.every(({ ok }) => ok), programs: ran, tree, ...kept }
  return report
}, Effect.scoped)
