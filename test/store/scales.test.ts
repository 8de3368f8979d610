/** Volumes weighed by a process beside the server, and files without a name found in processes. */
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Effect } from "effect"
import { describe, expect } from "vitest"
import { ServiceId } from "../../events/Ids.js"
import { Disk } from "../../src/store/Disk.js"
import * as Scales from "../../src/store/Scales.js"
import * as Unseen from "../../src/store/Unseen.js"
import { Volumes } from "../../src/store/Volumes.js"
import { live } from "../support/it.js"
import { storage } from "../support/storage.js"

const MiB = 2 ** 20
const id = (n: number) => ServiceId.make(`unsb-service-${n.toString(16).padStart(16, "0")}`)

const filled = (n: number, files: number, bytes: number) =>
  Effect.gen(function* () {
    const directory = yield* (yield* Volumes).create(id(n))
    for (let file = 0; file < files; file++) writeFileSync(join(directory, `${file}`), Buffer.alloc(bytes, 1))
    return directory
  })

describe("the scales", () => {
  live("tell bytes and files of each that is asked for, whoever asks at the same time", () =>
    Effect.gen(function* () {
      const scales = yield* Scales.make(5)
      for (const n of [1, 2, 3]) yield* filled(n, n, n * MiB)
      const weights = yield* Effect.forEach([1, 2, 3], (n) => scales.weigh(id(n)), { concurrency: "unbounded" })
      expect(weights.map((weight) => weight?.files)).toEqual([2, 3, 4])
      for (const [at, weight] of weights.entries()) {
        const bytes = (at + 1) ** 2 * MiB
        expect(weight?.bytes).toBeGreaterThanOrEqual(bytes)
        expect(weight?.bytes).toBeLessThan(bytes + 64 * 1024)
      }
    }).pipe(Effect.scoped, Effect.provide(storage()))
  )

  live("do not guess: of what is not there, and of what takes too long, nothing is known; then they go on", () =>
    Effect.gen(function* () {
      const scales = yield* Scales.make(5)
      expect(yield* Effect.flip(scales.weigh(id(9)))).toMatchObject({ _tag: "StoreUnavailable" })
      yield* filled(1, 1, 4096)
      // Interrupted in the middle of an answer.
      yield* Effect.timeoutOption(scales.weigh(id(1)), "1 millis")
      yield* filled(2, 3, 4096)
      expect((yield* scales.weigh(id(2)))?.files).toBe(4)
      const hasty = yield* Scales.make(0.001)
      const directory = yield* filled(3, 1, 1)
      for (let n = 0; n < 3_000; n++) mkdirSync(join(directory, `d${n}`))
      expect(yield* hasty.weigh(id(3))).toBeUndefined()
      expect((yield* scales.weigh(id(3)))?.files).toBe(3_002)
    }).pipe(Effect.scoped, Effect.provide(storage()))
  )
})

describe("files without a name", () => {
  live("of processes on no volume are nobody's", () =>
    Effect.gen(function* () {
      const look = yield* Unseen.make
      expect([...(yield* look).keys()].filter((name) => name.startsWith("unsb-service-000"))).toEqual([])
    }).pipe(Effect.scoped, Effect.provide(storage()))
  )
})

describe("the disk", () => {
  live("says what is free, and keeps a twentieth or 2 GiB of it", () =>
    Effect.gen(function* () {
      const disk = yield* Disk
      const space = yield* disk.look
      expect(space.freeBytes).toBeGreaterThan(0)
      expect(space.freeBytes).toBeLessThanOrEqual(space.bytes)
      expect(disk.reserveBytes).toBe(Math.min(2 * 1024 * MiB, Math.floor(space.bytes / 20)))
      expect(disk.isShort({ ...space, freeBytes: disk.reserveBytes - 1 })).toBe(true)
      expect(disk.isShort({ ...space, freeFiles: 1, files: 1_000 })).toBe(true)
      expect(disk.isShort({ ...space, freeBytes: disk.reserveBytes, files: 0, freeFiles: 0 })).toBe(false)
    }).pipe(Effect.scoped, Effect.provide(storage()))
  )
})
