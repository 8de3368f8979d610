/** Clones of volumes on file systems of the test's own: a volume may go on at once, and its layer is none the wiser. */
import { execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import * as fs from "node:fs"
import { join } from "node:path"
import { Effect, Exit, Fiber, Layer, Schedule, Scope } from "effect"
import * as fc from "fast-check"
import { beforeAll, describe, expect, it, onTestFinished } from "vitest"
import * as Clones from "../../src/store/Clones.js"
import { Layers } from "../../src/store/Layers.js"
import { eventually } from "../support/eventually.js"
import { live } from "../support/it.js"
import * as Mounted from "../support/mounted.js"
import { directory, storageIn } from "../support/storage.js"
import { grow, mark, type Node, node } from "./trees.js"

beforeAll(Mounted.prepare, 240_000)

const SIZE = "600M"
const child = join(import.meta.dirname, "..", "support", "child.mjs")
const capturing = join(import.meta.dirname, "capturing.ts")

const below = (data: string, name: string) => fs.readdirSync(join(data, "layers", name))
const clones = (data: string) => below(data, "clones")

const volumeIn = (place: string): string => {
  const volume = join(place, "volume")
  for (const part of ["home", "srv", "tmp"]) fs.mkdirSync(join(volume, part), { recursive: true })
  return volume
}

const noise = (path: string, mebibytes: number) =>
  void execFileSync("dd", ["if=/dev/urandom", `of=${path}`, "bs=1M", `count=${mebibytes}`], { stdio: "ignore" })

/** Storage on a file system of that kind, with a volume beside it. */
const on = <A, E>(
  kind: typeof Mounted.xfs,
  body: (data: string, volume: string) => Effect.Effect<A, E, Layers | Scope.Scope>,
  options: Parameters<typeof storageIn>[2] = {}
) =>
  Effect.gen(function* () {
    const place = yield* Mounted.scoped(kind, SIZE)
    const data = join(place, "data")
    return yield* Effect.provide(Effect.scoped(body(data, volumeIn(place))), storageIn(data, [], options))
  })

const digestOf = (volume: string) =>
  Effect.scoped(
    Effect.map(
      Effect.flatMap(Layers, (layers) => layers.pack(volume)),
      ({ digest }) => digest
    )
  )

const spoil = (volume: string) => {
  execFileSync("find", [join(volume, "home"), "-mindepth", "1", "-delete"])
  fs.writeFileSync(join(volume, "home/late"), "late")
}

live("whether files can share blocks is found out by trying, and nothing of that is left", () =>
  Effect.gen(function* () {
    for (const [kind, able] of [
      [Mounted.xfs, true],
      [Mounted.tmpfs, false]
    ] as const) {
      const place = yield* Mounted.scoped(kind, SIZE)
      expect(yield* Clones.possible(place)).toBe(able)
      expect(fs.readdirSync(place)).toEqual([])
      expect(yield* Clones.possible(join(place, "nowhere"))).toBe(false)
    }
  })
)

/** A tree of any kind in a volume there. */
const planted = (volume: string, nodes: ReadonlyArray<Node>) =>
  Effect.map(directory, (aside) => {
    const tree = join(aside, "tree")
    fs.mkdirSync(tree)
    grow(Buffer.from(tree), nodes)
    mark(tree)
    execFileSync("rm", ["-rf", join(volume, "home")])
    execFileSync("cp", ["-a", "--", tree, join(volume, "home")])
    // A file with a name in each of two parts.
    fs.rmSync(join(volume, "srv/same"), { force: true })
    fs.writeFileSync(join(volume, "tmp/same"), "same")
    fs.linkSync(join(volume, "tmp/same"), join(volume, "srv/same"))
  }).pipe(Effect.scoped)

live("a layer of a clone is the volume's own, however that changes meanwhile", () =>
  on(Mounted.xfs, (data, volume) =>
    Effect.gen(function* () {
      const layers = yield* Layers
      const cycle = Effect.fnUntraced(function* (nodes: ReadonlyArray<Node>) {
        yield* planted(volume, nodes)
        const before = yield* digestOf(volume)
        const rest = yield* layers.capture(volume, false)
        expect(clones(data)).toHaveLength(1)
        spoil(volume)
        expect((yield* rest).digest).toBe(before)
        expect(yield* digestOf(volume)).not.toBe(before)
      }, Effect.scoped)
      const property = fc.asyncProperty(fc.array(node, { maxLength: 10 }), async (nodes) => {
        await Effect.runPromise(Effect.provideService(cycle(nodes), Layers, layers))
        expect([clones(data), below(data, "unfinished")]).toEqual([[], []])
      })
      const shown = { endOnFailure: true, includeErrorInReport: true }
      yield* Effect.promise(() => fc.assert(property, { ...shown, numRuns: 10, interruptAfterTimeLimit: 30_000 }))
    })
  )
)

live("it shares the volume's blocks", () =>
  on(Mounted.xfs, (data, volume) =>
    Effect.gen(function* () {
      noise(join(volume, "home/big"), 100)
      execFileSync("sync", ["-f", volume])
      const free = () => {
        const { bfree, bsize } = fs.statfsSync(volume)
        return bfree * bsize
      }
      const before = free()
      yield* (yield* Layers).capture(volume, false)
      execFileSync("sync", ["-f", volume])
      const [clone = ""] = clones(data)
      expect(fs.statSync(join(data, "layers/clones", clone, "home/big")).size).toBe(100 * 2 ** 20)
      expect(before - free()).toBeLessThan(10 * 2 ** 20)
    })
  )
)

live("where blocks cannot be shared the layer is made at once", () =>
  on(Mounted.tmpfs, (data, volume) =>
    Effect.gen(function* () {
      fs.writeFileSync(join(volume, "home/a"), "a")
      const before = yield* digestOf(volume)
      const rest = yield* (yield* Layers).capture(volume, false)
      expect(clones(data)).toEqual([])
      spoil(volume)
      expect((yield* rest).digest).toBe(before)
    })
  )
)

/** No path is too long from the volume on, and from the root on to a clone of it. */
const DEEPER = `import os, sys
os.chdir(sys.argv[1])
for _ in range(40):
    os.mkdir("d" * 100)
    os.chdir("d" * 100)
open("bottom", "w").write("x")`

describe("what cannot be cloned is packed where it is:", () => {
  live("a tree that is deeper than the path to a clone of it may be long", () =>
    on(Mounted.xfs, (data, volume) =>
      Effect.gen(function* () {
        yield* Effect.addFinalizer(() => Effect.sync(() => execFileSync("rm", ["-rf", join(volume, "home")])))
        execFileSync("python3", ["-c", DEEPER, join(volume, "home")])
        const before = yield* digestOf(volume)
        const rest = yield* (yield* Layers).capture(volume, false)
        expect(clones(data)).toEqual([])
        expect((yield* rest).digest).toBe(before)
      })
    )
  )

  live("a volume on another file system", () =>
    on(Mounted.xfs, (data) =>
      Effect.gen(function* () {
        const volume = volumeIn(yield* Mounted.scoped(Mounted.xfs, SIZE))
        fs.writeFileSync(join(volume, "home/a"), "a")
        yield* (yield* Layers).capture(volume, false)
        expect(clones(data)).toEqual([])
      })
    )
  )

  live("one that is written to meanwhile", () =>
    on(Mounted.xfs, (data, volume) =>
      Effect.gen(function* () {
        fs.writeFileSync(join(volume, "home/a"), "a")
        yield* (yield* Layers).capture(volume, true)
        expect(clones(data)).toEqual([])
      })
    )
  )
})

const whyOf = <A, E extends { readonly _tag: string }, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(effect), (error) => ("why" in error ? error.why : error._tag))

describe("nothing of a clone is left", () => {
  live("when its layer is refused", () =>
    on(
      Mounted.xfs,
      (data, volume) =>
        Effect.gen(function* () {
          noise(join(volume, "home/big"), 1)
          const layers = yield* Layers
          expect(yield* whyOf(Effect.scoped(Effect.flatten(layers.capture(volume, false))))).toBe("too-large")
          expect([clones(data), below(data, "unfinished")]).toEqual([[], []])
        }),
      { layerBytes: 500_000 }
    )
  )

  live("when the disk has no room beside its reserve", () =>
    on(
      Mounted.xfs,
      (data, volume) =>
        Effect.gen(function* () {
          fs.writeFileSync(join(volume, "home/a"), "a")
          expect(yield* whyOf(Effect.scoped((yield* Layers).capture(volume, false)))).toBe("no-room")
          expect(clones(data)).toEqual([])
        }),
      { diskReserveBytes: Number.MAX_SAFE_INTEGER }
    )
  )

  live("when it is given up, while it is made or later", () =>
    on(Mounted.xfs, (data, volume) =>
      Effect.gen(function* () {
        const layers = yield* Layers
        many(volume)
        noise(join(volume, "home/big"), 64)
        const seen = (look: () => number) =>
          Effect.repeat(Effect.sync(look), { while: (count) => count === 0, schedule: Schedule.spaced("1 millis") })
        for (const look of [() => clones(data).length, () => below(data, "unfinished").length]) {
          const taking = yield* Effect.fork(Effect.scoped(Effect.flatten(layers.capture(volume, false))))
          yield* seen(look)
          yield* Fiber.interrupt(taking)
          expect([clones(data), below(data, "unfinished")]).toEqual([[], []])
        }
      })
    )
  )

  const opened = async (data: string) => {
    const scope = Effect.runSync(Scope.make())
    onTestFinished(() => Effect.runPromise(Scope.close(scope, Exit.void)))
    await Effect.runPromise(Scope.extend(Layer.build(storageIn(data)), scope))
  }

  const commands = () =>
    fs.readdirSync("/proc").flatMap((pid) => {
      try {
        return [fs.readFileSync(`/proc/${pid}/cmdline`, "latin1")]
      } catch {
        // No process, or it ended while we looked.
        return []
      }
    })

  for (const when of ["while it is made", "later"])
    it(`at the next start when this one was killed, ${when}`, async () => {
      const { at, release } = Mounted.xfs(SIZE)
      onTestFinished(release)
      const [data, volume] = [join(at, "data"), volumeIn(at)]
      many(volume)
      const taking = spawn("node", [child, capturing, data, volume], { stdio: ["ignore", "pipe", "inherit"] })
      onTestFinished(() => void taking.kill("SIGKILL"))
      if (when === "later") await once(taking.stdout, "data")
      else
        await eventually("it is made", () => fs.existsSync(join(data, "layers/clones")) && clones(data).some(isClone))
      taking.kill("SIGKILL")
      await once(taking, "exit")
      await eventually("nobody goes on with it", () => !commands().some((one) => one.includes(join(data, "layers"))))
      expect(clones(data).filter(isClone)).toHaveLength(1)
      await opened(data)
      await eventually("it is gone", () => clones(data).length === 0)
      expect(fs.readdirSync(join(volume, "home"))).toHaveLength(FILES)
    })
})

const FILES = 3_000
const many = (volume: string) => {
  for (let n = 0; n < FILES; n += 1) fs.writeFileSync(join(volume, "home", `${n}`), `${n}`)
}
const isClone = (name: string) => !name.startsWith(".")
