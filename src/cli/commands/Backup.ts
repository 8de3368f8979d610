/** `unsandbox backup`: all that a data directory holds in one sealed file, looked through, and made a data directory again. */
import { statSync } from "node:fs"
import { resolve } from "node:path"
import { Args, Command, Options } from "@effect/cli"
import { Clock, Effect, type Option, Schedule } from "effect"
import * as KeptLayers from "../../projections/KeptLayers.js"
import * as Projections from "../../projections/Projections.js"
import type { BackupRefused } from "../../store/backup/BackupRefused.js"
import * as Create from "../../store/backup/Create.js"
import * as Restore from "../../store/backup/Restore.js"
import type { Progress, Summary } from "../../store/backup/Summary.js"
import { CURRENT, RootKeyEnvironment } from "../../store/secrets/RootKeyEnvironment.js"
import { general } from "../Failure.js"
import { json, place, settings } from "../Options.js"
import * as Output from "../Output.js"
import { passphrase } from "../Passphrase.js"

const file = Args.text({ name: "file" })
const phrase = Options.text("passphrase-file").pipe(
  Options.optional,
  Options.withDescription("Its content seals the file (UNSANDBOX_BACKUP_PASSPHRASE, or typed)")
)
const force = Options.boolean("force").pipe(Options.withDescription("Replace a file of that name"))
const withoutVolumes = Options.boolean("without-volumes").pipe(
  Options.withDescription("Leave out the files of sessions and services")
)

const EVERY = "5 seconds"
const MEGA = 1e6

/** Says every now and then how far it is, until the scope closes. */
const watching = Effect.fnUntraced(function* (quiet: boolean) {
  let [stage, bytes] = ["", 0]
  const tell = Effect.suspend(() => Output.note(`${stage}: ${Math.floor(bytes / MEGA)} MB so far`))
  if (!quiet) yield* Effect.forkScoped(Effect.schedule(tell, Schedule.spaced(EVERY)))
  const progress: Progress = {
    stage: (name) => {
      stage = name
    },
    bytes: (more) => {
      bytes += more
    }
  }
  return progress
})

const known = (quiet: boolean, phraseFile: Option.Option<string>, fresh: boolean) =>
  Effect.gen(function* () {
    return {
      passphrase: yield* passphrase(phraseFile, fresh),
      offered: yield* RootKeyEnvironment,
      projections: { projectors: Projections.make().projectors, layers: KeptLayers.read },
      progress: yield* watching(quiet)
    }
  })

const sentence = (said: string, summary: Summary, bytes: number) => {
  const { blobs, events, layers, secrets, smallBlobs, volumes } = summary
  const sealed = secrets === null ? "secrets unopened" : `${secrets} secrets`
  const held = `${events} events, ${blobs + smallBlobs} blobs, ${layers} layers, ${volumes} volumes, ${sealed}`
  return `${said}: ${held}; ${bytes} bytes`
}

const keyless = `It holds no root key: whoever restores it must give it in ${CURRENT}.`

const report = Effect.fnUntraced(function* (said: string, path: string, asJson: boolean, run: Run) {
  const began = yield* Clock.currentTimeMillis
  const summary = yield* Effect.mapError(run, ({ code, message }) => general(code, message))
  const { blobs, events, incomplete, layers, rootKey, secrets, smallBlobs, volumes } = summary
  const bytes = statSync(path).size
  const ms = (yield* Clock.currentTimeMillis) - began
  const counts = { events, blobs: blobs + smallBlobs, layers, volumes, secrets, bytes, ms }
  if (asJson) return yield* Output.json({ ok: true, ...counts, root_key: rootKey, incomplete })
  yield* Output.line(sentence(said, summary, bytes))
  if (!rootKey) yield* Output.note(keyless)
  for (const name of incomplete) yield* Output.note(`${name}: names too long for any path could not be put back`)
})

type Run = Effect.Effect<Summary, BackupRefused>

const create = Command.make("create", { place, json, phrase, force, withoutVolumes, file }, (given) =>
  Effect.gen(function* () {
    const { data } = yield* settings(given.place)
    const path = resolve(given.file)
    const options = { data, file: path, force: given.force, volumes: !given.withoutVolumes }
    const run = Create.create({ ...options, ...(yield* known(given.json, given.phrase, true)) })
    yield* report(`${path} is written`, path, given.json, run)
  }).pipe(Effect.scoped)
).pipe(Command.withDescription("Write log, outputs, snapshots, secrets, keys and volumes to one sealed file"))

const restore = Command.make("restore", { place, json, phrase, file }, (given) =>
  Effect.gen(function* () {
    const { data } = yield* settings(given.place)
    const path = resolve(given.file)
    const run = Restore.restore({ data, file: path, ...(yield* known(given.json, given.phrase, false)) })
    yield* report(`${data} is restored and verified`, path, given.json, run)
  }).pipe(Effect.scoped)
).pipe(Command.withDescription("Make a data directory of a backup; the directory must not be there, or be empty"))

const verify = Command.make("verify", { json, phrase, file }, (given) =>
  Effect.gen(function* () {
    const path = resolve(given.file)
    const run = Restore.verify({ file: path, ...(yield* known(given.json, given.phrase, false)) })
    yield* report(`${path} is whole`, path, given.json, run)
  }).pipe(Effect.scoped)
).pipe(Command.withDescription("Check a backup as if it were restored, and leave nothing"))

export const backupCommands = { create, restore, verify }

export const backup = Command.make("backup").pipe(
  Command.withDescription("Keep all data in one sealed file, and get it back"),
  Command.withSubcommands([create, restore, verify])
)
