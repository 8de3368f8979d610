/** Version 1 of sealing: every secret directly under the 32 bytes of `master.key`. Only opened, to be sealed in envelopes. */
import { createSecretKey, type KeyObject } from "node:crypto"
import { join } from "node:path"
import type Sqlite from "better-sqlite3"
import { DataRefused } from "../../log/Database.js"
import * as KeyFile from "../../log/KeyFile.js"
import * as Envelope from "./Envelope.js"

const VERSION = 1
const BATCH = 64

interface Row extends Envelope.Sealed {
  readonly name: string
}

const fileIn = (data: string): string => join(data, "master.key")

const OLD = `FROM secrets WHERE version = ${VERSION} AND root IS NULL AND wrapped IS NULL`

const opened = (key: KeyObject, { name, nonce, sealed }: Row): string =>
  Envelope.unbox(key, `unsandbox secret v${VERSION}\n${name}`, { nonce, sealed }).toString()

const load = (path: string): KeyObject => {
  const bytes = KeyFile.load(path)
  if (bytes === undefined)
    throw new DataRefused({ path, reason: "it is missing, and what it protects is there: restore it" })
  if (bytes.length !== 32) throw new DataRefused({ path, reason: "a master key has 32 bytes: restore it" })
  return createSecretKey(bytes)
}

const check = (path: string, key: KeyObject, row: Row): void => {
  try {
    opened(key, row)
  } catch {
    const reason = `it does not open ${row.name}: put the right file there, or delete that row of the table secrets`
    throw new DataRefused({ path, reason })
  }
}

interface Former {
  readonly key: KeyObject
  readonly path: string
}

/** Undefined when nothing is sealed under it. Throws DataRefused unless it opens every one; changes nothing. */
export const verified = (data: string, db: Sqlite.Database): Former | undefined => {
  const path = fileIn(data)
  if (db.prepare(`SELECT 1 ${OLD} LIMIT 1`).get() === undefined) return undefined
  const key = load(path)
  for (const row of db.prepare<[], Row>(`SELECT * ${OLD}`).iterate()) check(path, key, row)
  return { key, path }
}

/** Seals a batch anew, inside the caller's transaction; false when there was none left. */
export const resealing = (db: Sqlite.Database, { key }: Former) => {
  const select = db.prepare<[number], Row>(`SELECT * ${OLD} LIMIT ?`)
  const update = db.prepare(
    "UPDATE secrets SET version = ?, root = ?, wrapped = ?, nonce = ?, sealed = ? WHERE name = ?"
  )
  return (under: Envelope.WrappingKey): boolean => {
    const rows = select.all(BATCH)
    for (const row of rows) {
      const { nonce, root, sealed, version, wrapped } = Envelope.seal(under, row.name, opened(key, row))
      update.run(version, root, wrapped, nonce, sealed, row.name)
    }
    return rows.length > 0
  }
}

/** To be called once nothing is sealed under it, durably. */
export const remove = (data: string): void => {
  if (KeyFile.load(fileIn(data)) !== undefined) KeyFile.destroy(fileIn(data))
}
