/** What becomes of a server's data behind its back: as an operator's mishap, a failing disk or a bug would have it. */
import { join } from "node:path"
import Database from "better-sqlite3"

export interface Broken {
  readonly breaks: () => void | Promise<void>
  /** All is as it was before. */
  readonly mends: () => void | Promise<void>
}

/** A column and what it is made to say, as SQL. */
export interface Lie {
  readonly table: string
  readonly column: string
  readonly value: string
  /** Which rows; all of them when it is not said. */
  readonly where?: string
}

export interface Behind {
  readonly sql: (statements: string) => void
  readonly rows: (query: string) => ReadonlyArray<object>
  /** It fails: there is no such table. */
  readonly away: (table: string) => Broken
  /** It says what no server of ours has written. */
  readonly garbled: (lie: Lie) => Broken
  /** It says nothing: there are no such rows. */
  readonly emptied: (table: string, where: string) => Broken
  /** It hangs: another process is writing, and does not come to an end. */
  readonly held: () => Broken
}

export const behind = (data: string): Behind => {
  const file = join(data, "unsandbox.sqlite")
  const sql = (statements: string) => {
    const db = new Database(file, { timeout: 10_000 })
    try {
      db.exec(`BEGIN IMMEDIATE; ${statements}; COMMIT`)
    } finally {
      db.close()
    }
  }
  const rows = (query: string) => {
    const db = new Database(file, { readonly: true, timeout: 10_000 })
    try {
      return db.prepare<[], object>(query).all()
    } finally {
      db.close()
    }
  }
  /** Rows are kept beside and put back as they were. */
  const changed = (table: string, where: string, change: string): Broken => ({
    breaks: () => sql(`CREATE TABLE kept AS SELECT * FROM ${table} WHERE ${where}; ${change} WHERE ${where}`),
    mends: () => sql(`INSERT OR REPLACE INTO ${table} SELECT * FROM kept; DROP TABLE kept`)
  })
  const held = (): Broken => {
    let other: Database.Database | undefined
    return {
      breaks: () => {
        other = new Database(file, { timeout: 10_000 })
        other.exec("BEGIN IMMEDIATE")
      },
      mends: () => void other?.close()
    }
  }
  return {
    sql,
    rows,
    away: (table) => ({
      breaks: () => sql(`ALTER TABLE ${table} RENAME TO ${table}_away`),
      mends: () => sql(`ALTER TABLE ${table}_away RENAME TO ${table}`)
    }),
    garbled: ({ column, table, value, where = "true" }) =>
      changed(table, where, `UPDATE ${table} SET ${column} = ${value}`),
    emptied: (table, where) => changed(table, where, `DELETE FROM ${table}`),
    held
  }
}
