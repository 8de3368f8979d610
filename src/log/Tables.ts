/** The read-only connection to the tables that projectors keep: what HTTP reads. */
import type Sqlite from "better-sqlite3"
import { Context } from "effect"

export class Tables extends Context.Tag("log/Tables")<Tables, Sqlite.Database>() {}
