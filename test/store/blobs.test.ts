import { existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import Sqlite from "better-sqlite3"
import { Array as Arr, Effect, Option, TestClock } from "effect"
import { describe, expect } from "vitest"
import { EventLog } from "../../src/log/EventLog.js"
import { Tables } from "../../src/log/Tables.js"
import { Blobs } from "../../src/store/Blobs.js"
import { digestOf } from "../../src/store/Digest.js"
import { draft } from "../support/drafts.js"
import { effect, live } from "../support/it.js"
import { directory, storage, storageIn } from "../support/storage.js"

const small = Buffer.from("hello\n")
const large = Buffer.alloc(300_000, "large ")
const minute = 60_000

const put = (bytes: Uint8Array) => Effect.flatMap(Blobs, (blobs) => blobs.put(bytes, digestOf(bytes)))
const get = (bytes: Uint8Array) => Effect.flatMap(Blobs, (blobs) => blobs.get(digestOf(bytes)))

const fileOf = (data: string, bytes: Uint8Array) => {
  const hex = digestOf(bytes).slice("sha256:".length)
  return join(data, "blobs", hex.slice(0, 2), hex.slice(2))
}

const expiry = (bytes: Uint8Array) =>
  Effect.map(Tables, (db) =>
    db.prepare<[string], number>("SELECT expires_at FROM blobs WHERE digest = ?").pluck().get(digestOf(bytes))
  )

describe("blobs", () => {
  live("are there again after the store was closed, small and large", () =>
    Effect.gen(function* () {
      const data = yield* directory
      const empty = Buffer.alloc(0)
      yield* Effect.provide(Effect.all([put(small), put(large), put(empty)]), storageIn(data))
      expect(existsSync(fileOf(data, large))).toBe(true)
      expect(existsSync(fileOf(data, small))).toBe(false)
      yield* Effect.gen(function* () {
        for (const bytes of [small, large, empty])
          expect(Buffer.from(Option.getOrThrow(yield* get(bytes))).equals(bytes)).toBe(true)
        expect(yield* get(Buffer.from("never put"))).toEqual(Option.none())
      }).pipe(Effect.provide(storageIn(data)))
    })
  )

  live("refuse bytes that are not what the digest says, put or got", () =>
    Effect.gen(function* () {
      const data = yield* directory
      yield* Effect.gen(function* () {
        const blobs = yield* Blobs
        const wrong = blobs.put(Buffer.from("evil"), digestOf(small))
        expect(yield* Effect.flip(wrong)).toMatchObject({ _tag: "StoreUnavailable" })
        yield* put(small)
        yield* put(large)
        yield* Effect.sync(() => writeFileSync(fileOf(data, large), "damaged"))
        const db = new Sqlite(join(data, "unsandbox.sqlite"))
        db.prepare("UPDATE blobs SET data = ? WHERE digest = ?").run(Buffer.from("damaged"), digestOf(small))
        db.close()
        for (const bytes of [small, large])
          expect(yield* Effect.flip(get(bytes))).toMatchObject({ _tag: "StoreUnavailable" })
      }).pipe(Effect.provide(storageIn(data)))
    })
  )

  effect("are gone after their retention, which putting them again extends", () =>
    Effect.gen(function* () {
      const data = yield* directory
      yield* Effect.gen(function* () {
        const { sweep } = yield* Blobs
        yield* TestClock.setTime(1_000_000)
        yield* put(small)
        yield* put(large)
        yield* TestClock.adjust(6 * minute)
        yield* put(small)
        yield* TestClock.adjust(5 * minute)
        expect(yield* get(large)).toEqual(Option.none())
        expect(Option.isSome(yield* get(small))).toBe(true)
        expect(yield* sweep).toBe(1)
        expect(existsSync(fileOf(data, large))).toBe(false)
        yield* put(large)
        expect(Option.isSome(yield* get(large))).toBe(true)
        yield* TestClock.adjust(20 * minute)
        expect(yield* sweep).toBe(2)
        expect(yield* sweep).toBe(0)
      }).pipe(Effect.provide(storageIn(data, [], { retentionMillis: 10 * minute })))
    })
  )

  effect("put again soon cost nothing: the expiry moves only when it must", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(1_000_000)
      yield* put(small)
      const first = yield* expiry(small)
      yield* TestClock.adjust("50 minutes")
      yield* put(small)
      expect(yield* expiry(small)).toBe(first)
      yield* TestClock.adjust("11 minutes")
      yield* put(small)
      expect(yield* expiry(small)).toBe((first ?? 0) + 61 * minute)
    }).pipe(Effect.provide(storage()))
  )

  live("are never later than an append made after them", () =>
    Effect.gen(function* () {
      const log = yield* EventLog
      const db = yield* Tables
      const count = db.prepare<[], number>("SELECT count(*) FROM blobs").pluck()
      const puts = Arr.makeBy(20, (n) => put(Buffer.from(`output ${n}`)))
      const append = Effect.map(log.append(draft(1, 0)), () => count.get())
      const outcomes = yield* Effect.all([...puts, append], { concurrency: "unbounded" })
      expect(outcomes.at(-1)).toBe(20)
    }).pipe(Effect.provide(storage()))
  )

  effect("sweep in steps, and files that a crash left without a row", () =>
    Effect.gen(function* () {
      const data = yield* directory
      const orphan = fileOf(data, Buffer.from("orphan"))
      const unfinished = join(data, "blobs", "unfinished")
      yield* Effect.sync(() => {
        mkdirSync(join(orphan, ".."), { recursive: true })
        writeFileSync(orphan, "orphan")
        utimesSync(orphan, 1, 1)
        mkdirSync(unfinished)
        writeFileSync(join(unfinished, "half"), "half")
      })
      yield* Effect.gen(function* () {
        expect(readdirSync(unfinished)).toEqual([])
        const { sweep } = yield* Blobs
        yield* TestClock.setTime(2 * 60 * minute)
        yield* Effect.all(
          Arr.makeBy(600, (n) => put(Buffer.from(`blob ${n}`))),
          { concurrency: "unbounded" }
        )
        yield* TestClock.adjust(11 * minute)
        expect(yield* sweep).toBe(600)
        yield* Effect.repeatN(sweep, 256)
        expect(existsSync(orphan)).toBe(false)
      }).pipe(Effect.provide(storageIn(data, [], { retentionMillis: 10 * minute })))
    })
  )

  live("say so when the disk does not take them", () =>
    Effect.gen(function* () {
      const data = yield* directory
      yield* Effect.gen(function* () {
        yield* Effect.sync(() => writeFileSync(join(fileOf(data, large), ".."), "in the way"))
        expect(yield* Effect.flip(put(large))).toMatchObject({ _tag: "StoreUnavailable" })
        expect(yield* get(large)).toEqual(Option.none())
        expect(readdirSync(join(data, "blobs", "unfinished"))).toEqual([])
      }).pipe(Effect.provide(storageIn(data)))
    })
  )

  live("closes with the log", () =>
    Effect.gen(function* () {
      const kept = yield* Effect.provide(Blobs, storage())
      expect(yield* Effect.flip(kept.put(small, digestOf(small)))).toMatchObject({ _tag: "StoreUnavailable" })
      expect(yield* Effect.flip(kept.get(digestOf(small)))).toMatchObject({ _tag: "StoreUnavailable" })
    })
  )
})
