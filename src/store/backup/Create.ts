/** Makes a backup of a data directory, beside a running server or without one. */
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { pipeline } from "node:stream/promises"
import { Clock, Effect } from "effect"
import * as tar from "tar-stream"
import type { Offered } from "../secrets/RootKeyEnvironment.js"
import * as TarStream from "../TarStream.js"
import { type BackupRefused, failed } from "./BackupRefused.js"
import * as ChunkSeal from "./Chunks.js"
import * as Copy from "./Copy.js"
import type { Cost } from "./Header.js"
import * as Hold from "./Hold.js"
import * as Inventory from "./Inventory.js"
import type { End, Manifest } from "./Manifest.js"
import * as Place from "./Place.js"
import * as Proof from "./Proof.js"
import type { Progress, Summary } from "./Summary.js"
import * as WriteKept from "./WriteKept.js"
import * as WriteTrees from "./WriteTrees.js"
import { document, file, streaming, type Writing } from "./Writing.js"

interface Options {
  readonly data: string
  readonly file: string
  readonly passphrase: Buffer
  /** Replaces a file of that name. */
  readonly force: boolean
  readonly volumes: boolean
  readonly projections: Proof.Projections
  readonly offered: Offered
  readonly progress: Progress
  readonly cost?: Cost
}

/** Something was swept or rotated meanwhile: begun anew, from a new copy of the database, so often. */
const TRIES = 3

const trees = Effect.fnUntraced(function* (writing: Writing, manifest: Manifest) {
  const { data } = writing
  const found: Array<WriteTrees.Written> = []
  for (const name of manifest.trees)
    found.push(...(yield* WriteTrees.write(writing, `trees/${name}`, join(data, name))))
  for (const name of manifest.volumes ?? [])
    found.push(...(yield* WriteTrees.write(writing, `volumes/${name}`, join(data, "volumes", name))))
  return found
})

interface Content {
  readonly copied: Copy.Copied
  readonly manifest: Manifest
  readonly projections: Proof.Projections
}

const contents = Effect.fnUntraced(function* (writing: Writing, { copied, manifest, projections }: Content) {
  const { database, db, directory, files } = copied
  yield* document(writing, "manifest.json", manifest)
  yield* file(writing, "database", database.path, database)
  for (const one of files) yield* file(writing, `files/${one.name}`, join(directory, one.name), one)
  const blobs = yield* WriteKept.write(writing, "blobs", Proof.largeBlobs(db, manifest.createdAt))
  const layers = yield* WriteKept.write(writing, "layers", projections.layers(db))
  const written = yield* trees(writing, manifest)
  const end: End = { blobs, layers, trees: written.map(({ tree }) => tree) }
  yield* document(writing, "end.json", end)
  const volumes = end.trees.filter(({ member }) => member.startsWith("volumes/")).length
  const incomplete = written.flatMap((one) => (one.incomplete ? [one.tree.member] : []))
  return { blobs, layers, volumes, incomplete }
})

const filled = (writing: Writing, content: Content) =>
  Effect.onExit(contents(writing, content), (exit) =>
    Effect.sync(() => (exit._tag === "Success" ? writing.archive.finalize() : writing.archive.destroy()))
  )

const manifestOf = (copied: Copy.Copied, { data, volumes }: Options, createdAt: number): Manifest => {
  const inventory = Inventory.of(data)
  const { files, head, rootKey } = copied
  const { bytes, sha256 } = copied.database
  return {
    format: 1,
    createdAt,
    head,
    database: { bytes, sha256 },
    files,
    trees: inventory.trees,
    volumes: volumes ? inventory.volumes : null,
    rootKey
  }
}

/** Both sides at once: the failure of one ends the other. */
const written = (
  content: Content,
  seal: (source: TarStream.Chunks) => TarStream.Chunks,
  to: Place.Unfinished,
  options: Options
) =>
  Effect.gen(function* () {
    const archive = tar.pack()
    const sealing = streaming((signal) =>
      pipeline(TarStream.chunks(archive), seal, (sealed: TarStream.Chunks) => writeFile(to.file, sealed), { signal })
    )
    const { data, progress } = options
    const [sums] = yield* Effect.all([filled({ archive, data, progress }, content), sealing], { concurrency: 2 })
    return sums
  })

const attempt = (options: Options) =>
  Effect.gen(function* () {
    const { data, offered, progress, projections } = options
    progress.stage("copying the database")
    const createdAt = yield* Clock.currentTimeMillis
    const directory = yield* Hold.scratch(data, ".backup-")
    const copied = yield* Copy.make(data, directory, projections, offered)
    const manifest = yield* Effect.try({ try: () => manifestOf(copied, options, createdAt), catch: failed })
    const unfinished = yield* Place.file(options.file, options.force)
    const seal = yield* streaming(() => ChunkSeal.sealed(options.passphrase, options.cost))
    progress.stage("writing")
    const sums = yield* written({ copied, manifest, projections }, seal, unfinished, options)
    yield* unfinished.finish
    const { head, rootKey, secrets, smallBlobs } = copied
    return {
      ...sums,
      events: head.seq,
      secrets: secrets ?? null,
      smallBlobs,
      rootKey
    } satisfies Summary
  }).pipe(Effect.scoped)

/** Resolves once the file has its name and is on disk; until then there is none. */
export const create = (options: Options): Effect.Effect<Summary, BackupRefused> =>
  Place.free(options.file, options.force).pipe(
    Effect.zipRight(Place.outside(options.file, options.data)),
    Effect.zipRight(Effect.retry(attempt(options), { times: TRIES - 1, while: ({ code }) => code === "unsteady" }))
  )
