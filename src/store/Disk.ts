/** The file system under the data directory: what is free of it, and what of that is nobody's to take (port and implementation). */
import { statfs } from "node:fs/promises"
import { Context, Effect, Layer } from "effect"
import { Database } from "../log/Database.js"
import { StoreUnavailable } from "./Blobs.js"

export interface Space {
  readonly bytes: number
  readonly freeBytes: number
  /** 0 where the file system does not count files. */
  readonly files: number
  readonly freeFiles: number
}

interface Options {
  /** Bytes that only the log and its like may take; null: the usual. */
  readonly diskReserveBytes: number | null
}

export class Disk extends Context.Tag("store/Disk")<
  Disk,
  {
    /** Looks now: one system call. */
    readonly look: Effect.Effect<Space, StoreUnavailable>
    readonly reserveBytes: number
    readonly isShort: (space: Space) => boolean
  }
>() {}

const MOST_RESERVE = 2 * 2 ** 30
const PART_RESERVE = 0.05
/** Of the files that the file system can have. */
const FILES_RESERVE = 0.02
/** Of a file system that does not answer, nothing is known. */
const WITHIN = "5 seconds"

/** 2 GiB, or a twentieth of a smaller disk. */
export const usualReserve = ({ bytes }: Pick<Space, "bytes">): number =>
  Math.min(MOST_RESERVE, Math.floor(bytes * PART_RESERVE))

export const spaceOf = (path: string): Effect.Effect<Space, StoreUnavailable> =>
  Effect.tryPromise({
    try: async () => {
      const { bavail, bfree, blocks, bsize, ffree, files } = await statfs(path)
      // What is kept for root is not the tenants' either: they are never root outside.
      return { bytes: (blocks - bfree + bavail) * bsize, freeBytes: bavail * bsize, files, freeFiles: ffree }
    },
    catch: (error) => new StoreUnavailable({ reason: error instanceof Error ? error.message : String(error) })
  }).pipe(
    Effect.timeoutFail({
      duration: WITHIN,
      onTimeout: () => new StoreUnavailable({ reason: "the file system does not say what is free" })
    })
  )

const make = ({ diskReserveBytes }: Options) =>
  Effect.gen(function* () {
    const { data } = yield* Database
    const look = spaceOf(data)
    const reserveBytes = diskReserveBytes ?? usualReserve(yield* look)
    const isShort = ({ files, freeBytes, freeFiles }: Space) =>
      freeBytes < reserveBytes || (reserveBytes > 0 && freeFiles < files * FILES_RESERVE)
    return Disk.of({ look, reserveBytes, isShort })
  })

export const layer = (options: Options) => Layer.effect(Disk, make(options))
