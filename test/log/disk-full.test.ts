/** A file system of two megabytes, mounted for this test (which therefore wants to be root). */
import { execFileSync } from "node:child_process"
import { rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Array as Arr, Effect, Either } from "effect"
import { describe, expect } from "vitest"
import { EventLog } from "../../src/log/EventLog.js"
import { Blobs } from "../../src/store/Blobs.js"
import { digestOf } from "../../src/store/Digest.js"
import { created, draft } from "../support/drafts.js"
import { live } from "../support/it.js"
import { directory, storageIn } from "../support/storage.js"

const mebibyte = 1024 * 1024

const smallDisk = Effect.acquireRelease(
  Effect.tap(directory, (path) =>
    Effect.sync(() => execFileSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", path]))
  ),
  (path) => Effect.sync(() => execFileSync("umount", ["-l", path]))
)

const appendAll = (from: number, count: number) =>
  Effect.flatMap(EventLog, (log) =>
    Effect.all(
      Arr.makeBy(count, (n) => Effect.either(log.append(draft(from + n, 0, created(from + n, "x".repeat(4_000)))))),
      { concurrency: 8 }
    )
  )

describe("a full disk", () => {
  live("refuses, loses nothing acknowledged, and goes on when there is space again", () =>
    Effect.gen(function* () {
      const disk = yield* smallDisk
      const ballast = join(disk, "ballast")
      const data = join(disk, "data")
      yield* Effect.sync(() => writeFileSync(ballast, Buffer.alloc(mebibyte)))
      const acknowledged = yield* Effect.gen(function* () {
        const log = yield* EventLog
        const outcomes = yield* appendAll(0, 600)
        const refused = outcomes.flatMap((outcome) => (Either.isLeft(outcome) ? [outcome.left] : []))
        expect(refused.length).toBeGreaterThan(100)
        for (const error of refused) expect(error).toMatchObject({ _tag: "LogUnavailable", written: "no" })
        const blob = Buffer.alloc(200_000)
        const put = Effect.flatMap(Blobs, (blobs) => blobs.put(blob, digestOf(blob)))
        expect(yield* Effect.flip(put)).toMatchObject({ _tag: "StoreUnavailable" })
        const kept = outcomes.length - refused.length
        expect(kept).toBeGreaterThan(10)
        expect(yield* log.page(0, 1_000)).toHaveLength(kept)

        yield* Effect.sync(() => rmSync(ballast))
        const later = yield* appendAll(1_000, 20)
        expect(later.every(Either.isRight)).toBe(true)
        yield* put
        expect(yield* log.verify).toMatchObject({ ok: true, events: kept + 20 })
        return kept + 20
      }).pipe(Effect.provide(storageIn(data, [], { checkpointEvery: 5 })))
      const reopened = Effect.flatMap(EventLog, (log) => log.verify).pipe(Effect.provide(storageIn(data)))
      expect(yield* reopened).toMatchObject({ ok: true, events: acknowledged })
    })
  )
})
