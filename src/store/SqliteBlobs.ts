/** The content-addressed store: small blobs are rows that share the commits of the log, large ones are files with a row. */
import type Sqlite from "better-sqlite3"
import { Clock, Effect, Exit, Layer, Option, Schema } from "effect"
import { Digest } from "../../events/Ids.js"
import { Database } from "../log/Database.js"
import { GroupCommit } from "../log/GroupCommit.js"
import { Lru } from "../log/Lru.js"
import * as BlobFiles from "./BlobFiles.js"
import { Blobs, StoreUnavailable } from "./Blobs.js"
import { digestOf } from "./Digest.js"

/** Up to here a row is cheaper than a file with its own two fsyncs. */
const smallBytes = 64 * 1024
const mostBytes = 256 * 1024 * 1024
/** Digests that are known to be kept: putting one of them again is free. */
const remembered = 16_384
/** Large blobs written at once. */
const writers = 4
const sweepSize = 256
const hour = 3_600_000
const week = 7 * 24 * hour

export interface Options {
  readonly retentionMillis?: number
}

interface Found {
  readonly data: Buffer | null
  readonly expiresAt: number
}

interface Expired {
  readonly digest: Digest
  readonly large: 0 | 1
}

const statements = (writer: Sqlite.Database, reader: Sqlite.Database) => ({
  keep: writer.prepare(
    `INSERT INTO blobs (digest, bytes, data, stored_at, expires_at) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (digest) DO UPDATE SET expires_at = max(expires_at, excluded.expires_at)`
  ),
  drop: writer.prepare("DELETE FROM blobs WHERE digest = ? AND expires_at <= ?"),
  find: reader.prepare<[string], Found>("SELECT data, expires_at AS expiresAt FROM blobs WHERE digest = ?"),
  expired: reader.prepare<[number, number], Expired>(
    "SELECT digest, data IS NULL AS large FROM blobs WHERE expires_at <= ? ORDER BY expires_at LIMIT ?"
  )
})

const unavailable = (error: unknown) =>
  new StoreUnavailable({ reason: error instanceof Error ? error.message : String(error) })

const disk = <A>(body: () => Promise<A>): Effect.Effect<A, StoreUnavailable> =>
  Effect.uninterruptible(Effect.tryPromise({ try: body, catch: unavailable }))

const reading = <A>(body: () => A): Effect.Effect<A, StoreUnavailable> => Effect.try({ try: body, catch: unavailable })

const make = Effect.fnUntraced(function* (options: Options) {
  const { data, writer, reader } = yield* Database
  const commit = yield* GroupCommit
  const retention = options.retentionMillis ?? week
  const slack = Math.min(hour, retention / 10)
  const { keep, drop, find, expired } = statements(writer, reader)
  const files = yield* reading(() => BlobFiles.make(data))
  const kept = new Lru<string, number>(remembered)
  // A sweep takes all permits: no file is written between its look at the table and its removal.
  const permits = yield* Effect.makeSemaphore(writers)
  let folder = 0

  const submit = <A>(weight: number, work: () => A) =>
    Effect.mapError(
      commit.submit(weight, () => Exit.succeed(work())),
      ({ reason }) => new StoreUnavailable({ reason })
    )

  const record = (digest: Digest, bytes: Uint8Array, row: Uint8Array | null, now: number) => {
    const expiresAt = now + retention
    const weight = 512 + (row?.length ?? 0)
    const work = submit(weight, () => keep.run(digest, bytes.length, row, now, expiresAt))
    return Effect.map(work, () => kept.set(digest, expiresAt))
  }

  const putLarge = (digest: Digest, bytes: Uint8Array, now: number) =>
    reading(() => find.get(digest)).pipe(
      Effect.flatMap((found) =>
        found !== undefined && found.expiresAt > now ? Effect.void : disk(() => files.write(digest, bytes))
      ),
      Effect.zipRight(record(digest, bytes, null, now)),
      permits.withPermits(1)
    )

  const put = (bytes: Uint8Array, digest: Digest) =>
    Effect.clockWith((clock) => {
      const now = clock.unsafeCurrentTimeMillis()
      const expiresAt = kept.get(digest)
      if (expiresAt !== undefined && expiresAt >= now + retention - slack) return Effect.void
      if (bytes.length > mostBytes) return unavailable(`a blob has at most ${mostBytes} bytes`)
      // Who could store bytes under another's digest would change what others read.
      if (digestOf(bytes) !== digest) return unavailable(`these bytes are not ${digest}`)
      return bytes.length <= smallBytes ? record(digest, bytes, bytes, now) : putLarge(digest, bytes, now)
    })

  const get = Effect.fnUntraced(function* (digest: Digest) {
    const now = yield* Clock.currentTimeMillis
    const found = yield* reading(() => find.get(digest))
    if (found === undefined || found.expiresAt <= now) return Option.none<Uint8Array>()
    const bytes: Uint8Array = found.data ?? (yield* disk(() => files.read(digest)))
    if (digestOf(bytes) !== digest) return yield* unavailable(`${digest} is damaged`)
    return Option.some(bytes)
  })

  // Between the look and the transaction a put may have extended one: the row says whether it goes.
  const dropAll = (found: ReadonlyArray<Expired>, now: number) =>
    submit(512, () => found.filter(({ digest }) => drop.run(digest, now).changes > 0))

  const sweepSome = Effect.fnUntraced(function* (now: number) {
    const found = yield* reading(() => expired.all(now, sweepSize))
    const dropped = found.length === 0 ? [] : yield* dropAll(found, now)
    for (const { digest, large } of dropped) if (large === 1) yield* disk(() => files.remove(digest))
    return { found: found.length, dropped: dropped.length }
  }, permits.withPermits(writers))

  const sweepFolder = Effect.fnUntraced(function* (now: number) {
    const old = yield* disk(() => files.old(folder++, now - hour))
    for (const name of old.filter(Schema.is(Digest)))
      if ((yield* reading(() => find.get(name))) === undefined) yield* disk(() => files.remove(name))
  }, permits.withPermits(writers))

  const sweep = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    let total = 0
    let more = true
    while (more) {
      const { found, dropped } = yield* sweepSome(now)
      total += dropped
      more = found === sweepSize
    }
    yield* sweepFolder(now)
    return total
  })

  return Blobs.of({ put, get, sweep })
})

export const layer = (options: Options = {}) => Layer.effect(Blobs, make(options))
