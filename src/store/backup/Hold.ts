/** A private directory for work in progress that only one process at a time has, and what killed ones left is cleared. */
import { randomBytes } from "node:crypto"
import { closeSync, lstatSync, mkdirSync, openSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { geteuid } from "node:process"
import Sqlite from "better-sqlite3"
import { Effect, type Scope } from "effect"
import * as Tool from "../Tool.js"
import { BackupRefused, failed } from "./BackupRefused.js"

/** The name of a data directory's own lock: no server starts on a directory that is held. */
export const LOCK = "lock"

const lock = (directory: string): Sqlite.Database => {
  const path = join(directory, LOCK)
  closeSync(openSync(path, "a", 0o600))
  const held = new Sqlite(path, { timeout: 0 })
  try {
    held.exec("BEGIN EXCLUSIVE")
    return held
  } catch (error) {
    held.close()
    if (!(error instanceof Sqlite.SqliteError && error.code.startsWith("SQLITE_BUSY"))) throw error
    throw new BackupRefused({ code: "busy", message: `Another process is at work in ${directory}.` })
  }
}

/** The kernel's, on a file in it: it dies with the process, however that ends. */
const take = (directory: string): Effect.Effect<void, BackupRefused, Scope.Scope> =>
  Effect.acquireRelease(Effect.try({ try: () => lock(directory), catch: failed }), (held) =>
    Effect.sync(() => held.close())
  )

const make = (directory: string): Effect.Effect<void, BackupRefused> =>
  Effect.try({ try: () => void mkdirSync(directory, { mode: 0o700 }), catch: failed })

/** What tenants made can be deeper than any path may be long; `rm` walks it by handles. */
export const erase = (directory: string): Effect.Effect<void, BackupRefused> =>
  Effect.mapError(Tool.run(["rm", "-rf", "--one-file-system", "--", directory], "10 minutes"), failed).pipe(
    Effect.asVoid
  )

/** Goes if whoever made it is gone. Somebody else's is left alone: where it leads is not known. */
const clear = (directory: string): Effect.Effect<void, BackupRefused> => {
  const found = lstatSync(directory, { throwIfNoEntry: false })
  if (found === undefined || !found.isDirectory() || found.uid !== geteuid?.()) return Effect.void
  return Effect.scoped(Effect.zipRight(take(directory), erase(directory))).pipe(
    Effect.catchIf(
      ({ code }) => code === "busy",
      () => Effect.void
    )
  )
}

/** A new directory whose name begins so; gone when the scope closes, unless it has another name by then. */
export const scratch = Effect.fnUntraced(function* (
  parent: string,
  prefix: string
): Effect.fn.Return<string, BackupRefused, Scope.Scope> {
  const names = yield* Effect.try({ try: () => readdirSync(parent), catch: failed })
  for (const name of names) if (name.startsWith(prefix)) yield* clear(join(parent, name))
  const directory = join(parent, `${prefix}${randomBytes(8).toString("hex")}`)
  yield* Effect.acquireRelease(make(directory), () => Effect.ignore(erase(directory)))
  yield* take(directory)
  return directory
})
