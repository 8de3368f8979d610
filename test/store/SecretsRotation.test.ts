/** A new root key in the place of the old one: what it changes, what it leaves alone, and what a kill at any moment leaves. */
import { spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import { once } from "node:events"
import { copyFileSync, cpSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import Sqlite from "better-sqlite3"
import { Effect, Option, Redacted } from "effect"
import { describe, expect } from "vitest"
import { RootKeys } from "../../src/store/secrets/RootKeys.js"
import { Secrets } from "../../src/store/secrets/Secrets.js"
import { live } from "../support/it.js"
import { directory, storageIn } from "../support/storage.js"

const names = Array.from({ length: 150 }, (_, at) => `vault/${String(at).padStart(3, "0")}`)
const valueOf = (name: string) => `value of ${name}`

const fill = Effect.gen(function* () {
  const { put } = yield* Secrets
  yield* Effect.forEach(names, (name) => put(name, Redacted.make(valueOf(name))), { concurrency: 50, discard: true })
})

const opens = (all: ReadonlyArray<string> = names) =>
  Effect.gen(function* () {
    const { get } = yield* Secrets
    for (const name of all)
      expect(Option.map(yield* get(name), Redacted.value), name).toEqual(Option.some(valueOf(name)))
  })

const shown = Effect.flatMap(RootKeys, ({ show }) => show)
const rotated = Effect.flatMap(RootKeys, ({ rotate }) => rotate)

const within =
  (data: string) =>
  <A, E>(effect: Effect.Effect<A, E, Secrets | RootKeys>) =>
    Effect.scoped(Effect.provide(effect, storageIn(data)))

const database = <A>(data: string, use: (db: Sqlite.Database) => A): A => {
  const db = new Sqlite(join(data, "unsandbox.sqlite"))
  try {
    return use(db)
  } finally {
    db.close()
  }
}

interface Row {
  readonly name: string
  readonly root: number
  readonly wrapped: Buffer
  readonly nonce: Buffer
  readonly sealed: Buffer
}

const rowsOf = (data: string): ReadonlyArray<Row> =>
  database(data, (db) => db.prepare<[], Row>("SELECT * FROM secrets ORDER BY name").all())

const generationsOf = (data: string): ReadonlyArray<unknown> =>
  database(data, (db) => db.prepare("SELECT generation, retired FROM root_keys ORDER BY generation").raw().all())

const [KEY, NEXT] = ["root.key", "root.next.key"]

describe("a rotation", () => {
  live("wraps every data key anew, touches no value, and destroys the former root key", () =>
    Effect.gen(function* () {
      const data = yield* directory
      yield* within(data)(fill)
      const before = rowsOf(data)
      const former = readFileSync(join(data, KEY))
      yield* within(data)(
        Effect.gen(function* () {
          expect(yield* rotated).toEqual({ generation: 2, rewrapped: names.length })
          yield* opens()
          expect(yield* shown).toMatchObject({ generation: 2, secrets: names.length, place: join(data, KEY) })
          expect(yield* rotated).toEqual({ generation: 3, rewrapped: names.length })
          yield* opens()
        })
      )
      const after = rowsOf(data)
      expect(after.map(({ name, nonce, sealed }) => ({ name, nonce, sealed }))).toEqual(
        before.map(({ name, nonce, sealed }) => ({ name, nonce, sealed }))
      )
      expect(after.filter(({ wrapped }, at) => before[at]?.wrapped.equals(wrapped) === true)).toEqual([])
      expect(existsSync(join(data, NEXT))).toBe(false)
      expect(readFileSync(join(data, KEY)).equals(former)).toBe(false)
      expect(generationsOf(data)).toEqual([
        [1, 1],
        [2, 1],
        [3, 0]
      ])
      yield* within(data)(opens())
      // The former one opens nothing: it is known for what it was.
      writeFileSync(join(data, KEY), former)
      expect(yield* Effect.flip(within(data)(Effect.void))).toMatchObject({
        _tag: "DataRefused",
        reason: expect.stringMatching(/is generation 1; .*generation 3/)
      })
    })
  )

  live("lets secrets be put, read and deleted meanwhile", () =>
    Effect.gen(function* () {
      const data = yield* directory
      const put = names.map((name) => `${name}/new`)
      yield* within(data)(
        Effect.gen(function* () {
          yield* fill
          const secrets = yield* Secrets
          const use = Effect.forEach(
            names,
            (name) =>
              Effect.gen(function* () {
                yield* secrets.put(`${name}/new`, Redacted.make(valueOf(`${name}/new`)))
                expect(Option.isSome(yield* secrets.get(name))).toBe(true)
                yield* secrets.delete(name)
              }),
            { concurrency: 8, discard: true }
          )
          yield* Effect.all([use, rotated, Effect.zipRight(Effect.sleep("5 millis"), rotated)], {
            concurrency: "unbounded"
          })
          yield* opens(put)
        })
      )
      expect(new Set(rowsOf(data).map(({ root }) => root))).toEqual(new Set([3]))
      yield* within(data)(opens(put))
    })
  )

  live("keeps the former root key as long as a secret that was tampered with needs it, and names it", () =>
    Effect.gen(function* () {
      const data = yield* directory
      yield* within(data)(fill)
      database(data, (db) => db.exec("UPDATE secrets SET wrapped = randomblob(60) WHERE name = 'vault/077'"))
      const rest = names.filter((name) => name !== "vault/077")
      yield* within(data)(
        Effect.gen(function* () {
          const refused = yield* Effect.flip(rotated)
          expect(refused).toMatchObject({ _tag: "RotationRefused", reason: { code: "secrets_unreadable" } })
          expect(JSON.stringify(refused)).toContain("vault/077")
          expect(yield* shown).toMatchObject({ generation: 2, rotating: true })
          yield* opens(rest)
        })
      )
      expect([existsSync(join(data, KEY)), existsSync(join(data, NEXT))]).toEqual([true, true])
      yield* within(data)(
        Effect.gen(function* () {
          yield* opens(rest)
          yield* Effect.flatMap(Secrets, (secrets) => secrets.delete("vault/077"))
          expect(yield* rotated).toEqual({ generation: 2, rewrapped: 0 })
          yield* opens(rest)
        })
      )
      expect(existsSync(join(data, NEXT))).toBe(false)
    })
  )
})

/** Both root keys, and the store before and after: every state between them can be put together from these. */
const bothSides = Effect.gen(function* () {
  const [data, former] = [yield* directory, yield* directory]
  yield* within(data)(fill)
  cpSync(data, former, { recursive: true })
  yield* within(data)(rotated)
  return { data, former }
})

describe("a rotation that was cut off", () => {
  const finished = (data: string) =>
    Effect.gen(function* () {
      yield* within(data)(
        Effect.gen(function* () {
          yield* opens()
          expect(yield* shown).toMatchObject({ generation: 2, rotating: false, place: join(data, KEY) })
        })
      )
      expect(existsSync(join(data, NEXT))).toBe(false)
      expect(new Set(rowsOf(data).map(({ root }) => root))).toEqual(new Set([2]))
      expect(generationsOf(data)).toEqual([
        [1, 1],
        [2, 0]
      ])
    })

  const notRenamed = ({ data, former }: { readonly data: string; readonly former: string }) => {
    renameSync(join(data, KEY), join(data, NEXT))
    copyFileSync(join(former, KEY), join(data, KEY))
  }

  live("after the new key was made, and before it was begun, was none", () =>
    Effect.gen(function* () {
      const { former } = yield* bothSides
      writeFileSync(join(former, NEXT), randomBytes(64), { mode: 0o600 })
      yield* within(former)(opens())
      expect(existsSync(join(former, NEXT))).toBe(false)
      expect(generationsOf(former)).toEqual([[1, 0]])
    })
  )

  for (const done of [0, 64, 100, 150])
    live(`after ${done} of 150 data keys were wrapped anew goes on at the next start`, () =>
      Effect.gen(function* () {
        const { data, former } = yield* bothSides
        notRenamed({ data, former })
        const back = rowsOf(former).slice(done)
        database(data, (db) => {
          db.exec("UPDATE root_keys SET retired = 0")
          const update = db.prepare("UPDATE secrets SET root = @root, wrapped = @wrapped WHERE name = @name")
          for (const { name, root, wrapped } of back) update.run({ name, root, wrapped })
        })
        yield* finished(data)
      })
    )

  live("before the new key took the old one's name goes on at the next start", () =>
    Effect.gen(function* () {
      const { data, former } = yield* bothSides
      notRenamed({ data, former })
      yield* finished(data)
    })
  )

  live("and lost either key is refused, and changes nothing", () =>
    Effect.gen(function* () {
      const { data, former } = yield* bothSides
      notRenamed({ data, former })
      const back = rowsOf(former).slice(75)
      database(data, (db) => {
        db.exec("UPDATE root_keys SET retired = 0")
        const update = db.prepare("UPDATE secrets SET root = @root, wrapped = @wrapped WHERE name = @name")
        for (const { name, root, wrapped } of back) update.run({ name, root, wrapped })
      })
      const before = rowsOf(data)
      for (const lost of [KEY, NEXT]) {
        renameSync(join(data, lost), join(data, "away"))
        expect(yield* Effect.flip(within(data)(Effect.void))).toMatchObject({ _tag: "DataRefused" })
        expect(rowsOf(data)).toEqual(before)
        renameSync(join(data, "away"), join(data, lost))
      }
      yield* finished(data)
    })
  )
})

const KILLS = 12

/** Resolves with what it had said when it was killed, so many milliseconds after its first rotation began. */
const killed = async (data: string, from: number, after: number): Promise<string> => {
  const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
  const child = spawn(process.execPath, [here("../support/child.mjs"), here("rotating.ts"), data, String(from)])
  const ended = once(child, "close")
  let [said, complained] = ["", ""]
  const began = new Promise<void>((resolve) => {
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      complained += text
    })
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      said += text
      if (said.includes("rotating\n")) resolve()
    })
  })
  try {
    await Promise.race([began, ended, sleep(20_000)])
    await sleep(after)
  } finally {
    child.kill("SIGKILL")
    await ended
  }
  expect(said, complained).toContain("rotating\n")
  return said
}

describe("kill -9 at random moments of rotations", () => {
  live(
    "leaves every acknowledged secret readable, and one root key",
    () =>
      Effect.gen(function* () {
        const data = yield* directory
        yield* within(data)(fill)
        const put: Array<string> = []
        let generations = 0
        for (let kill = 0; kill < KILLS; kill += 1) {
          const said = yield* Effect.promise(() => killed(data, (kill + 1) * 100_000, Math.random() * 120))
          const fresh = [...said.matchAll(/^put (\d+)$/gm)].map(([, n]) => `put/${n}`)
          put.push(...fresh)
          const told = Number([...said.matchAll(/^rotated (\d+)$/gm)].at(-1)?.[1] ?? generations)
          yield* within(data)(
            Effect.gen(function* () {
              yield* opens(names)
              yield* opens(put)
              const { generation, rotating } = yield* shown
              expect(rotating).toBe(false)
              // What was acknowledged stands; the one that was cut off may have been finished.
              expect(generation).toBeGreaterThanOrEqual(told)
              expect(generation).toBeLessThanOrEqual(told + 2)
              generations = generation
            })
          )
          expect(existsSync(join(data, NEXT))).toBe(false)
          expect(new Set(rowsOf(data).map(({ root }) => root))).toEqual(new Set([generations]))
        }
        expect(put.length).toBeGreaterThan(0)
        expect(generations).toBeGreaterThan(KILLS / 2)
      }),
    180_000
  )
})

describe("the files of the root key", () => {
  live("that are another store's are not destroyed", () =>
    Effect.gen(function* () {
      const { data } = yield* bothSides
      renameSync(join(data, KEY), join(data, NEXT))
      const strange = randomBytes(64)
      writeFileSync(join(data, KEY), strange, { mode: 0o600 })
      expect(yield* Effect.flip(within(data)(Effect.void))).toMatchObject({
        path: join(data, KEY),
        reason: expect.stringMatching(/move it away/)
      })
      expect(readFileSync(join(data, KEY))).toEqual(strange)
      rmSync(join(data, KEY))
      yield* within(data)(opens())
    })
  )
})
