/** What must hold of a database and the files beside it before a backup of them is made, or one is put in its place. */
import type Sqlite from "better-sqlite3"
import { Effect } from "effect"
import type { Digest } from "../../../events/Ids.js"
import * as Migrations from "../../log/Migrations.js"
import * as Projection from "../../log/Projection.js"
import type { Projector } from "../../log/Projector.js"
import * as SigningKey from "../../log/SigningKey.js"
import * as Verification from "../../log/Verification.js"
import { digestOf } from "../Digest.js"
import * as Envelope from "../secrets/Envelope.js"
import * as MasterKey from "../secrets/MasterKey.js"
import type { Offered } from "../secrets/RootKeyEnvironment.js"
import * as RootKeyRing from "../secrets/RootKeyRing.js"
import { BackupRefused, failed } from "./BackupRefused.js"

/** What the layers above know of the data. */
export interface Projections {
  readonly projectors: ReadonlyArray<Projector>
  /** In the projected tables: every layer that something needs, ascending. */
  readonly layers: (db: Sqlite.Database) => IterableIterator<Digest>
}

interface Subject {
  /** Where the checkpoints and the keys are. */
  readonly directory: string
  /** Open for writing. */
  readonly db: Sqlite.Database
}

export interface Head {
  readonly seq: number
  readonly hash: string
}

const attempt = <A>(body: () => A): Effect.Effect<A, BackupRefused> => Effect.try({ try: body, catch: failed })

const untrue = (what: string) =>
  new BackupRefused({ code: "data_damaged", message: `What it holds is damaged: ${what}.` })

/** Brings tables of former versions up to date; refuses those of later ones. */
export const migrate = (db: Sqlite.Database): void => {
  if (Migrations.versionOf(db) > Migrations.newest) throw untrue("a newer version of this program wrote it")
  Migrations.migrate(db)
}

/** Every row, every seal, every checkpoint. */
export const log = ({ db, directory }: Subject): Effect.Effect<Head, BackupRefused> =>
  Effect.gen(function* () {
    const key = yield* attempt(() => SigningKey.load(directory))
    const { events, firstBadSeq, head, ok, reason } = yield* Effect.mapError(
      Verification.verify({ db, data: directory, key }),
      failed
    )
    if (ok) return { seq: events, hash: head }
    return yield* untrue(`the log at event ${firstBadSeq ?? "?"}: ${reason ?? "it does not verify"}`)
  })

interface Named extends Envelope.Sealed {
  readonly name: string
}

const openAll = ({ db, directory: data }: Subject, offered: Offered): number => {
  MasterKey.verified(data, db)
  const ring = RootKeyRing.open({ data, db, offered })
  const rows = db.prepare<[], Named>("SELECT name, version, root, wrapped, nonce, sealed FROM secrets")
  let secrets = 0
  for (const row of rows.iterate()) {
    secrets += 1
    // Those without a root were opened with the master key.
    if (row.root === null) continue
    const key = ring?.keys.get(row.root)
    if (key === undefined) throw untrue(`the secret ${row.name} is sealed under a key that is not ours`)
    try {
      Envelope.open(key, row.name, row)
    } catch {
      throw untrue(`the secret ${row.name} does not open`)
    }
  }
  return secrets
}

/** Opens each, and resolves with how many; nothing is changed. */
export const secrets = (subject: Subject, offered: Offered): Effect.Effect<number, BackupRefused> =>
  attempt(() => openAll(subject, offered))

interface Small {
  readonly digest: string
  readonly data: Buffer
}

/** Those that are rows; the others are members of their own. */
export const smallBlobs = ({ db }: Subject): Effect.Effect<number, BackupRefused> =>
  attempt(() => {
    let blobs = 0
    for (const row of db.prepare<[], Small>("SELECT digest, data FROM blobs WHERE data IS NOT NULL").iterate()) {
      if (digestOf(row.data) !== row.digest) throw untrue(`the blob ${row.digest}`)
      blobs += 1
    }
    return blobs
  })

/** Ascending: large blobs that somebody may still ask for at that time. */
export const largeBlobs = (db: Sqlite.Database, at: number): IterableIterator<Digest> =>
  db
    .prepare<[number], Digest>("SELECT digest FROM blobs WHERE data IS NULL AND expires_at > ? ORDER BY digest")
    .pluck()
    .iterate(at)

/** What is read of the log from now on is folded from it. `anew`: also what was folded before. */
export const project = ({ db }: Subject, projectors: ReadonlyArray<Projector>, anew: boolean) =>
  attempt(() => {
    if (anew) db.exec("DELETE FROM cursors")
    Projection.open(db, projectors)
  })
