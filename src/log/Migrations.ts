/** The shape of the database file through time; `user_version` says how many of these it has had. Released steps are never edited. */
import type Sqlite from "better-sqlite3"

const steps: ReadonlyArray<string> = [
  `
  CREATE TABLE events (
    seq INTEGER PRIMARY KEY,
    stream TEXT NOT NULL,
    version INTEGER NOT NULL,
    type TEXT NOT NULL,
    schema INTEGER NOT NULL,
    at INTEGER NOT NULL,
    "by" TEXT NOT NULL,
    cause TEXT,
    trace TEXT,
    data TEXT NOT NULL,
    prev TEXT NOT NULL,
    hash TEXT NOT NULL,
    seal TEXT NOT NULL,
    UNIQUE (stream, version)
  ) STRICT;
  CREATE TABLE cursors (name TEXT PRIMARY KEY, version INTEGER NOT NULL, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE checkpoints (
    seq INTEGER PRIMARY KEY,
    hash TEXT NOT NULL,
    at INTEGER NOT NULL,
    signature TEXT NOT NULL
  ) STRICT;
  CREATE TABLE blobs (
    digest TEXT PRIMARY KEY,
    bytes INTEGER NOT NULL,
    data BLOB,
    stored_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX blobs_by_expiry ON blobs (expires_at);
  CREATE TABLE secrets (
    name TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    nonce BLOB NOT NULL,
    sealed BLOB NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  CREATE TABLE seen_requests (request TEXT PRIMARY KEY, until INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE INDEX seen_requests_by_end ON seen_requests (until);
  `,
  `
  CREATE TABLE root_keys (
    generation INTEGER PRIMARY KEY,
    identity TEXT NOT NULL UNIQUE,
    retired INTEGER NOT NULL
  ) STRICT;
  ALTER TABLE secrets ADD COLUMN root INTEGER;
  ALTER TABLE secrets ADD COLUMN wrapped BLOB;
  `,
  `
  CREATE TABLE rates (key TEXT PRIMARY KEY, tat INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  `
]

export const newest = steps.length

export const versionOf = (db: Sqlite.Database): number => Number(db.pragma("user_version", { simple: true }))

/** Each step commits with its number, so that a crash between two is continued at the right one. */
export const migrate = (db: Sqlite.Database): void => {
  for (const [index, step] of steps.entries()) {
    if (index < versionOf(db)) continue
    db.transaction(() => {
      db.exec(step)
      db.pragma(`user_version = ${index + 1}`)
    }).immediate()
  }
}
