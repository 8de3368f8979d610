/** What a session or service writes and keeps: one directory each, with its `home`, `tmp` and `srv` (port and implementation). */
import { randomBytes } from "node:crypto"
import { mkdirSync, readdirSync } from "node:fs"
import { access, mkdir, open, rename } from "node:fs/promises"
import { join } from "node:path"
import { Context, Effect, Layer } from "effect"
import type { ServiceId, SessionId } from "../../events/Ids.js"
import { Database } from "../log/Database.js"
import { StoreUnavailable } from "./Blobs.js"
import * as Tool from "./Tool.js"

export type VolumeId = SessionId | ServiceId

export class Volumes extends Context.Tag("store/Volumes")<
  Volumes,
  {
    /** Where they all are. */
    readonly root: string
    /** Where it is, or would be. */
    readonly path: (id: VolumeId) => string
    /** Resolves with the directory, 0700; one that is there is left as it is. */
    readonly create: (id: VolumeId) => Effect.Effect<string, StoreUnavailable>
    /** Resolves when nothing of it is left; none is fine. Nothing may be running on it. */
    readonly remove: (id: VolumeId) => Effect.Effect<void, StoreUnavailable>
    /** What it takes on the disk; 0 when there is none. */
    readonly bytes: (id: VolumeId) => Effect.Effect<number, StoreUnavailable>
    /**
     * Puts a new volume in the place of the old one, in one step as far as a crash can tell: `fill` makes its content in an
     * empty directory beside it, and when that fails the old volume stands untouched. Nothing may be running on it.
     */
    readonly replace: <E, R>(
      id: VolumeId,
      fill: (directory: string) => Effect.Effect<void, E, R>
    ) => Effect.Effect<void, E | StoreUnavailable, R>
    /** Names of all that are there: for whoever looks for those that nobody owns. */
    readonly names: Effect.Effect<ReadonlyArray<string>, StoreUnavailable>
  }
>() {}

/** Ids have no dots, so what is being made or removed can be told from a volume. */
const COMING = ".coming-"
const GOING = ".going-"

const aside = (path: string, how: typeof COMING | typeof GOING) => `${path}${how}${randomBytes(8).toString("hex")}`

const unavailable = (error: unknown) =>
  new StoreUnavailable({ reason: error instanceof Error ? error.message : String(error) })

const disk = <A>(body: () => Promise<A>): Effect.Effect<A, StoreUnavailable> =>
  Effect.uninterruptible(Effect.tryPromise({ try: body, catch: unavailable }))

const missing = (error: unknown): boolean =>
  error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR")

/** Rejects when that cannot be known: what is taken for absent loses its place. */
const there = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    (error) => (missing(error) ? false : Promise.reject(error))
  )

const syncDirectory = async (path: string): Promise<void> => {
  const directory = await open(path, "r")
  await directory.sync().finally(() => directory.close())
}

/** A tenant's tree can be deeper than any path may be long; `rm` walks it by handles. */
const erase = (path: string) =>
  Effect.mapError(Tool.run(["rm", "-rf", "--one-file-system", "--", path], "10 minutes"), unavailable)

/** What was left half-done: an old volume without its successor comes back; all else may go, and is the result. */
const settle = Effect.fnUntraced(function* (root: string) {
  const found = readdirSync(root)
  const volumes = new Set(found.filter((name) => !name.includes(".")))
  for (const name of found.filter((name) => name.includes(GOING))) {
    const [id = ""] = name.split(".")
    const replaced = found.some((other) => other.startsWith(`${id}${COMING}`))
    if (replaced && !volumes.has(id)) yield* disk(() => rename(join(root, name), join(root, id)))
  }
  return readdirSync(root)
    .filter((name) => name.includes("."))
    .map((name) => join(root, name))
})

const make = Effect.gen(function* () {
  const { data } = yield* Database
  const root = join(data, "volumes")
  yield* Effect.try({ try: () => mkdirSync(root, { recursive: true, mode: 0o700 }), catch: unavailable })
  const left = yield* settle(root)
  // It may be much, and nobody waits for it.
  yield* Effect.forkScoped(Effect.forEach(left, (path) => Effect.ignore(erase(path)), { discard: true }))
  const path = (id: VolumeId) => join(root, id)

  const create = (id: VolumeId) =>
    disk(async () => {
      if ((await mkdir(path(id), { recursive: true, mode: 0o700 })) !== undefined) await syncDirectory(root)
      return path(id)
    })

  /** Resolves with where it is now, if there was one. */
  const putAside = async (id: VolumeId): Promise<string | undefined> => {
    const going = aside(path(id), GOING)
    if (!(await there(path(id)))) return undefined
    await rename(path(id), going)
    await syncDirectory(root)
    return going
  }

  const remove = (id: VolumeId) =>
    Effect.flatMap(
      disk(() => putAside(id)),
      (going) => (going === undefined ? Effect.void : Effect.uninterruptible(erase(going)))
    )

  const bytes = (id: VolumeId) =>
    Effect.gen(function* () {
      if (!(yield* disk(() => there(path(id))))) return 0
      // Files come and go while it counts: it says so with a 1, and has counted the rest.
      const said = yield* Tool.run(["du", "-s", "-B1", "--", path(id)], "1 minutes", (code) => code === 0 || code === 1)
      const counted = Number.parseInt(said, 10)
      return Number.isSafeInteger(counted) ? counted : yield* unavailable(new Error("du gave no number"))
    }).pipe(Effect.catchTag("ToolFailed", unavailable))

  const swap = async (id: VolumeId, coming: string): Promise<string | undefined> => {
    const going = await putAside(id)
    await rename(coming, path(id))
    await syncDirectory(root)
    return going
  }

  const replace = <E, R>(id: VolumeId, fill: (directory: string) => Effect.Effect<void, E, R>) =>
    Effect.acquireUseRelease(
      disk(async () => {
        const coming = aside(path(id), COMING)
        await mkdir(coming, { mode: 0o700 })
        return coming
      }),
      (coming) =>
        Effect.zipRight(
          fill(coming),
          Effect.flatMap(
            disk(() => swap(id, coming)),
            (going) => (going === undefined ? Effect.void : Effect.ignore(erase(going)))
          )
        ),
      (coming) => Effect.ignore(erase(coming))
    )

  const names = disk(async () => readdirSync(root).filter((name) => !name.includes(".")))
  return Volumes.of({ root, path, create, remove, bytes, replace, names })
})

export const layer = Layer.scoped(Volumes, make)
