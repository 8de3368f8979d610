/** `unsandbox images`: those of a running server, listed, and carried as OCI layouts between it and files. */
import { homedir } from "node:os"
import { resolve } from "node:path"
import { Args, Command, Options } from "@effect/cli"
import { Effect, Option, Schedule } from "effect"
import * as Place from "../../store/backup/Place.js"
import * as Account from "../Account.js"
import * as Client from "../Client.js"
import { general } from "../Failure.js"
import { json } from "../Options.js"
import * as Output from "../Output.js"
import * as Transfer from "../Transfer.js"

const { options: account } = Account
const file = Args.text({ name: "file" })
const id = Args.text({ name: "id" })
const force = Options.boolean("force").pipe(Options.withDescription("Replace a file of that name"))
const said = (name: string, help: string) =>
  Options.text(name).pipe(Options.optional, Options.withDescription(help), Options.map(Option.getOrUndefined))

const EVERY = "5 seconds"
const MEGA = 1e6

const caller = (chosen: Account.Chosen) =>
  Effect.suspend(() =>
    Account.credentials(chosen, { environment: process.env, home: homedir(), directory: process.cwd() })
  )

/** Says every now and then how far it is, until the scope closes. */
const counting = Effect.fnUntraced(function* (quiet: boolean, what: string, all?: number) {
  let bytes = 0
  const whole = all === undefined ? "" : ` of ${Math.ceil(all / MEGA)}`
  const tell = Effect.suspend(() => Output.note(`${what}: ${Math.floor(bytes / MEGA)}${whole} MB so far`))
  if (!quiet) yield* Effect.forkScoped(Effect.schedule(tell, Schedule.spaced(EVERY)))
  return (more: number) => {
    bytes += more
  }
})

const imagesOf = ({ images }: Client.Answer["body"]): ReadonlyArray<Readonly<Record<string, unknown>>> =>
  Array.isArray(images) ? images : []

const list = Command.make("list", { account, json }, (given) =>
  Effect.gen(function* () {
    const { body } = yield* Client.call(yield* caller(given.account), { method: "GET", path: "/images" })
    if (given.json) return yield* Output.json(body)
    const rows = imagesOf(body).map((one) => [
      ...[String(one.id), String(one.name), String(one.visibility), Number(one.size_bytes), String(one.created_at)]
    ])
    yield* Output.line(Output.table(["id", "name", "visibility", "bytes", "created"], rows))
  })
).pipe(Command.withDescription("Show the images that a key may use"))

const exported = Command.make("export", { account, json, force, id, file }, (given) =>
  Effect.gen(function* () {
    const path = resolve(given.file)
    const credentials = yield* caller(given.account)
    const refused = Effect.mapError(({ code, message }: { readonly code: string; readonly message: string }) =>
      general(code, message)
    )
    const unfinished = yield* refused(Place.file(path, given.force))
    const count = yield* counting(given.json, path)
    const route = `/images/${encodeURIComponent(given.id)}/export`
    const { bytes, sha256 } = yield* Transfer.download(credentials, route, unfinished.file, count)
    yield* refused(unfinished.finish)
    if (given.json) return yield* Output.json({ ok: true, id: given.id, file: path, bytes, sha256 })
    yield* Output.line(`${path} is written: ${bytes} bytes, sha256 ${sha256}`)
  }).pipe(Effect.scoped)
).pipe(Command.withDescription("Write an image to a file, as an OCI image layout"))

const imported = Command.make(
  "import",
  {
    account,
    json,
    about: Options.all({
      name: said("name", "Its name (its id)"),
      description: said("description", "What it is for"),
      visibility: said("visibility", "private, unlisted or public (private)")
    }),
    partial: Options.boolean("partial").pipe(
      Options.withDescription("Leave out what lies outside of home/sandbox, srv and tmp")
    ),
    file
  },
  (given) =>
    Effect.gen(function* () {
      const path = resolve(given.file)
      const credentials = yield* caller(given.account)
      const parcel = yield* Transfer.parcel(path)
      const count = yield* counting(given.json, path, parcel.bytes)
      const query = new URLSearchParams(given.partial ? { partial: "1" } : {})
      for (const [name, value] of Object.entries(given.about)) if (value !== undefined) query.set(name, value)
      const route = `/images/import${query.size === 0 ? "" : `?${query.toString()}`}`
      const image = yield* Transfer.upload(credentials, route, parcel, count)
      if (given.json) return yield* Output.json(image)
      const left = image.skipped === 0 ? "" : `, ${String(image.skipped)} entries left out`
      yield* Output.line(`${String(image.id)} is imported from ${path}: ${String(image.name)}${left}`)
    }).pipe(Effect.scoped)
).pipe(Command.withDescription("Bring an image from a file, an OCI image layout in a tar"))

export const imageCommands = { list, export: exported, import: imported }

export const images = Command.make("images").pipe(
  Command.withDescription("List a server's images, and carry them to and from files"),
  Command.withSubcommands([list, exported, imported])
)
