/** Layers against real trees and a real disk: nothing of a volume is lost, and nothing half-done is ever seen. */
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import { join, sep } from "node:path"
import { Effect, Fiber, Schedule, TestClock } from "effect"
import * as fc from "fast-check"
import { expect } from "vitest"
import { type Digest, ServiceId } from "../../events/Ids.js"
import { Layers } from "../../src/store/Layers.js"
import { Volumes } from "../../src/store/Volumes.js"
import { effect, live } from "../support/it.js"
import { directory, storageIn } from "../support/storage.js"
import { census, deep, dig, grow, mark, type Node, node } from "./trees.js"

const id = ServiceId.make(`unsb-service-${"0".repeat(16)}`)
const parts = ["home", "srv", "tmp"]

interface Trees {
  readonly home: ReadonlyArray<Node>
  readonly tmp: ReadonlyArray<Node>
}

const volume = (path: string, { home, tmp }: Trees): void => {
  for (const part of parts) fs.mkdirSync(join(path, part), { recursive: true })
  grow(Buffer.from(join(path, "home")), home)
  grow(Buffer.from(join(path, "tmp")), tmp)
}

/** All files of the store of layers, half-written ones too. */
const stored = (data: string): ReadonlyArray<string> =>
  fs
    .readdirSync(join(data, "layers"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))

const store = Effect.all({ layers: Layers, volumes: Volumes })

/** The root's own times and mode are the server's business. */
const content = (path: string) => census(path).slice(1)

const cycle = (path: string) =>
  Effect.gen(function* () {
    const { layers, volumes } = yield* store
    const before = content(path)
    const first = yield* layers.pack(path)
    yield* volumes.replace(id, (fresh) => layers.unpack(first.digest, fresh))
    expect(content(volumes.path(id))).toEqual(before)
    for (const _ of [1, 2]) {
      const again = yield* layers.pack(volumes.path(id))
      expect(again.digest).toBe(first.digest)
      yield* volumes.replace(id, (fresh) => layers.unpack(again.digest, fresh))
    }
    expect(content(volumes.path(id))).toEqual(before)
  }).pipe(Effect.scoped)

const withStore = <A, E>(
  body: (data: string, volume: string) => Effect.Effect<A, E, Layers | Volumes>,
  options: Parameters<typeof storageIn>[2] = {}
) =>
  Effect.gen(function* () {
    const scratch = yield* directory
    const [data, path] = [join(scratch, "data"), join(scratch, "volume")]
    for (const part of parts) fs.mkdirSync(join(path, part), { recursive: true })
    return yield* Effect.provide(body(data, path), storageIn(data, [], options))
  })

const whyOf = <A, E extends { readonly _tag: string }, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(effect), (error) => ("why" in error ? error.why : error._tag))

live(
  "a volume of any kind comes back as it was, cycle after cycle",
  () =>
    withStore((_, scratch) =>
      Effect.gen(function* () {
        const runtime = yield* Effect.runtime<Layers | Volumes>()
        const property = fc.asyncProperty(
          fc.record({ home: fc.array(node, { maxLength: 8 }), tmp: fc.array(node, { maxLength: 3 }) }),
          async (trees) => {
            const path = fs.mkdtempSync(join(scratch, "tree-"))
            volume(path, trees)
            mark(path)
            await Effect.runPromise(Effect.provide(cycle(path), runtime))
            execFileSync("rm", ["-rf", "--", path])
          }
        )
        const shown = { endOnFailure: true, includeErrorInReport: true }
        yield* Effect.promise(() => fc.assert(property, { ...shown, numRuns: 12, interruptAfterTimeLimit: 60_000 }))
      })
    ),
  90_000
)

live("the same content is kept once, and read whatever its bounds are now", () =>
  withStore((data, path) =>
    Effect.gen(function* () {
      const { layers } = yield* store
      fs.writeFileSync(join(path, "home/a"), "a")
      const one = yield* layers.pack(path)
      expect(yield* layers.pack(path)).toEqual(one)
      expect(stored(data)).toHaveLength(1)
      const { bytes, path: file } = yield* layers.stored(one.digest)
      expect([file, bytes]).toEqual([stored(data)[0], one.stored])
    }).pipe(Effect.scoped)
  )
)

live("sockets are left out, and devices are refused with nothing left behind", () =>
  withStore((data, path) =>
    Effect.gen(function* () {
      const { layers, volumes } = yield* store
      execFileSync("python3", ["-c", `import socket; socket.socket(socket.AF_UNIX).bind("${path}/tmp/s")`])
      const { digest } = yield* layers.pack(path)
      yield* volumes.replace(id, (fresh) => layers.unpack(digest, fresh))
      expect(fs.readdirSync(join(volumes.path(id), "tmp"))).toEqual([])
      execFileSync("mknod", [join(path, "home/null"), "c", "1", "3"])
      expect(yield* whyOf(layers.pack(path))).toBe("unfit")
      expect(stored(data)).toHaveLength(1)
    }).pipe(Effect.scoped)
  )
)

/** Deeper than what removes by names can. */
const removed = (...of: ReadonlyArray<string>) => Effect.sync(() => execFileSync("rm", ["-rf", "--", ...of]))

const paths = { file: 4_095, directory: 4_095, sparse: 4_095, linked: 4_095, attributed: 4_079 } as const

for (const kind of ["file", "directory", "sparse", "linked", "attributed"] as const)
  for (const part of kind === "file" ? ["home", "srv"] : ["home"])
    live(`${kind} in ${part} at the longest path comes back, and what is beyond that is refused when it is taken`, () =>
      withStore((data, path) =>
        Effect.gen(function* () {
          const { layers, volumes } = yield* store
          dig(path + sep + part, paths[kind] - part.length - 1, kind)
          const { digest } = yield* layers.pack(path)
          yield* volumes.replace(id, (fresh) => layers.unpack(digest, fresh))
          expect(deep(volumes.path(id))).toEqual(deep(path))
          dig(path + sep + part, paths[kind] - part.length, kind)
          expect(yield* Effect.flip(layers.pack(path))).toMatchObject({
            why: "unfit",
            message: expect.stringMatching(/too long: "(home\/sandbox|srv)\/d{27,}…f{40}", 4\d{3} bytes/)
          })
          expect(stored(data)).toHaveLength(1)
        }).pipe(Effect.ensuring(removed(path, join(data, "volumes"))), Effect.scoped)
      )
    )

live("what changes the user is not kept", () =>
  withStore((_, path) =>
    Effect.gen(function* () {
      const { layers, volumes } = yield* store
      fs.writeFileSync(join(path, "home/sh"), "#!/bin/sh")
      fs.chmodSync(join(path, "home/sh"), 0o6755)
      const { digest } = yield* layers.pack(path)
      yield* volumes.replace(id, (fresh) => layers.unpack(digest, fresh))
      expect(fs.statSync(join(volumes.path(id), "home/sh")).mode & 0o7777).toBe(0o755)
    }).pipe(Effect.scoped)
  )
)

live("bytes and files have their bounds", () =>
  withStore(
    (data, path) =>
      Effect.gen(function* () {
        const { layers } = yield* store
        fs.writeFileSync(join(path, "home/big"), Buffer.alloc(300_000))
        expect(yield* whyOf(layers.pack(path))).toBe("too-large")
        fs.truncateSync(join(path, "home/big"), 0)
        for (let n = 0; n < 30; n++) fs.writeFileSync(join(path, `home/${n}`), "")
        expect(yield* whyOf(layers.pack(path))).toBe("too-large")
        expect(stored(data)).toEqual([])
      }).pipe(Effect.scoped),
    { layerBytes: 200_000, layerFiles: 30 }
  )
)

live("a disk at its reserve takes no layer and gives none", () =>
  withStore(
    (data, path) =>
      Effect.gen(function* () {
        const { layers } = yield* store
        expect(yield* whyOf(layers.pack(path))).toBe("no-room")
        expect(stored(data)).toEqual([])
      }).pipe(Effect.scoped),
    { diskReserveBytes: Number.MAX_SAFE_INTEGER }
  )
)

live("a damaged layer, a cut one and one that is not there change nothing", () =>
  withStore((data, path) =>
    Effect.gen(function* () {
      const { layers, volumes } = yield* store
      fs.writeFileSync(join(path, "home/a"), "first")
      const one = yield* layers.pack(path)
      yield* volumes.replace(id, (fresh) => layers.unpack(one.digest, fresh))
      fs.writeFileSync(join(path, "home/a"), "second")
      const other = yield* layers.pack(path)
      const before = content(volumes.path(id))
      const file = (yield* layers.stored(other.digest)).path
      const restored = volumes.replace(id, (fresh) => layers.unpack(other.digest, fresh))

      fs.copyFileSync((yield* layers.stored(one.digest)).path, file)
      expect(yield* whyOf(restored)).toBe("damaged")
      fs.truncateSync(file, 100)
      expect(yield* whyOf(restored)).toBe("damaged")
      fs.writeFileSync(file, "no gzip")
      expect(yield* whyOf(restored)).toBe("damaged")
      fs.rmSync(file)
      expect(yield* whyOf(restored)).toBe("missing")
      expect(content(volumes.path(id))).toEqual(before)
      expect(fs.readdirSync(join(data, "volumes"))).toEqual([id])
      // Made once more, it is whole again.
      yield* layers.pack(path)
      yield* restored
      expect(fs.readFileSync(join(volumes.path(id), "home/a"), "utf8")).toBe("second")
    }).pipe(Effect.scoped)
  )
)

live("given up in the middle, nothing of it is seen", () =>
  withStore((data, path) =>
    Effect.gen(function* () {
      const { layers } = yield* store
      execFileSync("dd", ["if=/dev/urandom", `of=${path}/home/noise`, "bs=1M", "count=64"], { stdio: "ignore" })
      const packing = yield* Effect.fork(Effect.scoped(layers.pack(path)))
      yield* Effect.repeat(
        Effect.sync(() => stored(data).length),
        { while: (seen) => seen === 0, schedule: Schedule.spaced("2 millis") }
      )
      yield* Fiber.interrupt(packing)
      expect(stored(data)).toEqual([])
    })
  )
)

live("what a crash left half-done is gone, or whole, at the next start", () =>
  Effect.gen(function* () {
    const data = yield* directory
    const made = (...path: ReadonlyArray<string>) => fs.mkdirSync(join(data, ...path), { recursive: true })
    made("layers", "unfinished")
    fs.writeFileSync(join(data, "layers/unfinished/half"), "x")
    const other = id.replace(/.$/, "1")
    // Killed between the two renames of a replacement, after both, and in the middle of a removal.
    made("volumes", `${id}.going-1`, "home")
    made("volumes", `${id}.coming-2`, "half")
    made("volumes", other, "home", "new")
    made("volumes", `${other}.going-3`, "home", "old")
    made("volumes", `${id.replace(/.$/, "2")}.going-4`, "home")
    const names = yield* Effect.provide(
      Effect.gen(function* () {
        const { volumes } = yield* store
        const left = Effect.sync(() => fs.readdirSync(join(data, "volumes")).sort())
        yield* Effect.repeat(left, { while: (names) => names.length > 2 })
        return yield* volumes.names
      }),
      storageIn(data)
    )
    expect([...names].sort()).toEqual([id, other])
    expect(fs.readdirSync(join(data, "volumes", id))).toEqual(["home"])
    expect(fs.readdirSync(join(data, "volumes", other, "home"))).toEqual(["new"])
    expect(stored(data)).toEqual([])
  })
)

const later = TestClock.adjust("11 minutes")

effect("a layer goes when nobody has needed it for a while, never on uncertainty, never while it is held", () =>
  withStore((data, path) =>
    Effect.gen(function* () {
      const { layers } = yield* store
      const needed = (answer: boolean) => (_: Digest) => Effect.succeed(answer)
      const { digest } = yield* Effect.scoped(layers.pack(path))
      expect(yield* layers.sweep(needed(false))).toBe(0)
      yield* later
      expect(yield* layers.sweep(() => Effect.fail("the log cannot be read"))).toBe(0)
      yield* later
      expect(yield* layers.sweep(needed(true))).toBe(0)
      yield* later
      expect(yield* layers.sweep(needed(false))).toBe(0)
      yield* later
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* layers.retain(digest)
          expect(yield* layers.sweep(needed(false))).toBe(0)
        })
      )
      expect(yield* layers.sweep(needed(false))).toBe(0)
      expect(stored(data)).toHaveLength(1)
      yield* later
      expect(yield* layers.sweep(needed(false))).toBe(1)
      expect(stored(data)).toEqual([])
    })
  )
)
