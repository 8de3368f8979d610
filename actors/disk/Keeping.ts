/**
 * The keeper of the disk: no volume becomes larger than it may be, and the disk never so full that the log has no room.
 * What is too much is frozen where it is, and its owner told why; nothing is ever deleted.
 */
import { Effect, Either, FiberMap, type Scope } from "effect"
import type { Hold } from "../../events/Hold.js"
import { Disk } from "../../src/store/Disk.js"
import * as Scales from "../../src/store/Scales.js"
import * as Unseen from "../../src/store/Unseen.js"
import type { VolumeId, Volumes } from "../../src/store/Volumes.js"
import * as Monotonic from "../Monotonic.js"
import * as Admitting from "./Admitting.js"
import { Book, type Lane, type Weighed } from "./Book.js"
import { Graces } from "./Graces.js"
import { Level } from "./Level.js"
import * as Words from "./Words.js"

interface Options {
  /** What the files of one session or service may take. */
  readonly volumeBytes: number
}

/** Where programs run that write to volumes. */
export interface Places {
  readonly running: Effect.Effect<ReadonlyArray<VolumeId>>
  /** Resolves when it is frozen and the log knows. */
  readonly hold: (id: VolumeId, hold: Hold) => Effect.Effect<void, unknown>
}

export interface Keeper extends Admitting.Admitting {
  readonly run: (places: Places) => Effect.Effect<void>
}

const LOOK = "1 second"
const IDLE = 250
/** Between two looks at the same lane, a part of what the last one took. */
const PAUSE = { times: 4, most: 500 }
const UNSEEN = { usual: 30_000, tight: 3_000, times: 20 }
/** Seconds for each count of a volume. */
const COUNT: { readonly [lane in Lane]: number } = { quick: 3, slow: 60 }
/** So often at a stretch it was not counted: then nobody knows what it takes. */
const MISSES = 4
/** The part of what the disk loses that must be theirs before one of them is stopped for it. */
const TENANTS = 1 / 8

export const make = ({ volumeBytes: limit }: Options): Effect.Effect<Keeper, never, Disk | Volumes | Scope.Scope> =>
  Effect.gen(function* () {
    const disk = yield* Disk
    const scales = { quick: yield* Scales.make(COUNT.quick), slow: yield* Scales.make(COUNT.slow) }
    const unseen = yield* Unseen.make
    const holding = yield* FiberMap.make<VolumeId>()
    const graces = new Graces(limit)
    const book = new Book(limit)
    const level = new Level(disk)

    const freeze = ({ hold }: Places, id: VolumeId, cause: Hold["cause"], reason: string) => {
      const told = Effect.catchAll(hold(id, { cause, reason }), (error) => Effect.logDebug(`${id} was not held`, error))
      return Effect.asVoid(FiberMap.run(holding, id, told, { onlyIfMissing: true }))
    }

    const tooLarge = (places: Places, id: VolumeId, now: number, reason: string) =>
      Effect.suspend(() => {
        graces.froze(id, now)
        return freeze(places, id, "disk", reason)
      })

    const judged = (places: Places, { bytes, first, id }: Weighed, now: number) => {
      if (graces.isBroken(id, bytes, now)) return tooLarge(places, id, now, Words.grew(bytes, limit))
      if (bytes <= limit) return Effect.sync(() => graces.fits(id, now))
      if (graces.has(id, now) || (first && graces.begin(id, bytes, now))) return Effect.void
      return tooLarge(places, id, now, Words.over(bytes, limit))
    }

    const weighed = (places: Places, lane: Lane, id: VolumeId) =>
      Effect.gen(function* () {
        const from = yield* Monotonic.millis
        const weighing = yield* Effect.either(scales[lane].weigh(id))
        const now = yield* Monotonic.millis
        const cost = now - from
        if (Either.isRight(weighing) && weighing.right !== undefined) {
          const found = book.weighed(id, weighing.right, now, cost)
          if (found !== undefined) yield* judged(places, found, now)
        } else {
          const late = Either.isRight(weighing)
          const missed = book.missed(id, now, cost, late)
          if (missed >= MISSES) yield* tooLarge(places, id, now, Words.uncounted)
          // One that was removed meanwhile is none of its business any more.
          if (!late && missed >= 0) yield* Effect.logWarning(`${id} could not be weighed`, weighing.left.reason)
        }
        yield* Effect.sleep(Math.min(PAUSE.most, PAUSE.times * cost))
      })

    const weighing = (places: Places, lane: Lane) =>
      Effect.flatMap(Monotonic.millis, (now) => {
        const watched = (id: VolumeId) => graces.has(id, now)
        const id = book.next(lane, { now, tight: level.isTight, watched })
        return id === undefined ? Effect.sleep(IDLE) : weighed(places, lane, id)
      })

    const relieve = (places: Places, now: number, rate: number) => {
      const grown = book.fastest(now, (id) => FiberMap.unsafeHas(holding, id))
      // Where others write, stopping tenants would not help, and would hit the wrong ones.
      if (grown === undefined || grown.all < rate * TENANTS)
        return Effect.logWarning("the disk is short and becomes shorter, and it is not the sessions and services")
      return freeze(places, grown.id, "disk-reserve", Words.short(grown.bytes))
    }

    const looking = (places: Places) =>
      Effect.gen(function* () {
        const now = yield* Monotonic.millis
        book.lost(level.look(yield* disk.look, now))
        book.follow(yield* places.running)
        graces.forget(now)
        const rate = level.sinking(now)
        if (rate > 0) yield* relieve(places, now, rate)
      })

    const searching = Effect.gen(function* () {
      const from = yield* Monotonic.millis
      book.sees(yield* unseen)
      const took = (yield* Monotonic.millis) - from
      yield* Effect.sleep(Math.max(level.isTight ? UNSEEN.tight : UNSEEN.usual, took * UNSEEN.times))
    })

    const again = <E>(effect: Effect.Effect<unknown, E>) =>
      Effect.forever(
        Effect.catchAllCause(effect, (cause) => Effect.zipRight(Effect.logWarning(cause), Effect.sleep(LOOK)))
      )

    const run = (places: Places) =>
      Effect.suspend(() => {
        // Whatever a former run was at is begun anew.
        book.follow([])
        const loops = [
          ...[again(Effect.zipRight(looking(places), Effect.sleep(LOOK))), again(searching)],
          ...[again(weighing(places, "quick")), again(weighing(places, "slow"))]
        ]
        return Effect.all(loops, { concurrency: "unbounded", discard: true })
      })

    return { run, ...Admitting.make({ disk, scales: scales.slow, book, graces, limit }) }
  })
