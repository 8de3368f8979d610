/** OCI image layouts in and out: foreign ones are judged, put in place as our own tar does, and packed as any volume is. */
import { randomBytes } from "node:crypto"
import { mkdir, open, statfs } from "node:fs/promises"
import { join } from "node:path"
import { Effect, Layer as EffectLayer, Schedule, Stream } from "effect"
import { Database } from "../log/Database.js"
import { ArchiveRefused, Archives, type Described, type Sending } from "./Archives.js"
import { StoreUnavailable } from "./Blobs.js"
import * as Disk from "./Disk.js"
import { type Layer, LayerRefused, Layers } from "./Layers.js"
import * as Oci from "./Oci.js"
import * as OciReceiving from "./OciReceiving.js"
import * as OciUnpacking from "./OciUnpacking.js"
import * as OciWriting from "./OciWriting.js"
import * as Tar from "./Tar.js"
import * as Tool from "./Tool.js"

interface Options {
  readonly layerBytes?: number
  readonly layerFiles?: number
  readonly diskReserveBytes?: number | null
}

const usual = { layerBytes: 10 * 2 ** 30, layerFiles: 1_000_000 } as const
const WITHIN = "30 minutes"

const noRoom = new LayerRefused({ why: "no-room", message: "The disk of this server has no room for it." })
const late = new LayerRefused({ why: "busy", message: `It could not be read within ${WITHIN}.` })

/** What came in over hours is not sent away because others are packing just then. */
const patiently = Schedule.spaced("5 seconds")

const failed = (error: unknown): ArchiveRefused | LayerRefused | StoreUnavailable => {
  if (error instanceof ArchiveRefused || error instanceof LayerRefused) return error
  const code = error instanceof Error && "code" in error ? error.code : ""
  if (code === "ENOSPC" || code === "EDQUOT") return noRoom
  return new StoreUnavailable({ reason: error instanceof Error ? error.message : String(error) })
}
const unavailable = (error: unknown) =>
  new StoreUnavailable({ reason: error instanceof Error ? error.message : String(error) })

const make = Effect.fnUntraced(function* (options: Options) {
  const { layerBytes, layerFiles } = { ...usual, ...options }
  const { data } = yield* Database
  const diskReserveBytes = options.diskReserveBytes ?? Disk.usualReserve(yield* Disk.spaceOf(data))
  const layers = yield* Layers
  const unfinished = join(data, "layers", "unfinished")

  const left = async () => {
    const { bavail, bsize } = await statfs(unfinished)
    if (bavail * bsize < diskReserveBytes) throw noRoom
  }

  const streaming = <A>(body: (signal: AbortSignal) => Promise<A>) => Effect.tryPromise({ try: body, catch: failed })

  /** Nobody else can reach it, and what a crash leaves of it goes at the next start. */
  const scratch = Effect.acquireRelease(
    streaming(async () => {
      const path = join(unfinished, randomBytes(16).toString("hex"))
      for (const part of ["blobs", "tree"]) await mkdir(join(path, part), { recursive: true, mode: 0o700 })
      return path
    }),
    (path) => Effect.ignore(Tool.run(["rm", "-rf", "--", path], "10 minutes"))
  )

  const unpacked = Effect.fnUntraced(function* (received: OciReceiving.Received, tree: string, partial: boolean) {
    const tar = yield* Tool.start(Tar.unpack(tree))
    const unpacking = { bounds: { bytes: layerBytes, files: layerFiles }, left, partial }
    const skipped = yield* streaming((signal) => OciUnpacking.unpack(received, tar, unpacking, signal))
    const { code, said } = yield* Effect.promise(() => tar.ended)
    if (code === 0) return skipped
    const message = "The image holds something that cannot be put in place."
    return yield* Effect.zipRight(
      Effect.logWarning("an image could not be unpacked", said),
      new ArchiveRefused({ code: "archive_unfit", message })
    )
  }, Effect.scoped)

  const packed = (received: OciReceiving.Received, tree: string, partial: boolean) =>
    Effect.gen(function* () {
      yield* Effect.retry(layers.turn(true), { while: ({ why }) => why === "busy", schedule: patiently })
      const skipped = yield* unpacked(received, tree, partial)
      return { layer: yield* layers.pack(tree), skipped }
    }).pipe(Effect.timeoutFail({ duration: WITHIN, onTimeout: () => late }))

  const read = Effect.fnUntraced(function* (sending: Sending, partial: boolean) {
    const directory = yield* scratch
    const [blobs, tree] = [join(directory, "blobs"), join(directory, "tree")]
    // Without a turn: a slow line would have it for as long as its sender likes.
    const received = yield* streaming((signal) =>
      OciReceiving.receive(sending, blobs, { bytes: layerBytes, left }, signal)
    )
    return yield* packed(received, tree, partial)
  })

  const write = Effect.fnUntraced(function* (layer: Layer, about: Described) {
    const stored = yield* layers.stored(layer.digest)
    const { documents, layerPath } = Oci.documents(layer, stored, about)
    const opened = Effect.acquireRelease(
      Effect.tryPromise({ try: () => open(stored.path, "r"), catch: unavailable }),
      (file) => Effect.promise(() => file.close())
    )
    const content = Effect.gen(function* () {
      yield* layers.retain(layer.digest)
      const [layerBytes, mtime] = [stored.bytes, new Date(about.createdMillis)]
      const parts = { documents, layerPath, layerBytes, layer: yield* opened, mtime }
      return Stream.fromAsyncIterable(OciWriting.stream(parts), unavailable)
    })
    return { bytes: OciWriting.bytesOf(documents, stored.bytes), content: Stream.unwrapScoped(content) }
  })

  return Archives.of({ read, write })
})

export const layer = (options: Options = {}) => EffectLayer.effect(Archives, make(options))
