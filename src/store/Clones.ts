/** Clones of volumes: the same files over the same blocks, made in moments where the file system lets files share these. */
import { randomBytes } from "node:crypto"
import { constants, mkdirSync, readdirSync } from "node:fs"
import { copyFile, mkdir, mkdtemp, rm, stat, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { Effect, type Option, Schedule, type Scope } from "effect"
import type { LayerRefused } from "./Layers.js"
import * as Tool from "./Tool.js"

/** What takes longer than this is no matter of moments any more: its volume stands still meanwhile. */
const WITHIN = "10 seconds"
/** How often the disk is asked whether there is still room. */
const STRIDE = "1 second"
const BLOCK = 4_096

const trying = <A>(body: () => Promise<A>) => Effect.tryPromise({ try: body, catch: (error) => error })

const shares = async (place: string): Promise<boolean> => {
  const [one, other] = [join(place, "one"), join(place, "other")]
  await writeFile(one, Buffer.alloc(BLOCK, 1))
  await copyFile(one, other, constants.COPYFILE_FICLONE_FORCE)
  return true
}

/** Whether files below the directory can share blocks: two are made there that do. */
export const possible = (directory: string): Effect.Effect<boolean> =>
  Effect.acquireUseRelease(
    trying(() => mkdtemp(join(directory, ".blocks-"))),
    (place) => trying(() => shares(place)),
    (place) => Effect.ignore(trying(() => rm(place, { recursive: true, force: true })))
  ).pipe(Effect.orElseSucceed(() => false))

/** A tenant's tree can be deeper than any path may be long; `rm` walks it by handles. */
const erase = (path: string) => Tool.run(["rm", "-rf", "--one-file-system", "--", path], "10 minutes")

/** A copier that had not begun when its server was killed does so afterwards, until it misses what was swept. */
const sweep = (path: string) =>
  Effect.ignoreLogged(Effect.retry(erase(path), { schedule: Schedule.spaced("1 second"), times: 60 }))

/** Not hard links: whoever goes on would write into the very file that is to stay. And it ends with this process. */
const copy = (directory: string, parts: ReadonlyArray<string>, to: string): ReadonlyArray<string> => [
  ...["setpriv", "--pdeathsig", "KILL", "--"],
  ...["cp", "--recursive", "--no-dereference", "--preserve=mode,ownership,timestamps,links,xattr"],
  ...["--reflink=always", "--one-file-system", `--target-directory=${to}`, "--"],
  ...parts.map((part) => join(directory, part))
]

interface Clones {
  /** What the disk has yet to take of what was written is taken: a clone would wait for that, and its volume stand still. */
  readonly ready: Effect.Effect<void>
  /**
   * Resolves with a directory that has the parts as they are now, there until the scope closes; none when that cannot be had
   * here, or not of these, and then nothing of it is left. Nobody may be writing there: `cp` goes by names, and who puts a
   * link in a directory's place between two looks would have it copy what is the host's. `left` refuses when the disk is full.
   */
  readonly take: (
    directory: string,
    parts: ReadonlyArray<string>,
    left: Effect.Effect<void, LayerRefused>
  ) => Effect.Effect<Option.Option<string>, never, Scope.Scope>
}

/** What a crash left of clones goes now, and nobody waits for it: this process holds the data directory's lock. */
export const make = Effect.fnUntraced(function* (data: string) {
  const root = join(data, "layers", "clones")
  const abandoned = yield* Effect.try(() => {
    mkdirSync(root, { recursive: true, mode: 0o700 })
    return readdirSync(root).map((name) => join(root, name))
  })
  yield* Effect.forkScoped(Effect.forEach(abandoned, sweep, { discard: true }))
  const able = yield* possible(root)

  const beside = async (directory: string): Promise<boolean> =>
    able && (await stat(directory)).dev === (await stat(root)).dev

  const begin = trying(async () => {
    const path = join(root, randomBytes(16).toString("hex"))
    await mkdir(path, { mode: 0o700 })
    return path
  })

  const taken = (directory: string, parts: ReadonlyArray<string>, left: Effect.Effect<void, LayerRefused>) =>
    Effect.uninterruptibleMask((restore) =>
      Effect.gen(function* () {
        yield* left
        const to = yield* begin
        const watch = Effect.forever(Effect.zipRight(Effect.sleep(STRIDE), left))
        const copied = Effect.raceFirst(Tool.run(copy(directory, parts, to), WITHIN), watch)
        const gone = Effect.ignoreLogged(erase(to))
        yield* Effect.onError(restore(copied), () => gone)
        yield* Effect.addFinalizer(() => gone)
        return to
      })
    )

  const clones: Clones = {
    ready: able ? Effect.ignore(Tool.run(["sync", "-f", root], "1 minutes")) : Effect.void,
    take: (directory, parts, left) =>
      trying(() => beside(directory)).pipe(
        Effect.filterOrFail(
          (can) => can && parts.length > 0,
          () => "there is nothing that could be cloned"
        ),
        Effect.zipRight(taken(directory, parts, left)),
        Effect.tapError((why) => Effect.logDebug("a volume is packed where it is", why)),
        Effect.option
      )
  }
  return clones
})
