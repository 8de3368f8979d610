/** A data directory whose secrets lie under the former `master.key` goes on working, and that key goes when nothing needs it. */
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import Sqlite from "better-sqlite3"
import { Effect, Option, Redacted } from "effect"
import { describe, expect } from "vitest"
import { RootKeys } from "../../src/store/secrets/RootKeys.js"
import { Secrets } from "../../src/store/secrets/Secrets.js"
import { live } from "../support/it.js"
import { directory, storageIn } from "../support/storage.js"
import { former } from "./former.js"

const secrets = new Map([
  ["key/unsb-pk-0000-0000-0000-0001", "unsb-sk-00000-11111-22222-33333"],
  ["vault/unsb-pk-0000-0000-0000-0001/unsb-service-0123456789abcdef", "A=1\0B=zwei=ü"],
  ...Array.from({ length: 200 }, (_, at) => [`key/${at}`, `secret ${at}`] as const)
])

const opens = Effect.gen(function* () {
  const { get } = yield* Secrets
  for (const [name, secret] of secrets)
    expect(Option.map(yield* get(name), Redacted.value), name).toEqual(Option.some(secret))
})

const refusal = (data: string) => Effect.flip(Effect.scoped(Effect.provide(Effect.void, storageIn(data))))

const rows = (data: string): ReadonlyArray<unknown> => {
  const db = new Sqlite(join(data, "unsandbox.sqlite"), { readonly: true })
  try {
    return db.prepare("SELECT name, version, nonce, sealed FROM secrets ORDER BY name").all()
  } finally {
    db.close()
  }
}

const versions = (data: string): ReadonlyArray<unknown> => {
  const db = new Sqlite(join(data, "unsandbox.sqlite"), { readonly: true })
  try {
    return db.prepare("SELECT DISTINCT version, root FROM secrets").raw().all()
  } finally {
    db.close()
  }
}

describe("secrets under a former master key", () => {
  live("are sealed anew at the first start, and the key is gone", () =>
    Effect.gen(function* () {
      const data = yield* directory
      const master = former(data, secrets)
      yield* Effect.gen(function* () {
        yield* opens
        expect(yield* Effect.flatMap(RootKeys, ({ show }) => show)).toEqual({
          generation: 1,
          secrets: secrets.size,
          source: "file",
          place: join(data, "root.key"),
          rotating: false
        })
        expect(existsSync(join(data, "master.key"))).toBe(false)
        expect(statSync(join(data, "root.key"))).toMatchObject({ size: 64, mode: 0o100600 })
      }).pipe(Effect.provide(storageIn(data)))
      expect(versions(data)).toEqual([[2, 1]])
      for (const file of readdirSync(data, { withFileTypes: true }).filter((entry) => entry.isFile()))
        expect(readFileSync(join(data, file.name)).includes(master), file.name).toBe(false)
      yield* opens.pipe(Effect.provide(storageIn(data)))
    })
  )

  live("are sealed anew also when a former start ended between any two of them", () =>
    Effect.gen(function* () {
      const data = yield* directory
      const master = former(data, secrets)
      const before = rows(data)
      yield* Effect.provide(Effect.void, storageIn(data))
      // As if the second half, or all but the file, had not been reached.
      for (const half of [100, 0]) {
        const db = new Sqlite(join(data, "unsandbox.sqlite"))
        const back = db.prepare(
          "UPDATE secrets SET version = @version, nonce = @nonce, sealed = @sealed, root = NULL, wrapped = NULL WHERE name = @name"
        )
        for (const row of before.slice(0, half)) back.run(row)
        db.close()
        writeFileSync(join(data, "master.key"), master, { mode: 0o600 })
        yield* opens.pipe(Effect.provide(storageIn(data)))
        expect(versions(data)).toEqual([[2, 1]])
        expect(existsSync(join(data, "master.key"))).toBe(false)
      }
    })
  )

  const wrongs = [
    ["is another", (path: string) => writeFileSync(path, Buffer.alloc(32, 7)), /does not open key\/0/],
    ["is cut", (path: string) => writeFileSync(path, Buffer.alloc(31)), /32 bytes/],
    ["is missing", (path: string) => rmSync(path), /missing/],
    ["could be read by others", (path: string) => chmodSync(path, 0o644), /chmod 600/]
  ] as const
  for (const [what, spoil, reason] of wrongs)
    live(`are left alone, and nothing starts, when that key ${what}`, () =>
      Effect.gen(function* () {
        const data = yield* directory
        former(data, secrets)
        const before = rows(data)
        const master = join(data, "master.key")
        spoil(master)
        const kept = existsSync(master) ? readFileSync(master) : undefined
        expect(yield* refusal(data)).toMatchObject({
          _tag: "DataRefused",
          path: master,
          reason: expect.stringMatching(reason)
        })
        expect(rows(data)).toEqual(before)
        expect(existsSync(join(data, "root.key"))).toBe(false)
        expect(existsSync(master) ? readFileSync(master) : undefined).toEqual(kept)
      })
    )

  live("are left alone when one of them was tampered with, which is named", () =>
    Effect.gen(function* () {
      const data = yield* directory
      former(data, secrets)
      const db = new Sqlite(join(data, "unsandbox.sqlite"))
      db.exec("UPDATE secrets SET sealed = randomblob(40) WHERE name = 'key/77'")
      db.close()
      const before = rows(data)
      expect(yield* refusal(data)).toMatchObject({ reason: expect.stringMatching(/key\/77/) })
      expect(rows(data)).toEqual(before)
      expect(existsSync(join(data, "master.key"))).toBe(true)
    })
  )
})
