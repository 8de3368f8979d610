/** What services print: one bounded file each, and what was before it, written by the substrate and read here. */
import { mkdirSync } from "node:fs"
import { type FileHandle, open, rm } from "node:fs/promises"
import { join, resolve } from "node:path"
import { Context, Effect, Layer, Stream } from "effect"
import type { ServiceId } from "../../events/Ids.js"
import { Database } from "../log/Database.js"
import { StoreUnavailable } from "./Blobs.js"

export class ServiceLogs extends Context.Tag("store/ServiceLogs")<
  ServiceLogs,
  {
    readonly path: (service: ServiceId) => string
    /** The last `bytes` of what there is; nothing when it has printed nothing. */
    readonly read: (service: ServiceId, bytes: number) => Effect.Effect<string, StoreUnavailable>
    /** What is printed from now on, in pieces of whole lines as far as there are line ends. Never ends by itself. */
    readonly follow: (service: ServiceId) => Stream.Stream<string, StoreUnavailable>
    readonly remove: (service: ServiceId) => Effect.Effect<void, StoreUnavailable>
  }
>() {}

const LOOK_EVERY = "200 millis"
const PIECE = 64 * 1024

const unavailable = (error: unknown) =>
  new StoreUnavailable({ reason: error instanceof Error ? error.message : String(error) })

const disk = <A>(body: () => Promise<A>): Effect.Effect<A, StoreUnavailable> =>
  Effect.tryPromise({ try: body, catch: unavailable })

const missing = (error: unknown): boolean => error instanceof Error && "code" in error && error.code === "ENOENT"

const withFile = async <A>(path: string, absent: A, body: (file: FileHandle) => Promise<A>): Promise<A> => {
  const file = await open(path, "r").catch((error: unknown) => {
    if (missing(error)) return undefined
    throw error
  })
  if (file === undefined) return absent
  return body(file).finally(() => file.close())
}

/** At most `bytes` of it from `position` on; fewer when it ends, or is cut meanwhile. */
const slice = async (file: FileHandle, position: number, bytes: number): Promise<Buffer> => {
  const buffer = Buffer.alloc(bytes)
  const { bytesRead } = await file.read(buffer, 0, bytes, position)
  return buffer.subarray(0, bytesRead)
}

const lastOf = (path: string, bytes: number): Promise<Buffer> =>
  withFile(path, Buffer.alloc(0), async (file) => {
    const { size } = await file.stat()
    const wanted = Math.min(size, bytes)
    return slice(file, size - wanted, wanted)
  })

/** Where a follower is: in which file, and how far. */
interface Place {
  readonly inode: number
  readonly position: number
}

const endOf = (path: string): Promise<Place> =>
  withFile(path, { inode: 0, position: 0 }, async (file) => {
    const { ino, size } = await file.stat()
    return { inode: ino, position: size }
  })

interface Read {
  readonly place: Place
  readonly bytes: Buffer
}

/** What came after `place`; when the file was put aside meanwhile, the rest of it comes first. */
const after = async (path: string, place: Place): Promise<Read> => {
  const found = await withFile<Read | undefined>(path, undefined, async (file) => {
    const { ino, size } = await file.stat()
    if (ino !== place.inode && place.inode !== 0) return undefined
    const position = size < place.position ? 0 : place.position
    const bytes = await slice(file, position, Math.min(PIECE, size - position))
    return { place: { inode: ino, position: position + bytes.length }, bytes }
  })
  if (found !== undefined) return found
  return withFile<Read>(`${path}.1`, { place: { inode: 0, position: 0 }, bytes: Buffer.alloc(0) }, async (file) => {
    const { ino, size } = await file.stat()
    // Put aside twice since we looked: what was between is gone.
    const known = ino === place.inode && size > place.position
    const bytes = known ? await slice(file, place.position, Math.min(PIECE, size - place.position)) : Buffer.alloc(0)
    const more = known && place.position + bytes.length < size
    return { place: more ? { inode: ino, position: place.position + bytes.length } : { inode: 0, position: 0 }, bytes }
  })
}

const follow = (path: string): Stream.Stream<string, StoreUnavailable> =>
  Stream.unwrap(
    Effect.map(
      disk(() => endOf(path)),
      (begin) => {
        const decoder = new TextDecoder()
        let place = begin
        const next = Effect.map(
          disk(() => after(path, place)),
          (read) => {
            place = read.place
            return decoder.decode(read.bytes, { stream: true })
          }
        )
        const step = Effect.flatMap(next, (text) =>
          text === "" ? Effect.delay(next, LOOK_EVERY) : Effect.succeed(text)
        )
        return Stream.filter(Stream.repeatEffect(step), (text) => text !== "")
      }
    )
  )

const make = Effect.gen(function* () {
  const { data } = yield* Database
  const root = join(resolve(data), "logs")
  yield* Effect.try({ try: () => mkdirSync(root, { recursive: true, mode: 0o700 }), catch: unavailable })
  const path = (service: ServiceId) => join(root, `${service}.log`)
  const read = async (service: ServiceId, bytes: number) => {
    const newest = await lastOf(path(service), bytes)
    const older = newest.length < bytes ? await lastOf(`${path(service)}.1`, bytes - newest.length) : Buffer.alloc(0)
    return Buffer.concat([older, newest]).toString()
  }
  const remove = async (service: ServiceId) => {
    await rm(path(service), { force: true })
    await rm(`${path(service)}.1`, { force: true })
  }
  return ServiceLogs.of({
    path,
    read: (service, bytes) => disk(() => read(service, bytes)),
    follow: (service) => follow(path(service)),
    remove: (service) => disk(() => remove(service))
  })
})

export const layer = Layer.effect(ServiceLogs, make)
