/** Whether the tables that a server left are what its log makes of them: they are made anew from a copy, and compared. */
import { cpSync, mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import Sqlite from "better-sqlite3"
import { Effect, Layer } from "effect"
import type { Projector } from "../../src/log/Projector.js"
import * as Projections from "../../src/projections/Projections.js"
import { storageIn } from "../support/storage.js"

const FILE = "unsandbox.sqlite"

/** What is JSON is compared by value: its members have no order. */
const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => [key, sorted(member)])
  )
}

const cell = (value: unknown): unknown => {
  if (typeof value !== "string" || !/^[{[]/.test(value)) return value
  try {
    return sorted(JSON.parse(value))
  } catch {
    // A text that only begins like one.
    return value
  }
}

const rowsOf = (data: string, projectors: ReadonlyArray<Projector>): ReadonlyMap<string, ReadonlyArray<string>> => {
  const db = new Sqlite(join(data, FILE), { readonly: true })
  try {
    const tables = projectors.flatMap(({ tables }) => tables)
    const rows = (table: string) =>
      db
        .prepare<[], ReadonlyArray<unknown>>(`SELECT * FROM "${table}"`)
        .raw()
        .all()
        .map((row) => JSON.stringify(row.map(cell)))
    return new Map(tables.map((table) => [table, rows(table).sort()]))
  } finally {
    db.close()
  }
}

const rebuilt = async (data: string, projectors: ReadonlyArray<Projector>): Promise<void> => {
  const { layer } = Projections.make()
  const changed = projectors.map((one) => ({ ...one, version: one.version + 1_000 }))
  await Effect.runPromise(Effect.provide(Effect.void, Layer.provideMerge(layer, storageIn(data, changed))))
}

/** Of a server that has ended; what differs, in words. */
export const differences = async (data: string): Promise<ReadonlyArray<string>> => {
  const copy = mkdtempSync(join(tmpdir(), "unsandbox-soak-copy-"))
  try {
    for (const entry of readdirSync(data, { withFileTypes: true }))
      if (entry.isFile()) cpSync(join(data, entry.name), join(copy, entry.name))
    const { projectors } = Projections.make()
    const live = rowsOf(copy, projectors)
    await rebuilt(copy, projectors)
    const again = rowsOf(copy, projectors)
    return [...live].flatMap(([table, rows]) => {
      const other = again.get(table) ?? []
      const row = rows.findIndex((one, index) => one !== other[index])
      if (row < 0 && rows.length === other.length) return []
      return [`${table}: ${rows.length} rows, ${other.length} rebuilt; ${rows[row]} against ${other[row]}`]
    })
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}
