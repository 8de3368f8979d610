/**
 * The SQLite file of a data directory, and the lock that makes this process its only writer.
 *
 * better-sqlite3 is used directly, not through @effect/sql: a batch is one synchronous transaction that no fiber can
 * interleave with, and a statement costs 14–35 µs less.
 */
import { chmodSync, closeSync, existsSync, fsyncSync, mkdirSync, openSync } from "node:fs"
import { dirname, join } from "node:path"
import Sqlite from "better-sqlite3"
import { Context, Data, Effect, type Scope } from "effect"
import * as Migrations from "./Migrations.js"

/** This data directory cannot be used as it is; the reason says what to do. */
export class DataRefused extends Data.TaggedError("DataRefused")<{ readonly path: string; readonly reason: string }> {
  override get message() {
    return this.reason
  }
}

export interface Files {
  readonly data: string
  /** Only the writer fiber of GroupCommit may write with it. */
  readonly writer: Sqlite.Database
  readonly reader: Sqlite.Database
}

export class Database extends Context.Tag("log/Database")<Database, Files>() {}

export const fileIn = (data: string): string => join(data, "unsandbox.sqlite")

const attempt = <A>(path: string, body: () => A): Effect.Effect<A, DataRefused> =>
  Effect.try({
    try: body,
    catch: (error) => (error instanceof DataRefused ? error : new DataRefused({ path, reason: String(error) }))
  })

/** A rename or a new file is on disk only when its directory is. */
export const syncDirectory = (path: string): void => {
  const directory = openSync(path, "r")
  try {
    fsyncSync(directory)
  } finally {
    closeSync(directory)
  }
}

/** SQLite gives its journals the mode of the main file, so that file must exist with the right one before SQLite opens it. */
const createPrivate = (path: string): void => {
  // Opening and closing a file that this process has locked would drop the lock: only ever create it.
  if (existsSync(path)) return
  closeSync(openSync(path, "wx", 0o600))
  syncDirectory(dirname(path))
}

const prepareDirectory = (data: string): void => {
  mkdirSync(data, { recursive: true, mode: 0o700 })
  chmodSync(data, 0o700)
}

/** A lock of the kernel's on a file of its own: it dies with the process, however that ends. */
const takeLock = (data: string): Sqlite.Database => {
  const path = join(data, "lock")
  createPrivate(path)
  const lock = new Sqlite(path, { timeout: 0 })
  try {
    lock.exec("BEGIN EXCLUSIVE")
    return lock
  } catch (error) {
    lock.close()
    const busy = error instanceof Sqlite.SqliteError && error.code.startsWith("SQLITE_BUSY")
    const reason = busy ? "another server is using this data directory; stop it or choose another" : String(error)
    throw new DataRefused({ path: data, reason })
  }
}

const openWriter = (path: string): Sqlite.Database => {
  createPrivate(path)
  const db = new Sqlite(path, { timeout: 1_000 })
  try {
    configure(db, path)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

const configure = (db: Sqlite.Database, path: string): void => {
  if (Migrations.versionOf(db) > Migrations.newest)
    throw new DataRefused({ path, reason: "it was written by a newer version of this program" })
  db.pragma("journal_mode = WAL")
  db.pragma("synchronous = FULL")
  db.pragma("foreign_keys = ON")
  db.pragma("trusted_schema = OFF")
  db.pragma("cache_size = -65536")
  // Ids are random, so a row of the log dirties a page of the index: a longer journal writes each page back less often.
  db.pragma("wal_autocheckpoint = 4000")
  db.pragma("journal_size_limit = 67108864")
  Migrations.migrate(db)
  // The driver is built with another default for WAL, and it shows only after the first statement that writes.
  const journal = db.pragma("journal_mode", { simple: true })
  const synchronous = db.pragma("synchronous", { simple: true })
  if (journal !== "wal" || synchronous !== 2)
    throw new DataRefused({ path, reason: `no durable commits: journal ${journal}, synchronous ${synchronous}` })
}

const openReader = (path: string): Sqlite.Database => {
  const db = new Sqlite(path, { readonly: true, fileMustExist: true, timeout: 1_000 })
  db.pragma("query_only = ON")
  db.pragma("cache_size = -32768")
  return db
}

const owned = <A extends { readonly close: () => unknown }>(path: string, open: () => A) =>
  Effect.acquireRelease(attempt(path, open), (resource) => Effect.sync(() => resource.close()))

/** Opens for writing; closing the scope copies the journal into the file and frees the lock. */
export const open = Effect.fnUntraced(function* (data: string): Effect.fn.Return<Files, DataRefused, Scope.Scope> {
  const path = fileIn(data)
  yield* attempt(data, () => prepareDirectory(data))
  yield* owned(data, () => takeLock(data))
  const writer = yield* owned(path, () => openWriter(path))
  const reader = yield* owned(path, () => openReader(path))
  return { data, writer, reader }
})

/** Opens beside a running server, or after it; takes no lock and writes nothing. */
export const openReadOnly = Effect.fnUntraced(function* (
  data: string
): Effect.fn.Return<Sqlite.Database, DataRefused, Scope.Scope> {
  const path = fileIn(data)
  if (!existsSync(path)) return yield* new DataRefused({ path, reason: "there is no log here" })
  const reader = yield* owned(path, () => openReader(path))
  const version = yield* attempt(path, () => Migrations.versionOf(reader))
  if (version === Migrations.newest) return reader
  return yield* new DataRefused({ path, reason: `its version is ${version}; this program reads ${Migrations.newest}` })
})
