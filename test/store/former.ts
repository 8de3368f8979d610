/** A data directory as the first version of this program left it: secrets directly under `master.key`, written out here. */
import { createCipheriv, randomBytes } from "node:crypto"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import Sqlite from "better-sqlite3"

const SCHEMA = `
  CREATE TABLE events (seq INTEGER PRIMARY KEY, stream TEXT NOT NULL, version INTEGER NOT NULL, type TEXT NOT NULL,
    schema INTEGER NOT NULL, at INTEGER NOT NULL, "by" TEXT NOT NULL, cause TEXT, trace TEXT, data TEXT NOT NULL,
    prev TEXT NOT NULL, hash TEXT NOT NULL, seal TEXT NOT NULL, UNIQUE (stream, version)) STRICT;
  CREATE TABLE cursors (name TEXT PRIMARY KEY, version INTEGER NOT NULL, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE checkpoints (seq INTEGER PRIMARY KEY, hash TEXT NOT NULL, at INTEGER NOT NULL, signature TEXT NOT NULL) STRICT;
  CREATE TABLE blobs (digest TEXT PRIMARY KEY, bytes INTEGER NOT NULL, data BLOB, stored_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL) STRICT;
  CREATE INDEX blobs_by_expiry ON blobs (expires_at);
  CREATE TABLE secrets (name TEXT PRIMARY KEY, version INTEGER NOT NULL, nonce BLOB NOT NULL, sealed BLOB NOT NULL)
    STRICT, WITHOUT ROWID;
  PRAGMA user_version = 1;
  PRAGMA journal_mode = WAL;
`

const sealed = (key: Buffer, name: string, secret: string) => {
  const nonce = randomBytes(12)
  const cipher = createCipheriv("aes-256-gcm", key, nonce, { authTagLength: 16 })
  cipher.setAAD(Buffer.from(`unsandbox secret v1\n${name}`))
  return { name, nonce, sealed: Buffer.concat([cipher.update(secret), cipher.final(), cipher.getAuthTag()]) }
}

/** The master key is told, so that a test can look for it. */
export const former = (data: string, secrets: ReadonlyMap<string, string>): Buffer => {
  mkdirSync(data, { recursive: true, mode: 0o700 })
  const key = randomBytes(32)
  writeFileSync(join(data, "master.key"), key, { mode: 0o600 })
  const db = new Sqlite(join(data, "unsandbox.sqlite"))
  db.exec(SCHEMA)
  const insert = db.prepare("INSERT INTO secrets (name, version, nonce, sealed) VALUES (@name, 1, @nonce, @sealed)")
  for (const [name, secret] of secrets) insert.run(sealed(key, name, secret))
  db.close()
  return key
}
