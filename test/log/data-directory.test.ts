import { spawn } from "node:child_process"
import { once } from "node:events"
import { chmodSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import Sqlite from "better-sqlite3"
import { Effect, Exit, Redacted } from "effect"
import { describe, expect } from "vitest"
import { Database, open } from "../../src/log/Database.js"
import { EventLog } from "../../src/log/EventLog.js"
import * as Storage from "../../src/store/Storage.js"
import { Secrets } from "../../src/store/secrets/Secrets.js"
import { draft } from "../support/drafts.js"
import { live } from "../support/it.js"
import { directory, storageIn } from "../support/storage.js"

const used = Effect.gen(function* () {
  yield* Effect.flatMap(EventLog, (log) => log.append(draft(1, 0)))
  yield* Effect.flatMap(Secrets, (secrets) => secrets.put("a", Redacted.make("b")))
})

const refusal = (data: string) => Effect.flip(Effect.scoped(Effect.provide(Effect.void, storageIn(data))))

const modes = (folder: string): ReadonlyArray<readonly [string, number]> =>
  readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => [
    name,
    statSync(join(folder, name)).mode & 0o077
  ])

describe("a data directory", () => {
  live("commits to the disk itself, not to its cache", () =>
    Effect.gen(function* () {
      const { writer } = yield* open(yield* directory)
      expect(writer.pragma("synchronous", { simple: true })).toBe(2)
      expect(writer.pragma("journal_mode", { simple: true })).toBe("wal")
      expect(Database.key).toBe("log/Database")
    })
  )

  live("is nobody else's to read", () =>
    Effect.gen(function* () {
      const data = join(yield* directory, "deep", "data")
      yield* Effect.gen(function* () {
        yield* used
        expect(statSync(data).mode & 0o777).toBe(0o700)
        expect(modes(data).filter(([, others]) => others !== 0)).toEqual([])
      }).pipe(Effect.provide(storageIn(data)))
    })
  )

  live("has one server, also in one process", () =>
    Effect.gen(function* () {
      const data = yield* directory
      const second = Effect.zipRight(used, refusal(data)).pipe(Effect.provide(storageIn(data)))
      expect(yield* second).toMatchObject({
        _tag: "DataRefused",
        path: data,
        reason: expect.stringMatching(/another server/)
      })
      yield* Effect.provide(Effect.void, storageIn(data))
    })
  )

  live("has one server among processes, until it is killed", () =>
    Effect.gen(function* () {
      const data = yield* directory
      const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
      const child = yield* Effect.acquireRelease(
        Effect.sync(() => spawn(process.execPath, [here("../support/child.mjs"), here("appending.ts"), data])),
        (process) => Effect.sync(() => process.kill("SIGKILL"))
      )
      const ended = once(child, "close")
      yield* Effect.promise(() => once(child.stdout, "data")).pipe(Effect.timeout("20 seconds"))
      expect(yield* refusal(data)).toMatchObject({
        _tag: "DataRefused",
        reason: expect.stringMatching(/another server/)
      })
      const seen = Effect.flatMap(EventLog, (log) => log.verify).pipe(Effect.provide(Storage.readOnly({ data })))
      expect(yield* seen).toMatchObject({ ok: true })
      child.kill("SIGKILL")
      yield* Effect.promise(() => ended)
      yield* Effect.provide(Effect.void, storageIn(data))
    })
  )

  live("is refused by a program that is older than it", () =>
    Effect.gen(function* () {
      const data = yield* directory
      yield* Effect.provide(used, storageIn(data))
      const db = new Sqlite(join(data, "unsandbox.sqlite"))
      db.pragma("user_version = 99")
      db.close()
      expect(yield* refusal(data)).toMatchObject({
        _tag: "DataRefused",
        reason: expect.stringMatching(/newer version/)
      })
      const beside = Effect.provide(Effect.void, Storage.readOnly({ data }))
      expect(yield* Effect.flip(beside)).toMatchObject({ _tag: "DataRefused", reason: expect.stringMatching(/99/) })
    })
  )

  for (const name of ["root.key", "checkpoint.key"]) {
    live(`is refused when others could read its ${name}`, () =>
      Effect.gen(function* () {
        const data = yield* directory
        yield* Effect.provide(used, storageIn(data))
        yield* Effect.sync(() => chmodSync(join(data, name), 0o640))
        expect(yield* refusal(data)).toMatchObject({ _tag: "DataRefused", path: join(data, name) })
        yield* Effect.sync(() => chmodSync(join(data, name), 0o600))
        yield* Effect.provide(Effect.void, storageIn(data))
      })
    )

    live(`is refused when its ${name} is lost: another one would hide that`, () =>
      Effect.gen(function* () {
        const data = yield* directory
        yield* Effect.provide(used, storageIn(data))
        yield* Effect.sync(() => rmSync(join(data, name)))
        expect(yield* refusal(data)).toMatchObject({ _tag: "DataRefused", path: join(data, name) })
      })
    )
  }

  live("without a log cannot be read", () =>
    Effect.gen(function* () {
      const data = join(yield* directory, "empty")
      yield* Effect.sync(() => mkdirSync(data))
      const beside = yield* Effect.exit(Effect.provide(Effect.void, Storage.readOnly({ data })))
      expect(Exit.isFailure(beside)).toBe(true)
      expect(readdirSync(data)).toEqual([])
    })
  )
})
