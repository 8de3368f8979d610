/** Layers as files below the data directory, made and unpacked by GNU tar on the host. */
import { join } from "node:path"
import { Clock, Effect, Layer as EffectLayer, ExecutionStrategy, Exit, Option, Scope } from "effect"
import type { Digest } from "../../events/Ids.js"
import { Database } from "../log/Database.js"
import * as Clones from "./Clones.js"
import * as Disk from "./Disk.js"
import { Holds } from "./Holds.js"
import * as LayerFaults from "./LayerFaults.js"
import * as LayerFiles from "./LayerFiles.js"
import * as LayerFlow from "./LayerFlow.js"
import { Layers } from "./Layers.js"
import * as Tar from "./Tar.js"
import * as Tool from "./Tool.js"
import * as Turns from "./Turns.js"

export interface Options {
  /** Of one layer, uncompressed. */
  readonly layerBytes?: number
  readonly layerFiles?: number
  /** Bytes of the disk that no layer takes. */
  readonly diskReserveBytes?: number | null
}

const usual = { layerBytes: 10 * 2 ** 30, layerFiles: 1_000_000 } as const

const turns = { atOnce: 2, waiting: 64 } as const

const streaming = <A>(body: (signal: AbortSignal) => Promise<A>) =>
  Effect.tryPromise({ try: body, catch: LayerFaults.of })

const disk = <A>(body: () => Promise<A>) =>
  Effect.uninterruptible(Effect.tryPromise({ try: body, catch: LayerFaults.of }))

/** What it acquired stays until the scope closes, unless it fails: then it goes at once. */
const orGone = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.scopeWith((until) =>
    Effect.flatMap(Scope.fork(until, ExecutionStrategy.sequential), (own) =>
      Effect.onError(Scope.extend(effect, own), (cause) => Scope.close(own, Exit.failCause(cause)))
    )
  )

const make = Effect.fnUntraced(function* (options: Options) {
  const { layerBytes, layerFiles } = { ...usual, ...options }
  const { data } = yield* Database
  const diskReserveBytes = options.diskReserveBytes ?? Disk.usualReserve(yield* Disk.spaceOf(data))
  const files = yield* Effect.try({ try: () => LayerFiles.make(data), catch: LayerFaults.unavailable })
  const holds = new Holds()
  const clones = yield* Effect.mapError(Clones.make(data), LayerFaults.unavailable)
  const turn = yield* Turns.make(turns)
  const unpacking = yield* Turns.make(turns)
  // Between a sweep's look and its removal nobody begins to use the layer.
  const gate = yield* Effect.makeSemaphore(1)

  const left = async () => {
    if ((await files.free()) < diskReserveBytes) throw LayerFaults.noRoom
  }
  const room: LayerFlow.Room = { bounds: { bytes: layerBytes, files: layerFiles, unpacked: Tar.unpacked }, left }
  /** What was kept once is given back whatever the bounds are now. */
  const anyRoom: LayerFlow.Room = {
    ...room,
    bounds: { bytes: Number.MAX_SAFE_INTEGER, files: Number.MAX_SAFE_INTEGER }
  }

  const unfinished = Effect.acquireRelease(disk(files.begin), (one) => Effect.promise(() => files.abandon(one)))

  const written = Effect.fnUntraced(function* (directory: string, changing: boolean, { file }: LayerFiles.Unfinished) {
    const tar = yield* Tool.start(Tar.pack(directory, yield* disk(() => files.present(directory, Tar.parts))))
    tar.stdin.end()
    const layer = yield* streaming((signal) => LayerFlow.write(tar, file, room, signal))
    const { code, said } = yield* Effect.promise(() => tar.ended)
    // 1: files were not the same before and after; who allows that gets what was read.
    if (code === 1 && !changing) return yield* LayerFaults.changed(said)
    return code === 0 || code === 1 ? layer : yield* LayerFaults.unreadable(said)
  }, Effect.scoped)

  /** Held from the moment that it can be found. */
  const named = (file: LayerFiles.Unfinished, digest: Digest, until: Scope.Scope) =>
    gate.withPermits(1)(
      Effect.zipRight(
        Scope.extend(holds.hold(digest), until),
        disk(() => files.finish(file, digest))
      )
    )

  const within = Effect.timeoutFail({ duration: LayerFaults.WITHIN, onTimeout: LayerFaults.late })

  /** Resolves when all of it has been read. */
  const packed = Effect.fnUntraced(function* (directory: string, changing: boolean) {
    const file = yield* unfinished
    const layer = yield* within(written(directory, changing, file))
    return Effect.scopeWith((until) => Effect.as(named(file, layer.digest, until), layer))
  }, orGone)

  const pack = (directory: string) => Effect.flatten(packed(directory, false))

  const capture = Effect.fnUntraced(function* (directory: string, changing: boolean) {
    // tar walks by handles, and is not led astray by those who write meanwhile; what clones is.
    if (changing) return yield* packed(directory, true)
    const parts = yield* disk(() => files.present(directory, Tar.parts))
    const clone = yield* clones.take(
      directory,
      parts,
      Effect.orElseFail(streaming(left), () => LayerFaults.noRoom)
    )
    return yield* Option.match(clone, {
      onNone: () => packed(directory, false),
      onSome: (it) => Effect.succeed(pack(it))
    })
  })

  const extracted = Effect.fnUntraced(function* (digest: Digest, directory: string) {
    yield* unpacking
    yield* holds.hold(digest)
    const tar = yield* Tool.start(Tar.unpack(directory))
    const found = yield* streaming((signal) => LayerFlow.read(files.pathOf(digest), tar, anyRoom, signal))
    const { code, said } = yield* Effect.promise(() => tar.ended)
    if (found !== digest) return yield* LayerFaults.damaged(`it is ${found}`)
    if (code !== 0) return yield* LayerFaults.unreadable(said)
    const given = yield* disk(() => files.present(directory, Tar.parts))
    const give = Tar.give(given.map((part) => join(directory, part)))
    if (give !== undefined) yield* Effect.mapError(Tool.run(give, LayerFaults.WITHIN), LayerFaults.unavailable)
    yield* Effect.mapError(Tool.run(["sync", "-f", directory], "2 minutes"), LayerFaults.unavailable)
  }, Effect.scoped)

  const unpack = (digest: Digest, directory: string) =>
    Effect.timeoutFail(extracted(digest, directory), { duration: LayerFaults.WITHIN, onTimeout: LayerFaults.late })

  const sweepOne = <E, R>(digest: Digest, referenced: (digest: Digest) => Effect.Effect<boolean, E, R>) =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      if (holds.isHeld(digest)) return 0
      if (yield* Effect.orElseSucceed(referenced(digest), () => true)) holds.used(digest)
      else if (holds.free(digest, now)) {
        yield* disk(() => files.remove(digest))
        holds.forget(digest)
        return 1
      }
      return 0
    }).pipe(
      gate.withPermits(1),
      Effect.catchTag("LayerRefused", (error) => LayerFaults.unavailable(error))
    )

  const sweep = Effect.fnUntraced(function* <E, R>(referenced: (digest: Digest) => Effect.Effect<boolean, E, R>) {
    let gone = 0
    for (const digest of yield* Effect.try({ try: files.all, catch: LayerFaults.unavailable }))
      gone += yield* sweepOne(digest, referenced)
    return gone
  })

  return Layers.of({
    turn: (changing) => (changing ? turn : Effect.zipRight(turn, clones.ready)),
    pack,
    capture,
    unpack,
    retain: (digest) => gate.withPermits(1)(holds.hold(digest)),
    stored: (digest) => streaming((signal) => LayerFlow.digestOfFile(files.pathOf(digest), signal)),
    sweep
  })
})

export const layer = (options: Options = {}) => EffectLayer.scoped(Layers, make(options))
