/** A data directory's database and its small files at one moment, copied into a private directory beside them, and proved. */
import { createHash } from "node:crypto"
import { closeSync, openSync, writeSync } from "node:fs"
import { copyFile, open } from "node:fs/promises"
import { join } from "node:path"
import Sqlite from "better-sqlite3"
import { Effect, type Scope } from "effect"
import * as Checkpoint from "../../log/Checkpoint.js"
import * as CheckpointFile from "../../log/CheckpointFile.js"
import { openReadOnly } from "../../log/Database.js"
import type { Offered } from "../secrets/RootKeyEnvironment.js"
import { BackupRefused, failed } from "./BackupRefused.js"
import * as Inventory from "./Inventory.js"
import type { Weighed } from "./Members.js"
import * as Proof from "./Proof.js"

const COPY = "copy.sqlite"
const ROOT_KEYS = ["root.key", "root.next.key", "master.key"]

export interface Copied {
  readonly directory: string
  readonly database: { readonly path: string } & Weighed
  readonly files: ReadonlyArray<{ readonly name: string } & Weighed>
  readonly head: Proof.Head
  readonly rootKey: boolean
  /** Undefined: the root key is not at hand, so they could not be opened. */
  readonly secrets: number | undefined
  readonly smallBlobs: number
  /** Reads the copy. */
  readonly db: Sqlite.Database
}

const attempt = <A>(body: () => A): Effect.Effect<A, BackupRefused> => Effect.try({ try: body, catch: failed })

const opened = (path: string, readonly: boolean): Effect.Effect<Sqlite.Database, BackupRefused, Scope.Scope> =>
  Effect.acquireRelease(
    attempt(() => new Sqlite(path, { fileMustExist: true, readonly })),
    // Whoever was interrupted may still be in the middle of its rows.
    (db) => Effect.ignore(attempt(() => db.close()))
  )

/** In one transaction, whoever writes meanwhile: SQLite's own way of copying starts anew with each of their commits. */
const copyDatabase = (data: string, path: string): Effect.Effect<void, BackupRefused> =>
  Effect.gen(function* () {
    const reader = yield* openReadOnly(data)
    yield* attempt(() => {
      // SQLite makes the file with everybody's rights; an empty one it takes as it is.
      closeSync(openSync(path, "wx", 0o600))
      reader.pragma("query_only = OFF")
      reader.prepare("VACUUM INTO ?").run(path)
    })
  }).pipe(Effect.scoped, Effect.mapError(failed))

/** Those of the copied rows: the file is written first, so it has all of them, and may have more. */
const copyCheckpoints = (data: string, directory: string, upTo: number): void => {
  const file = openSync(CheckpointFile.fileIn(data), "r")
  const copy = openSync(join(directory, Inventory.CHECKPOINTS), "wx", 0o600)
  try {
    const next = CheckpointFile.reader(file)
    for (let line = next(); line !== undefined && line !== "garbled"; line = next())
      if (line.seq <= upTo) writeSync(copy, Checkpoint.toLine(line))
  } finally {
    closeSync(copy)
    closeSync(file)
  }
}

const weigh = async (path: string): Promise<Weighed> => {
  const file = await open(path)
  const hash = createHash("sha256")
  let bytes = 0
  try {
    for await (const chunk of file.createReadStream({ autoClose: false })) {
      hash.update(chunk)
      bytes += chunk.length
    }
  } finally {
    await file.close()
  }
  return { bytes, sha256: hash.digest("hex") }
}

/** A rotation of the root key may have ended between the database and its key. */
const again = (error: unknown) => new BackupRefused({ code: "unsteady", message: failed(error).message })

const copyFiles = (data: string, directory: string, names: ReadonlyArray<string>) =>
  Effect.tryPromise({
    try: async () => {
      for (const name of names) {
        await copyFile(join(data, name), join(directory, name))
        const copy = await open(join(directory, name))
        await copy.chmod(0o600).finally(() => copy.close())
      }
    },
    catch: again
  })

const weighed = (directory: string, names: ReadonlyArray<string>) =>
  Effect.tryPromise({
    try: async () => {
      const found: Array<{ readonly name: string } & Weighed> = []
      for (const name of names) found.push({ name, ...(await weigh(join(directory, name))) })
      return found
    },
    catch: failed
  })

const lastSeq = (db: Sqlite.Database): number =>
  db.prepare<[], number>("SELECT coalesce(max(seq), 0) FROM events").pluck().get() ?? 0

interface Proved {
  readonly head: Proof.Head
  readonly secrets: number | undefined
  readonly smallBlobs: number
}

const proved = (directory: string, projections: Proof.Projections, offered: Offered, rootKey: boolean) =>
  Effect.gen(function* () {
    const db = yield* opened(join(directory, COPY), false)
    db.pragma("synchronous = OFF")
    const subject = { directory, db }
    const head = yield* Proof.log(subject)
    yield* Proof.project(subject, projections.projectors, false)
    const known = rootKey || offered.current !== undefined
    const secrets = known ? yield* Effect.mapError(Proof.secrets(subject, offered), again) : undefined
    return { head, secrets, smallBlobs: yield* Proof.smallBlobs(subject) } satisfies Proved
  }).pipe(Effect.scoped)

/** Into an empty directory. What changes meanwhile makes it fail; it may be tried again. */
export const make = (data: string, directory: string, projections: Proof.Projections, offered: Offered) =>
  Effect.gen(function* () {
    const path = join(directory, COPY)
    yield* copyDatabase(data, path)
    const names = (yield* attempt(() => Inventory.of(data))).files
    // After the database: a key that it needs may be gone by then, but is never newer than it knows.
    yield* copyFiles(data, directory, names)
    const db = yield* opened(path, true)
    yield* attempt(() => copyCheckpoints(data, directory, lastSeq(db)))
    const rootKey = names.some((name) => ROOT_KEYS.includes(name))
    const { head, secrets, smallBlobs } = yield* proved(directory, projections, offered, rootKey)
    const [database, ...files] = yield* weighed(directory, [COPY, ...names, Inventory.CHECKPOINTS])
    if (database === undefined) return yield* failed(new Error("the copy is gone"))
    const { bytes, sha256 } = database
    return {
      directory,
      database: { path, bytes, sha256 },
      files,
      head,
      rootKey,
      secrets,
      smallBlobs,
      db
    } satisfies Copied
  })
