/** What an envelope is bound to: property tests over its functions, and tampering with every column of a real store. */
import { randomBytes } from "node:crypto"
import { join } from "node:path"
import Sqlite from "better-sqlite3"
import { Effect, FastCheck as fc, Option, Redacted } from "effect"
import { describe, expect, it } from "vitest"
import * as Envelope from "../../src/store/secrets/Envelope.js"
import * as RootKey from "../../src/store/secrets/RootKey.js"
import { Secrets } from "../../src/store/secrets/Secrets.js"
import { live } from "../support/it.js"
import { directory, storageIn } from "../support/storage.js"

const key = (generation: number) => Envelope.wrappingKey(RootKey.of(RootKey.generate()), generation)
const [first, second] = [key(1), key(2)]

const name = fc.string({ unit: "grapheme", minLength: 1, maxLength: 80 })
const secret = fc.string({ unit: "grapheme", maxLength: 4_096 })

/** One bit of it turned over. */
const flipped = (bytes: Buffer, at: number): Buffer => {
  const changed = Buffer.from(bytes)
  const index = at % (changed.length * 8)
  changed[index >> 3] = (changed[index >> 3] ?? 0) ^ (1 << (index & 7))
  return changed
}

const bit = fc.nat()

describe("an envelope", () => {
  it("opens to what was sealed, also after it was wrapped anew", () => {
    fc.assert(
      fc.property(name, secret, (name, secret) => {
        const sealed = Envelope.seal(first, name, secret)
        const text = Buffer.from(secret).toString()
        expect(Envelope.open(first, name, sealed)).toBe(text)
        const moved = { ...sealed, root: 2, wrapped: Envelope.rewrap(first, second, name, sealed) }
        expect(Envelope.open(second, name, moved)).toBe(text)
        expect(() => Envelope.open(first, name, moved)).toThrow()
        expect(() => Envelope.open(second, name, sealed)).toThrow()
      })
    )
  })

  it("opens under no other name, generation, version or root key", () => {
    fc.assert(
      fc.property(name, name, secret, (name, other, secret) => {
        fc.pre(name !== other)
        const sealed = Envelope.seal(first, name, secret)
        expect(() => Envelope.open(first, other, sealed)).toThrow()
        expect(() => Envelope.rewrap(first, second, other, sealed)).toThrow()
        expect(() => Envelope.open({ ...first, generation: 2 }, name, { ...sealed, root: 2 })).toThrow()
        expect(() => Envelope.open(first, name, { ...sealed, version: 3 })).toThrow()
        expect(() => Envelope.open(key(1), name, sealed)).toThrow()
      })
    )
  })

  it("does not open when one bit of it is another", () => {
    fc.assert(
      fc.property(name, secret, bit, (name, secret, at) => {
        const sealed = Envelope.seal(first, name, secret)
        for (const column of ["wrapped", "nonce", "sealed"] as const) {
          const changed = { ...sealed, [column]: flipped(sealed[column], at) }
          expect(() => Envelope.open(first, name, changed), column).toThrow()
        }
        expect(() =>
          Envelope.rewrap(first, second, name, { ...sealed, wrapped: flipped(sealed.wrapped, at) })
        ).toThrow()
      })
    )
  })

  it("does not open when parts of two are put together, also of two of one name", () => {
    fc.assert(
      fc.property(name, secret, secret, (name, one, another) => {
        const [a, b] = [Envelope.seal(first, name, one), Envelope.seal(first, name, another)]
        expect(() => Envelope.open(first, name, { ...a, wrapped: b.wrapped })).toThrow()
        expect(() => Envelope.open(first, name, { ...a, nonce: b.nonce })).toThrow()
        expect(() => Envelope.open(first, name, { ...a, sealed: b.sealed })).toThrow()
      })
    )
  })
})

describe("a root key", () => {
  it("is read from hex and both kinds of base64, and from nothing else", () => {
    const bytes = randomBytes(64)
    const { identity } = RootKey.of(Buffer.from(bytes))
    const written = [bytes.toString("hex"), bytes.toString("hex").toUpperCase(), bytes.toString("base64")]
    for (const text of [...written, bytes.toString("base64url"), `${bytes.toString("base64")}\n`])
      expect(RootKey.parse(text)?.identity).toBe(identity)
    const short = bytes.subarray(1)
    for (const text of ["", "hunter2", short.toString("hex"), short.toString("base64"), `${bytes.toString("hex")}00`])
      expect(RootKey.parse(text)).toBeUndefined()
  })

  it("gives each purpose a key of its own, always the same, and is wiped where it was read", () => {
    const bytes = randomBytes(64)
    const [one, same] = [RootKey.of(Buffer.from(bytes)), RootKey.of(Buffer.from(bytes))]
    expect(one.derive("a").equals(same.derive("a"))).toBe(true)
    expect(one.derive("a").equals(one.derive("b"))).toBe(false)
    RootKey.of(bytes)
    expect(bytes.equals(Buffer.alloc(64))).toBe(true)
  })
})

const tamper = (data: string, sql: string) =>
  Effect.sync(() => {
    const db = new Sqlite(join(data, "unsandbox.sqlite"))
    db.exec(sql)
    db.close()
  })

const swapped = (columns: string) =>
  `CREATE TEMP TABLE o AS SELECT * FROM secrets;
   UPDATE secrets SET (${columns}) = (SELECT ${columns} FROM o WHERE o.name <> secrets.name)`

const COLUMNS = ["wrapped", "nonce", "sealed"]

const changes: ReadonlyArray<string> = [
  ...COLUMNS.map(swapped),
  swapped(COLUMNS.join(", ")),
  ...COLUMNS.flatMap((column) => [
    `UPDATE secrets SET ${column} = randomblob(length(${column}))`,
    `UPDATE secrets SET ${column} = substr(${column}, 2)`,
    `UPDATE secrets SET ${column} = CAST(${column} || x'00' AS BLOB)`,
    `UPDATE secrets SET ${column} = zeroblob(0)`
  ]),
  "UPDATE secrets SET wrapped = NULL",
  "UPDATE secrets SET root = NULL",
  "UPDATE secrets SET root = 2",
  "UPDATE secrets SET root = 0",
  "UPDATE secrets SET version = 1",
  "UPDATE secrets SET version = 3"
]

describe("a row of a store", () => {
  for (const sql of changes)
    live(`opens no more after ${sql.slice(sql.indexOf("UPDATE"))}`, () =>
      Effect.gen(function* () {
        const data = yield* directory
        yield* Effect.gen(function* () {
          const { get, put } = yield* Secrets
          yield* put("vault/a", Redacted.make("one"))
          yield* put("vault/b", Redacted.make("another"))
          yield* tamper(data, sql)
          for (const name of ["vault/a", "vault/b"])
            expect(yield* Effect.flip(get(name))).toMatchObject({ _tag: "Unsealable", name })
        }).pipe(Effect.provide(storageIn(data)))
        // Neither is the server stopped by it, nor is the secret lost for good when the row is put back.
        yield* Effect.gen(function* () {
          const { get, put } = yield* Secrets
          yield* put("vault/a", Redacted.make("anew"))
          expect(Option.map(yield* get("vault/a"), Redacted.value)).toEqual(Option.some("anew"))
          expect(yield* Effect.flip(get("vault/b"))).toMatchObject({ _tag: "Unsealable" })
        }).pipe(Effect.provide(storageIn(data)))
      })
    )
})
