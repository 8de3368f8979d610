/** Backups against real data: what was written comes back whole, and what was touched in between does not come back at all. */
import { execFileSync } from "node:child_process"
import { randomBytes } from "node:crypto"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import Sqlite from "better-sqlite3"
import { Effect, Either, Layer, Option, Redacted } from "effect"
import * as fc from "fast-check"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type Digest, ServiceId } from "../../events/Ids.js"
import { EventLog } from "../../src/log/EventLog.js"
import { Blobs } from "../../src/store/Blobs.js"
import * as Chunks from "../../src/store/backup/Chunks.js"
import * as Create from "../../src/store/backup/Create.js"
import { cut } from "../../src/store/backup/Cut.js"
import { HEADER_BYTES } from "../../src/store/backup/Header.js"
import * as Restore from "../../src/store/backup/Restore.js"
import type { Progress } from "../../src/store/backup/Summary.js"
import { digestOf } from "../../src/store/Digest.js"
import { Layers } from "../../src/store/Layers.js"
import { type Offered, RootKeyEnvironment } from "../../src/store/secrets/RootKeyEnvironment.js"
import { Secrets } from "../../src/store/secrets/Secrets.js"
import { Volumes } from "../../src/store/Volumes.js"
import { draft } from "../support/drafts.js"
import { storageIn } from "../support/storage.js"
import { census, grow, mark, node } from "./trees.js"

const passphrase = Buffer.from("correct horse battery staple")
/** The least that a backup may cost: a quarter of a second each would be all that this test does. */
const cost = { logN: 14, r: 8, p: 1 }
const CHUNK = 256 * 1024 + 16
const none: Offered = { current: undefined, previous: undefined, exposed: undefined }
const quiet: Progress = { stage: () => undefined, bytes: () => undefined }
const service = ServiceId.make(`unsb-service-${"0".repeat(16)}`)
const large = randomBytes(500_000)

const root = fs.mkdtempSync(join(tmpdir(), "unsandbox-test-"))
afterAll(() => fs.rmSync(root, { recursive: true, force: true }))
// Restoring unpacks there; others' must not be counted.
process.env.TMPDIR = root
const fresh = (): string => fs.mkdtempSync(join(root, "d-"))

interface Made {
  readonly data: string
  readonly layer: Digest
  readonly volume: string
}

/** Something of everything. */
const made = (data: string, offered = none): Promise<Made> =>
  Effect.gen(function* () {
    const [log, secrets, blobs, volumes, layers] = yield* Effect.all([EventLog, Secrets, Blobs, Volumes, Layers])
    for (let n = 0; n < 20; n++) yield* log.append(draft(n, 0))
    for (const name of ["a", "b", "c"]) yield* secrets.put(name, Redacted.make(`the secret ${name}`))
    yield* blobs.put(large, digestOf(large))
    yield* blobs.put(Buffer.from("small"), digestOf(Buffer.from("small")))
    const volume = yield* volumes.create(service)
    for (const part of ["home", "tmp", "srv"]) fs.mkdirSync(join(volume, part))
    fs.writeFileSync(join(volume, "srv", "file"), "what a service wrote")
    const { digest } = yield* Effect.scoped(layers.pack(volume))
    fs.writeFileSync(join(data, "logs", `${service}.log`), "printed\n")
    return { data, layer: digest, volume }
  }).pipe(
    Effect.provide(storageIn(data).pipe(Layer.provide(Layer.succeed(RootKeyEnvironment, offered)))),
    Effect.runPromise
  )

interface Changes {
  readonly offered?: Offered
  readonly passphrase?: Buffer
  readonly progress?: Progress
  readonly force?: boolean
  readonly volumes?: boolean
}

const shared = ({ layer }: Made, changes: Changes) => ({
  ...{ passphrase, offered: none, progress: quiet, cost, force: false, volumes: true, ...changes },
  projections: { projectors: [], layers: () => [layer].values() }
})

const create = (of: Made, file: string, changes: Changes = {}) =>
  Effect.runPromise(Effect.either(Create.create({ ...shared(of, changes), data: of.data, file })))
const restore = (of: Made, file: string, data: string, changes: Changes = {}) =>
  Effect.runPromise(Effect.either(Restore.restore({ ...shared(of, changes), data, file })))
const verify = (of: Made, file: string, changes: Changes = {}) =>
  Effect.runPromise(Effect.either(Restore.verify({ ...shared(of, changes), file })))

const code = <A>(result: Either.Either<A, { readonly code: string }>): string =>
  Either.match(result, { onLeft: ({ code }) => code, onRight: () => "done" })
const fine = <A>(result: Either.Either<A, { readonly message: string }>): A =>
  Either.getOrThrowWith(result, ({ message }) => new Error(message))

let one: Made
let backup: Buffer
beforeAll(async () => {
  one = await made(fresh())
  const file = join(fresh(), "one.backup")
  fine(await create(one, file))
  backup = fs.readFileSync(file)
})

const scratches = () => fs.readdirSync(tmpdir()).filter((name) => name.startsWith("unsandbox-verify-"))

describe("sealed chunks", () => {
  const through = async (source: AsyncIterable<Uint8Array>): Promise<Buffer> => {
    const chunks: Array<Uint8Array> = []
    for await (const chunk of source) chunks.push(chunk)
    return Buffer.concat(chunks)
  }
  const pieces = async function* (bytes: Buffer, size: number) {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
  }

  it("open to what was sealed, at every length around the size of a chunk", async () => {
    for (const length of [0, 1, 256 * 1024 - 1, 256 * 1024, 256 * 1024 + 1, 512 * 1024, 700_000]) {
      const bytes = randomBytes(length)
      const seal = await Chunks.sealed(passphrase, cost)
      const sealed = await through(seal(pieces(bytes, 70_001)))
      const open = await Chunks.opened(passphrase, sealed.subarray(0, HEADER_BYTES))
      expect((await through(open(pieces(sealed.subarray(HEADER_BYTES), 99_999)))).equals(bytes)).toBe(true)
    }
  })

  it("are never the same twice", async () => {
    const seal = async () => through((await Chunks.sealed(passphrase, cost))(pieces(Buffer.alloc(1_000), 100)))
    const [first, second] = [await seal(), await seal()]
    expect(first.subarray(12, 51).equals(second.subarray(12, 51))).toBe(false)
    expect(first.subarray(HEADER_BYTES).equals(second.subarray(HEADER_BYTES))).toBe(false)
  })

  it("cuts any stream into pieces of one size and a shorter one", () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 40 })),
        fc.integer({ min: 1, max: 17 }),
        async (all, size) => {
          const found: Array<Buffer> = []
          for await (const piece of cut(
            (async function* () {
              yield* all
            })(),
            size
          ))
            found.push(piece)
          expect(Buffer.concat(found)).toEqual(Buffer.concat(all))
          expect(found.slice(0, -1).every(({ length }) => length === size)).toBe(true)
          expect(found.at(-1)?.length).toBeLessThan(size)
        }
      ),
      { numRuns: 100 }
    ))
})

describe("a backup", () => {
  it("comes back as what it was, down to owners, links, holes and attributes", async () => {
    const source = await made(fresh())
    const [tree] = fc.sample(fc.array(node, { minLength: 12, maxLength: 12 }), { numRuns: 1, seed: 7 })
    grow(Buffer.from(join(source.volume, "home")), tree ?? [])
    mark(source.volume)
    const odd = join(source.volume, "home", "odd")
    fs.writeFileSync(odd, "x")
    fs.lchownSync(odd, 0x70000000 + 5, 0x70000000 + 6)
    fs.chmodSync(odd, 0o4711)
    const file = join(fresh(), "b")
    const summary = fine(await create(source, file))
    expect(summary).toMatchObject({
      events: 20,
      blobs: 1,
      smallBlobs: 1,
      layers: 1,
      volumes: 1,
      secrets: 3,
      rootKey: true
    })
    expect(fs.statSync(file).mode & 0o777).toBe(0o600)
    expect(fine(await verify(source, file))).toEqual(summary)
    const before = { census: census(source.volume), stat: fs.statSync(odd) }
    fs.renameSync(source.data, `${source.data}-gone`)
    const data = join(fresh(), "data")
    expect(fine(await restore(source, file, data))).toEqual(summary)
    const after = join(data, "volumes", service)
    expect(census(after)).toEqual(before.census)
    const { gid, mode, uid } = fs.statSync(join(after, "home", "odd"))
    expect([uid, gid, mode]).toEqual([before.stat.uid, before.stat.gid, before.stat.mode])
    expect(fs.readFileSync(join(data, "logs", `${service}.log`), "utf8")).toBe("printed\n")
    await Effect.gen(function* () {
      const [log, secrets, blobs, layers] = yield* Effect.all([EventLog, Secrets, Blobs, Layers])
      expect(yield* log.verify).toMatchObject({ ok: true, events: 20 })
      expect(Option.map(yield* secrets.get("b"), Redacted.value)).toEqual(Option.some("the secret b"))
      expect(Option.map(yield* blobs.get(digestOf(large)), (bytes) => large.equals(bytes))).toEqual(Option.some(true))
      const into = fresh()
      yield* layers.unpack(source.layer, into)
      expect(fs.readFileSync(join(into, "srv", "file"), "utf8")).toBe("what a service wrote")
    }).pipe(Effect.provide(storageIn(data)), Effect.runPromise)
  }, 30_000)

  it("may be without volumes", async () => {
    const file = join(fresh(), "b")
    expect(fine(await create(one, file, { volumes: false }))).toMatchObject({ volumes: 0, layers: 1 })
    expect(fine(await verify(one, file))).toMatchObject({ volumes: 0, layers: 1 })
  })

  it("holds no root key that came from the environment, and then comes back only to who gives it", async () => {
    const current = { ...none, current: Redacted.make(randomBytes(64).toString("hex")) }
    const other = { ...none, current: Redacted.make(randomBytes(64).toString("hex")) }
    const source = await made(fresh(), current)
    const file = join(fresh(), "b")
    expect(fine(await create(source, file))).toMatchObject({ rootKey: false, secrets: null })
    const parent = fresh()
    expect(code(await restore(source, file, join(parent, "data")))).toBe("root_key_missing")
    expect(code(await verify(source, file))).toBe("root_key_missing")
    expect(code(await restore(source, file, join(parent, "data"), { offered: other }))).toBe("failed")
    expect(fs.readdirSync(parent)).toEqual([])
    expect(fine(await restore(source, file, join(parent, "data"), { offered: current }))).toMatchObject({ secrets: 3 })
    expect(fs.readdirSync(join(parent, "data"))).not.toContain("root.key")
  })

  it("takes a volume that is replaced while it is read from its beginning, and forgets one that goes", async () => {
    const source = await made(fresh())
    const [stays, goes] = [
      join(source.data, "volumes", "unsb-service-1"),
      join(source.data, "volumes", "unsb-service-2")
    ]
    for (const path of [stays, goes]) {
      fs.mkdirSync(path)
      fs.writeFileSync(join(path, "old"), randomBytes(8_000_000))
    }
    let seen = 0
    const bytes = (more: number) => {
      const [before, after] = [seen, seen + more]
      seen = after
      const passes = (mark: number) => before < mark && after >= mark
      if (passes(3_000_000)) {
        fs.renameSync(stays, `${stays}.going-1`)
        fs.mkdirSync(stays)
        fs.writeFileSync(join(stays, "new"), "new")
      }
      if (passes(12_000_000)) fs.renameSync(goes, `${goes}.going-1`)
    }
    const file = join(fresh(), "b")
    expect(fine(await create(source, file, { progress: { ...quiet, bytes } }))).toMatchObject({ volumes: 2 })
    expect(fine(await verify(source, file))).toMatchObject({ volumes: 2 })
    const data = join(fresh(), "data")
    expect(fine(await restore(source, file, data))).toMatchObject({ volumes: 2 })
    expect(fs.readdirSync(join(data, "volumes")).sort()).toEqual([service, "unsb-service-1"].sort())
    expect(fs.readdirSync(join(data, "volumes", "unsb-service-1"))).toEqual(["new"])
  }, 20_000)

  it("of a tree that is deeper than any path comes back as far as it can, and says so", async () => {
    const source = await made(fresh())
    const dig = "import os,sys\nos.chdir(sys.argv[1])\nfor i in range(20):\n os.mkdir('d'*240); os.chdir('d'*240)"
    execFileSync("python3", ["-c", dig, join(source.volume, "home")])
    const file = join(fresh(), "b")
    const incomplete = [`volumes/${service}`]
    expect(fine(await create(source, file)).incomplete).toEqual(incomplete)
    const data = join(fresh(), "data")
    expect(fine(await restore(source, file, data)).incomplete).toEqual(incomplete)
    expect(fs.readFileSync(join(data, "volumes", service, "srv", "file"), "utf8")).toBe("what a service wrote")
    for (const path of [source.data, data]) execFileSync("rm", ["-rf", path])
  }, 20_000)
})

describe("what is not as it was", () => {
  /** A file of these bytes is refused, by what looks and by what restores, and nothing is left. */
  const refused = async (bytes: Buffer, changes: Changes = {}): Promise<string> => {
    const parent = fresh()
    const file = join(parent, "b")
    fs.writeFileSync(file, bytes)
    const verdict = code(await verify(one, file, changes))
    expect(code(await restore(one, file, join(parent, "data"), changes))).toBe(verdict)
    expect(fs.readdirSync(parent)).toEqual(["b"])
    fs.rmSync(parent, { recursive: true })
    return verdict
  }

  it(
    "is refused wherever a bit was turned",
    () =>
      fc.assert(
        fc.asyncProperty(
          fc.oneof(
            { weight: 1, arbitrary: fc.integer({ min: 0, max: HEADER_BYTES - 1 }) },
            { weight: 2, arbitrary: fc.integer({ min: 0, max: backup.length - 1 }) }
          ),
          fc.integer({ min: 0, max: 7 }),
          async (at, bit) => {
            const bytes = Buffer.from(backup)
            bytes[at] = (bytes[at] ?? 0) ^ (1 << bit)
            expect(["damaged", "not_a_backup", "wrong_passphrase"]).toContain(await refused(bytes))
          }
        ),
        { numRuns: 25 }
      ),
    30_000
  )

  it("is refused wherever it was cut, however much was added, and whatever was moved", async () => {
    const cuts = fc.sample(fc.integer({ min: 0, max: backup.length - 1 }), { numRuns: 8, seed: 1 })
    const edges = [
      0,
      1,
      HEADER_BYTES - 1,
      HEADER_BYTES,
      HEADER_BYTES + CHUNK,
      HEADER_BYTES + 2 * CHUNK,
      backup.length - 1
    ]
    // So that there is a chunk in the middle.
    expect(backup.length).toBeGreaterThan(HEADER_BYTES + 2 * CHUNK)
    for (const length of [...cuts, ...edges])
      expect(["damaged", "not_a_backup"]).toContain(await refused(backup.subarray(0, length)))
    const [head, rest] = [backup.subarray(0, HEADER_BYTES), backup.subarray(HEADER_BYTES)]
    const [first, second] = [rest.subarray(0, CHUNK), rest.subarray(CHUNK, 2 * CHUNK)]
    const after = rest.subarray(2 * CHUNK)
    for (const forged of [
      [head, rest, Buffer.alloc(1)],
      [head, rest, Buffer.alloc(CHUNK)],
      [head, rest, backup],
      [head, second, first, after],
      [head, first, first, after],
      [head, first, after],
      [head, first, second, second, after]
    ])
      expect(await refused(Buffer.concat(forged))).toBe("damaged")
    expect(scratches()).toEqual([])
  }, 30_000)

  it("is refused with another passphrase", async () => {
    expect(await refused(backup, { passphrase: Buffer.from("correct horse battery stapl") })).toBe("wrong_passphrase")
  })

  it("is not made a backup of: a log, a blob or a layer that was changed", async () => {
    const changed = async (change: (of: Made) => void): Promise<string> => {
      const source = await made(fresh())
      change(source)
      const parent = fresh()
      const verdict = code(await create(source, join(parent, "b")))
      expect(fs.readdirSync(parent)).toEqual([])
      expect(fs.readdirSync(source.data).filter((name) => name.startsWith(".backup-"))).toEqual([])
      return verdict
    }
    const hex = (digest: Digest) => digest.slice("sha256:".length)
    const file = (data: string, kind: string, digest: Digest, suffix: string) =>
      join(data, kind, hex(digest).slice(0, 2), `${hex(digest).slice(2)}${suffix}`)
    const sql = (data: string, text: string) => {
      const db = new Sqlite(join(data, "unsandbox.sqlite"))
      db.exec(text)
      db.close()
    }
    expect(await changed(({ data }) => sql(data, "UPDATE events SET at = at + 1 WHERE seq = 9"))).toBe("data_damaged")
    expect(await changed(({ data }) => sql(data, "DELETE FROM events WHERE seq > 15"))).toBe("data_damaged")
    expect(await changed(({ data }) => sql(data, "UPDATE blobs SET data = x'00' WHERE bytes = 5"))).toBe("data_damaged")
    expect(await changed(({ data }) => sql(data, "UPDATE secrets SET name = 'd' WHERE name = 'a'"))).toBe("unsteady")
    expect(await changed(({ data }) => fs.rmSync(file(data, "blobs", digestOf(large), "")))).toBe("unsteady")
    expect(await changed(({ data }) => fs.appendFileSync(file(data, "blobs", digestOf(large), ""), "x"))).toBe(
      "unsteady"
    )
    expect(
      await changed(({ volume }) => {
        fs.mkdirSync(`${volume}.coming-1`)
        fs.renameSync(volume, `${volume}.going-1`)
      })
    ).toBe("unsteady")
    expect(await changed(({ data, layer }) => fs.rmSync(file(data, "layers", layer, ".tar.gz")))).toBe("unsteady")
    expect(await changed(({ data, layer }) => fs.truncateSync(file(data, "layers", layer, ".tar.gz"), 99))).toBe(
      "unsteady"
    )
  }, 30_000)
})

describe("the place", () => {
  it("is never written over unasked, nor within the data", async () => {
    const parent = fresh()
    const file = join(parent, "b")
    fs.writeFileSync(file, "mine")
    expect(code(await create(one, file))).toBe("exists")
    expect(fs.readFileSync(file, "utf8")).toBe("mine")
    expect(code(await create(one, join(one.data, "b")))).toBe("failed")
    expect(code(await create(one, parent, { force: true }))).toBe("exists")
    fine(await create(one, file, { force: true }))
    expect(fs.readdirSync(parent)).toEqual(["b"])
    fine(await verify(one, file))
  })

  it("of a restored directory must be free, or empty", async () => {
    const parent = fresh()
    const file = join(parent, "b")
    fs.writeFileSync(file, backup)
    fs.mkdirSync(join(parent, "taken"))
    fs.writeFileSync(join(parent, "taken", "x"), "mine")
    fs.symlinkSync(one.data, join(parent, "link"))
    for (const name of ["taken", "link", "b"]) expect(code(await restore(one, file, join(parent, name)))).toBe("exists")
    fs.mkdirSync(join(parent, "empty"))
    fine(await restore(one, file, join(parent, "empty")))
    expect(fs.statSync(join(parent, "empty")).mode & 0o777).toBe(0o700)
    expect(fs.readdirSync(parent).sort()).toEqual(["b", "empty", "link", "taken"])
  })
})
