/** A limit on the size of files makes writes fail below SQLite, in the middle of a commit. */
import { execFileSync } from "node:child_process"
import { statSync } from "node:fs"
import { join } from "node:path"
import { Array as Arr, Effect, Either } from "effect"
import { describe, expect } from "vitest"
import { EventLog } from "../../src/log/EventLog.js"
import { created, draft } from "../support/drafts.js"
import { live } from "../support/it.js"
import { directory, storageIn } from "../support/storage.js"

const limitFiles = (bytes: number | "unlimited") =>
  Effect.sync(() => execFileSync("prlimit", [`--pid=${process.pid}`, `--fsize=${bytes}:unlimited`]))

const appendAll = (from: number, count: number) =>
  Effect.flatMap(EventLog, (log) =>
    Effect.all(
      Arr.makeBy(count, (n) => Effect.either(log.append(draft(from + n, 0, created(from + n, "x".repeat(8_000)))))),
      { concurrency: "unbounded" }
    )
  )

describe("an I/O error", () => {
  live("in a commit leaves it unknown, and what was refused never comes back", () =>
    Effect.gen(function* () {
      const data = yield* directory
      const head = yield* Effect.gen(function* () {
        const log = yield* EventLog
        yield* appendAll(0, 5)
        const before = yield* log.head
        const { size } = statSync(join(data, "unsandbox.sqlite-wal"))
        const refused = yield* Effect.acquireUseRelease(
          limitFiles(size + 20_000),
          () => appendAll(100, 10),
          () => limitFiles("unlimited")
        )
        for (const outcome of refused)
          expect(outcome).toMatchObject({ left: { _tag: "LogUnavailable", written: "unknown" } })
        expect(yield* log.head).toEqual(before)
        expect((yield* appendAll(100, 10)).every(Either.isRight)).toBe(true)
        expect(yield* log.verify).toMatchObject({ ok: true, events: 15 })
        return yield* log.head
      }).pipe(Effect.provide(storageIn(data)))
      const reopened = Effect.flatMap(EventLog, (log) => Effect.zip(log.head, log.verify))
      const [again, verdict] = yield* Effect.provide(reopened, storageIn(data))
      expect(again).toEqual(head)
      expect(verdict).toMatchObject({ ok: true, events: 15 })
    })
  )
})
