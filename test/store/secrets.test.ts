import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import Sqlite from "better-sqlite3"
import { Effect, Option, Redacted } from "effect"
import { describe, expect } from "vitest"
import { Secrets } from "../../src/store/secrets/Secrets.js"
import { live } from "../support/it.js"
import { directory, storage, storageIn } from "../support/storage.js"

const secret = Redacted.make("unsb-sk-very-secret-ü")

const tamper = (data: string, sql: string) =>
  Effect.sync(() => {
    const db = new Sqlite(join(data, "unsandbox.sqlite"))
    db.exec(sql)
    db.close()
  })

describe("secrets", () => {
  live("are what was put, also after the store was closed", () =>
    Effect.gen(function* () {
      const data = yield* directory
      yield* Effect.provide(
        Effect.flatMap(Secrets, ({ put }) => put("a", secret)),
        storageIn(data)
      )
      yield* Effect.gen(function* () {
        const secrets = yield* Secrets
        expect(Option.map(yield* secrets.get("a"), Redacted.value)).toEqual(Option.some(Redacted.value(secret)))
        yield* secrets.put("a", Redacted.make("another"))
        expect(Option.map(yield* secrets.get("a"), Redacted.value)).toEqual(Option.some("another"))
        expect(yield* secrets.delete("a")).toBe(true)
        expect(yield* secrets.delete("a")).toBe(false)
        expect(yield* secrets.get("a")).toEqual(Option.none())
      }).pipe(Effect.provide(storageIn(data)))
    })
  )

  live("are in no file as they are", () =>
    Effect.gen(function* () {
      const data = yield* directory
      yield* Effect.gen(function* () {
        const secrets = yield* Secrets
        yield* secrets.put("a", secret)
        const files = readdirSync(data, { withFileTypes: true }).filter((entry) => entry.isFile())
        for (const { name } of files) expect(readFileSync(join(data, name)).includes("very-secret")).toBe(false)
      }).pipe(Effect.provide(storageIn(data)))
    })
  )

  live("seal the same text differently each time", () =>
    Effect.gen(function* () {
      const data = yield* directory
      yield* Effect.gen(function* () {
        const secrets = yield* Secrets
        yield* secrets.put("a", secret)
        yield* secrets.put("b", secret)
      }).pipe(Effect.provide(storageIn(data)))
      const db = new Sqlite(join(data, "unsandbox.sqlite"))
      expect(db.prepare("SELECT count(DISTINCT sealed) FROM secrets").pluck().get()).toBe(2)
      db.close()
    })
  )

  const changes = [
    ["moved to another name", "UPDATE secrets SET name = 'b'"],
    ["changed in a byte", "UPDATE secrets SET sealed = randomblob(length(sealed))"],
    ["cut", "UPDATE secrets SET sealed = substr(sealed, 1, 10)"],
    ["given another nonce", "UPDATE secrets SET nonce = zeroblob(12)"],
    ["given no nonce", "UPDATE secrets SET nonce = zeroblob(0)"],
    ["of a version that is not known", "UPDATE secrets SET version = 3"]
  ] as const
  for (const [what, sql] of changes)
    live(`are an error, not absent, when they were ${what}`, () =>
      Effect.gen(function* () {
        const data = yield* directory
        yield* Effect.gen(function* () {
          const secrets = yield* Secrets
          yield* secrets.put("a", secret)
          yield* tamper(data, sql)
          const name = what === "moved to another name" ? "b" : "a"
          expect(yield* Effect.flip(secrets.get(name))).toMatchObject({ _tag: "Unsealable", name })
        }).pipe(Effect.provide(storageIn(data)))
      })
    )

  live("are refused when they are not small", () =>
    Effect.gen(function* () {
      const secrets = yield* Secrets
      const large = secrets.put("a", Redacted.make("x".repeat(70_000)))
      expect(yield* Effect.flip(large)).toMatchObject({ _tag: "StoreUnavailable" })
    }).pipe(Effect.provide(storage()))
  )
})
