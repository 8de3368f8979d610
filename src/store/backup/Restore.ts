/** Makes a data directory of a backup, or looks whether one could be made. */
import { renameSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, dirname, join, resolve } from "node:path"
import { Effect } from "effect"
import * as Tool from "../Tool.js"
import { type BackupRefused, failed } from "./BackupRefused.js"
import * as Hold from "./Hold.js"
import * as Inventory from "./Inventory.js"
import * as Place from "./Place.js"
import * as Receive from "./Receive.js"
import type { Summary } from "./Summary.js"

interface Options extends Receive.Options {
  /** Must not be there, or be empty. */
  readonly data: string
}

/** Tells the whole file system once, instead of every file for itself. */
const synced = (directory: string) => Effect.mapError(Tool.run(["sync", "-f", directory], "10 minutes"), failed)

/** Resolves when the directory is there, on disk and verified; until then nothing of that name is. */
export const restore = (options: Options): Effect.Effect<Summary, BackupRefused> =>
  Effect.gen(function* () {
    const path = resolve(options.data)
    yield* Place.vacant(path)
    const directory = yield* Hold.scratch(dirname(path), `.${basename(path)}.restoring-`)
    const summary = yield* Receive.receive(options, { directory, keep: true })
    options.progress.stage("writing to the disk")
    yield* Effect.try({
      try: () => {
        // The lock's own journal is looked for under its old path when the lock is let go.
        rmSync(join(directory, `${Hold.LOCK}-journal`), { force: true })
        renameSync(join(directory, Receive.DATABASE), join(directory, Inventory.DATABASE))
      },
      catch: failed
    })
    yield* synced(directory)
    yield* Place.vacant(path)
    yield* Place.settle(directory, path)
    return summary
  }).pipe(Effect.scoped)

/** As if it were restored; what must be unpacked for that is gone again when it resolves. */
export const verify = (options: Receive.Options): Effect.Effect<Summary, BackupRefused> =>
  Effect.gen(function* () {
    const directory = yield* Hold.scratch(tmpdir(), "unsandbox-verify-")
    return yield* Receive.receive(options, { directory, keep: false })
  }).pipe(Effect.scoped)
