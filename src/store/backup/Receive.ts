/** Takes a backup apart, member by member, into a private directory: everything is checked, and what must be there is. */
import { join } from "node:path"
import Sqlite from "better-sqlite3"
import { Effect, type Scope } from "effect"
import { CURRENT, type Offered } from "../secrets/RootKeyEnvironment.js"
import { BackupRefused, damaged, failed } from "./BackupRefused.js"
import * as Inventory from "./Inventory.js"
import { endOf, type Manifest, MOST_BYTES, manifestOf } from "./Manifest.js"
import * as Members from "./Members.js"
import * as Opening from "./Opening.js"
import type { Into } from "./Place.js"
import * as Proof from "./Proof.js"
import * as ReceiveKept from "./ReceiveKept.js"
import * as ReceiveTrees from "./ReceiveTrees.js"
import type { Progress, Summary } from "./Summary.js"

export interface Options {
  readonly file: string
  readonly passphrase: Buffer
  readonly projections: Proof.Projections
  readonly offered: Offered
  readonly progress: Progress
}

/** No server takes the directory for its own while the database has this name. */
export const DATABASE = "restored.sqlite"

type Content = AsyncIterable<Uint8Array>

interface Receiving {
  readonly options: Options
  readonly into: Into
  readonly opened: Opening.Opened
  readonly progress: Progress
}

const streaming = <A>(body: () => Promise<A>) => Effect.tryPromise({ try: body, catch: failed })

const textOf = async (content: Content): Promise<string> => {
  const chunks: Array<Uint8Array> = []
  let bytes = 0
  for await (const chunk of content) {
    bytes += chunk.length
    if (bytes > MOST_BYTES) throw damaged("a document in it is too large")
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

const document = <A>({ opened }: Receiving, name: string, of: (text: string) => A | undefined) =>
  Effect.gen(function* () {
    const content = yield* opened.take(name)
    const found = of(yield* streaming(() => textOf(content)))
    return found ?? (yield* damaged(`${name} cannot be read`))
  })

const file = (receiving: Receiving, member: string, path: string, { sha256 }: Members.Weighed) =>
  Effect.gen(function* () {
    const content = yield* receiving.opened.take(member)
    const { through, weighed } = Members.weighing(receiving.progress.bytes)
    yield* streaming(() => ReceiveKept.toFile(path, through(content)))
    if (weighed().sha256 !== sha256) return yield* damaged(`${member} is not what its digest says`)
  })

const files = (receiving: Receiving, manifest: Manifest) =>
  Effect.gen(function* () {
    const { directory } = receiving.into
    yield* file(receiving, "database", join(directory, DATABASE), manifest.database)
    for (const one of manifest.files) {
      if (!Inventory.isFile(one.name)) return yield* damaged(`it holds a file ${one.name}`)
      yield* file(receiving, `files/${one.name}`, join(directory, one.name), one)
    }
  })

const database = (directory: string, readonly: boolean): Effect.Effect<Sqlite.Database, BackupRefused, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.try({
      try: () => {
        const db = new Sqlite(join(directory, DATABASE), { fileMustExist: true, readonly })
        db.pragma("trusted_schema = OFF")
        // All of it is made durable at once, or thrown away.
        db.pragma("synchronous = OFF")
        return db
      },
      catch: failed
    }),
    (db) => Effect.ignore(Effect.try(() => db.close()))
  )

const keyless = new BackupRefused({
  code: "root_key_missing",
  message: `This backup holds no root key, because it came from the environment: give it in ${CURRENT}`
})

/** Tables that HTTP reads are folded anew from the log that was just proved. */
const proved = ({ into: { directory }, options: { offered, projections } }: Receiving, manifest: Manifest) =>
  Effect.gen(function* () {
    const db = yield* database(directory, false)
    const subject = { directory, db }
    yield* Effect.try({ try: () => Proof.migrate(db), catch: failed })
    const { hash, seq } = yield* Proof.log(subject)
    if (seq !== manifest.head.seq || hash !== manifest.head.hash) return yield* damaged("its log is another one's")
    const any = db.prepare("SELECT 1 FROM secrets LIMIT 1").get() !== undefined
    if (any && !manifest.rootKey && offered.current === undefined) return yield* keyless
    const secrets = yield* Proof.secrets(subject, offered)
    yield* Proof.project(subject, projections.projectors, true)
    return { events: seq, secrets, smallBlobs: yield* Proof.smallBlobs(subject) }
  }).pipe(Effect.scoped)

/** Resolves when all of it is there as it was written, and nothing else is. Not yet on disk. */
export const receive = (options: Options, into: Into): Effect.Effect<Summary, BackupRefused> =>
  Effect.gen(function* () {
    const { projections, progress } = options
    const opened = yield* Opening.open(options.file, options.passphrase)
    const receiving = { options, into, opened, progress }
    progress.stage("reading")
    const manifest = yield* document(receiving, "manifest.json", manifestOf)
    yield* files(receiving, manifest)
    progress.stage("verifying the log")
    const sums = yield* proved(receiving, manifest)
    progress.stage("reading")
    const db = yield* database(into.directory, true)
    const blobs = yield* ReceiveKept.receive(receiving, "blobs", Proof.largeBlobs(db, manifest.createdAt))
    const layers = yield* ReceiveKept.receive(receiving, "layers", projections.layers(db))
    const { incomplete, trees, volumes } = yield* ReceiveTrees.receive(opened, manifest, into, progress)
    const end = yield* document(receiving, "end.json", endOf)
    yield* opened.ended
    if (end.blobs !== blobs || end.layers !== layers || JSON.stringify(end.trees) !== JSON.stringify(trees))
      return yield* damaged("its sums are not those of what it holds")
    return { ...sums, blobs, layers, volumes, incomplete, rootKey: manifest.rootKey } satisfies Summary
  }).pipe(Effect.scoped)
