/** Where the root key comes from, a file or the environment: what is refused, with which fix, and that nothing changes then. */
import { execFileSync } from "node:child_process"
import { randomBytes } from "node:crypto"
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import Sqlite from "better-sqlite3"
import { Effect, Layer, Option, Redacted } from "effect"
import { describe, expect, it } from "vitest"
import { type Offered, RootKeyEnvironment } from "../../src/store/secrets/RootKeyEnvironment.js"
import { RootKeys } from "../../src/store/secrets/RootKeys.js"
import { Secrets } from "../../src/store/secrets/Secrets.js"
import { live } from "../support/it.js"
import { directory, storageIn } from "../support/storage.js"

interface Given {
  readonly current?: string
  readonly previous?: string
}

const redacted = (text: string | undefined) => (text === undefined ? undefined : Redacted.make(text))

const within =
  (data: string, given: Given = {}) =>
  <A, E>(effect: Effect.Effect<A, E, Secrets | RootKeys>) => {
    const offered: Offered = {
      current: redacted(given.current),
      previous: redacted(given.previous),
      exposed: undefined
    }
    const environment = Layer.succeed(RootKeyEnvironment, offered)
    return Effect.scoped(Effect.provide(effect, Layer.provide(storageIn(data), environment)))
  }

const puts = Effect.flatMap(Secrets, ({ put }) => put("vault/a", Redacted.make("one")))
const opens = Effect.gen(function* () {
  const found = yield* Effect.flatMap(Secrets, ({ get }) => get("vault/a"))
  expect(Option.map(found, Redacted.value)).toEqual(Option.some("one"))
})
const shown = Effect.flatMap(RootKeys, ({ show }) => show)
const rotated = Effect.flatMap(RootKeys, ({ rotate }) => rotate)
const refusal = (data: string, given: Given = {}) => Effect.flip(within(data, given)(Effect.void))

const rowsOf = (data: string): unknown => {
  const db = new Sqlite(join(data, "unsandbox.sqlite"), { readonly: true })
  try {
    return [db.prepare("SELECT * FROM secrets").all(), db.prepare("SELECT * FROM root_keys").all()]
  } finally {
    db.close()
  }
}

const [A, B, C] = [randomBytes(64).toString("hex"), randomBytes(64).toString("base64"), randomBytes(64).toString("hex")]
const path = (data: string) => join(data, "root.key")

/** The key itself stays beside it. */
const instead = (file: string, make: () => void) => {
  renameSync(file, `${file}.there`)
  make()
}

describe("a root key in a file", () => {
  const spoils = [
    ["is readable by a group", (file: string) => chmodSync(file, 0o640), /chmod 600/],
    ["is readable by all", (file: string) => chmodSync(file, 0o604), /chmod 600/],
    ["is another user's", (file: string) => chownSync(file, 4_711, 0), /belongs to user 4711; run `chown 0`/],
    ["is cut", (file: string) => writeFileSync(file, Buffer.alloc(63, 1)), /has 64 bytes, this has 63/],
    ["is longer", (file: string) => writeFileSync(file, Buffer.alloc(65, 1)), /has 64 bytes, this has 65/],
    ["is empty", (file: string) => writeFileSync(file, ""), /has 64 bytes, this has 0/],
    ["is another", (file: string) => writeFileSync(file, randomBytes(64)), /another store's.*put the right one/],
    ["is gone", (file: string) => rmSync(file), /missing.*restore it/],
    ["is a directory", (file: string) => instead(file, () => mkdirSync(file)), /not a regular file/],
    ["is a pipe", (file: string) => instead(file, () => execFileSync("mkfifo", ["-m600", file])), /not a regular file/],
    ["is a link", (file: string) => instead(file, () => symlinkSync(`${file}.there`, file)), /not a regular file/]
  ] as const
  for (const [what, spoil, reason] of spoils)
    live(`is refused when it ${what}, and nothing is changed`, () =>
      Effect.gen(function* () {
        const data = yield* directory
        yield* within(data)(puts)
        const [before, kept] = [rowsOf(data), readFileSync(path(data))]
        spoil(path(data))
        expect(yield* refusal(data)).toMatchObject({
          _tag: "DataRefused",
          path: path(data),
          reason: expect.stringMatching(reason)
        })
        expect(rowsOf(data)).toEqual(before)
        rmSync(path(data), { recursive: true, force: true })
        writeFileSync(path(data), kept, { mode: 0o600 })
        yield* within(data)(opens)
      })
    )

  live("is made once, for its owner's eyes only, and used by a store that is new", () =>
    Effect.gen(function* () {
      const data = yield* directory
      writeFileSync(path(data), Buffer.from(A, "hex"), { mode: 0o600 })
      yield* within(data)(puts)
      expect(readFileSync(path(data)).toString("hex")).toBe(A)
      const fresh = yield* directory
      yield* within(fresh)(puts)
      expect(statSync(path(fresh))).toMatchObject({ size: 64, mode: 0o100600 })
      yield* within(fresh, { current: readFileSync(path(fresh)).toString("hex") })(opens)
    })
  )
})

describe("a root key in the environment", () => {
  live("leaves no file, and is asked for at every start", () =>
    Effect.gen(function* () {
      const data = yield* directory
      yield* within(data, { current: A })(puts)
      expect(existsSync(path(data))).toBe(false)
      const { source, place } = yield* within(data, { current: A })(Effect.zipRight(opens, shown))
      expect([source, place]).toEqual(["environment", "UNSANDBOX_ROOT_KEY"])
      const before = rowsOf(data)
      expect(yield* refusal(data)).toMatchObject({ path: path(data), reason: expect.stringMatching(/missing/) })
      expect(yield* refusal(data, { current: B })).toMatchObject({
        path: "UNSANDBOX_ROOT_KEY",
        reason: expect.stringMatching(/another store's/)
      })
      for (const current of ["hunter2", `${A}0`, randomBytes(32).toString("hex")]) {
        const refused = yield* refusal(data, { current })
        expect(refused).toMatchObject({ reason: expect.stringMatching(/openssl rand -hex 64/) })
        expect(JSON.stringify(refused)).not.toContain(current)
      }
      expect(rowsOf(data)).toEqual(before)
      expect(existsSync(path(data))).toBe(false)
    })
  )

  live("is rotated from the previous one to the current one", () =>
    Effect.gen(function* () {
      const data = yield* directory
      yield* within(data, { current: A })(puts)
      const alone = yield* Effect.flip(within(data, { current: A })(rotated))
      expect(alone).toMatchObject({ _tag: "RotationRefused", reason: { code: "root_key_in_use" } })
      // Handing over both changes nothing until it is asked for.
      const both = { current: B, previous: A }
      expect(yield* within(data, both)(Effect.zipRight(opens, shown))).toMatchObject({ generation: 1 })
      expect(yield* within(data, both)(rotated)).toEqual({ generation: 2, rewrapped: 1 })
      expect(yield* within(data, both)(rotated)).toEqual({ generation: 2, rewrapped: 0 })
      yield* within(data, { current: B })(opens)
      expect(yield* refusal(data, { current: A })).toMatchObject({
        reason: expect.stringMatching(/is generation 1; .*generation 2/)
      })
      const back = yield* Effect.flip(within(data, { current: A, previous: B })(rotated))
      expect(back).toMatchObject({ reason: { code: "root_key_in_use" } })
      expect(yield* within(data, { current: C, previous: B })(rotated)).toEqual({ generation: 3, rewrapped: 1 })
    })
  )

  live("takes the place of a file, which is destroyed, and gives it back", () =>
    Effect.gen(function* () {
      const data = yield* directory
      yield* within(data)(puts)
      yield* within(data, { current: A })(
        Effect.gen(function* () {
          expect(yield* shown).toMatchObject({ source: "file" })
          yield* rotated
          expect(yield* shown).toMatchObject({ source: "environment", generation: 2 })
        })
      )
      expect(existsSync(path(data))).toBe(false)
      expect(yield* within(data, { previous: A })(Effect.zipRight(opens, rotated))).toMatchObject({ generation: 3 })
      expect(existsSync(path(data))).toBe(true)
      expect(yield* within(data)(Effect.zipRight(opens, shown))).toMatchObject({ source: "file", generation: 3 })
    })
  )

  it("is gone from the process, what it starts, what it prints, and /proc, once it is taken", () => {
    const key = randomBytes(64).toString("hex")
    const here = (file: string) => fileURLToPath(new URL(file, import.meta.url))
    const argv = [here("../support/child.mjs"), here("taking.ts"), [...key].reverse().join("")]
    const env = { PATH: process.env.PATH, UNSANDBOX_ROOT_KEY: key, UNSANDBOX_ROOT_KEY_PREVIOUS: key, BESIDE: "it" }
    const said = execFileSync(process.execPath, argv, { env, encoding: "utf8" })
    expect(JSON.parse(said)).toEqual({ found: [false, false, false, false], kept: true, exposed: null })
  })
})
