/** Where a backup or a restored directory comes to stand: it is there whole, or it is not there. */
import { randomBytes } from "node:crypto"
import { lstatSync, readdirSync, realpathSync } from "node:fs"
import { type FileHandle, link, open, rename, rm } from "node:fs/promises"
import { basename, dirname, join, resolve, sep } from "node:path"
import { Effect, type Scope } from "effect"
import { syncDirectory } from "../../log/Database.js"
import { BackupRefused, failed } from "./BackupRefused.js"

/** What a backup is taken apart into. */
export interface Into {
  /** Empty, private and ours. */
  readonly directory: string
  /** False: what can be checked as it goes by is not written. */
  readonly keep: boolean
}

const attempt = <A>(body: () => Promise<A>): Effect.Effect<A, BackupRefused> =>
  Effect.uninterruptible(Effect.tryPromise({ try: body, catch: failed }))

const exists = (path: string) =>
  new BackupRefused({ code: "exists", message: `${path} exists; choose another name, or --force` })

/** Nothing is there, or a file that may be replaced. */
export const free = (path: string, force: boolean): Effect.Effect<void, BackupRefused> =>
  Effect.try({
    try: () => {
      const found = lstatSync(path, { throwIfNoEntry: false })
      if (found !== undefined && (!force || !found.isFile())) throw exists(path)
    },
    catch: failed
  })

const NO_LINKS = ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"]

/** Unlike a rename it fails when somebody was faster; where a file has one name only, the look before it must do. */
const name = (temporary: string, path: string): Promise<void> =>
  link(temporary, path).catch((error: unknown) => {
    const code = error instanceof Error && "code" in error ? String(error.code) : ""
    if (!NO_LINKS.includes(code) || lstatSync(path, { throwIfNoEntry: false }) !== undefined) throw error
    return rename(temporary, path)
  })

export interface Unfinished {
  readonly file: FileHandle
  /** It gets its name, once it is on disk. */
  readonly finish: Effect.Effect<void, BackupRefused>
}

/** Beside its place, under a name that is nobody's; gone when the scope closes, unless it was finished. */
export const file = (path: string, force: boolean): Effect.Effect<Unfinished, BackupRefused, Scope.Scope> =>
  Effect.gen(function* () {
    yield* free(path, force)
    const temporary = join(dirname(path), `.${basename(path)}.unfinished-${randomBytes(8).toString("hex")}`)
    const file = yield* Effect.acquireRelease(
      attempt(() => open(temporary, "wx", 0o600)),
      (file) =>
        Effect.promise(async () => {
          await file.close().catch(() => undefined)
          await rm(temporary, { force: true }).catch(() => undefined)
        })
    )
    const finish = attempt(async () => {
      await file.sync()
      await (force ? rename(temporary, path) : name(temporary, path))
      await rm(temporary, { force: true })
      syncDirectory(dirname(path))
    }).pipe(Effect.tapError(() => free(path, force)))
    return { file, finish }
  })

/** What is made within a directory becomes a part of the next backup. */
export const outside = (path: string, data: string): Effect.Effect<void, BackupRefused> =>
  Effect.try({
    try: () => {
      const [parent, root] = [realpathSync(dirname(resolve(path))), realpathSync(data)]
      if (parent !== root && !parent.startsWith(root + sep)) return
      throw new BackupRefused({ code: "failed", message: `${path} is inside the data directory: choose another place` })
    },
    catch: failed
  })

/** Nothing, or an empty directory. */
export const vacant = (path: string): Effect.Effect<void, BackupRefused> =>
  Effect.try({
    try: () => {
      const found = lstatSync(path, { throwIfNoEntry: false })
      if (found === undefined || (found.isDirectory() && readdirSync(path).length === 0)) return
      throw new BackupRefused({ code: "exists", message: `${path} is there and not empty: choose another directory` })
    },
    catch: failed
  })

/** The rename replaces an empty directory, and nothing else. */
export const settle = (directory: string, path: string): Effect.Effect<void, BackupRefused> =>
  attempt(async () => {
    await rename(directory, path)
    syncDirectory(dirname(path))
  })
