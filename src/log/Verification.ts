/** Walks the log from its first row to its head and names the first one that is not what was written. */
import type Sqlite from "better-sqlite3"
import { Effect } from "effect"
import { broken, genesis, type Link, type Sealed } from "./Chain.js"
import { LogCorrupt, type LogUnavailable, type Verdict } from "./EventLog.js"
import * as Rows from "./Rows.js"
import type { SigningKey } from "./SigningKey.js"
import { turn } from "./Turn.js"
import * as Witnesses from "./Witnesses.js"

/** Rows between two turns of the event loop: about 3 ms. */
const pageSize = 500

export interface Options {
  /** Called after every page with the rows walked and the rows there are. */
  readonly onProgress?: (walked: number, of: number) => void
}

interface Log {
  readonly db: Sqlite.Database
  readonly data: string
  readonly key: SigningKey
}

/** How far the log must reach at least, and what is wrong with the checkpoints that say so. */
interface Promised {
  readonly least: number
  readonly doubt?: Witnesses.Finding
}

const promised = (witnesses: Witnesses.Witnesses): Promised => {
  const row = witnesses.newest()
  const line = witnesses.newestLine()
  if (line === "garbled") return { least: 0, doubt: { seq: 1, reason: "checkpoints.jsonl ends in no checkpoint" } }
  for (const checkpoint of [row, line]) {
    const doubt = checkpoint === undefined ? undefined : witnesses.forged(checkpoint)
    if (doubt !== undefined) return { least: 0, doubt }
  }
  const inTable = row?.seq ?? 0
  const inFile = line?.seq ?? 0
  if (inTable <= inFile) return { least: inFile }
  return { least: inTable, doubt: { seq: inTable, reason: "checkpoints.jsonl lacks its checkpoint: the file was cut" } }
}

const atTheEnd = ({ least, doubt }: Promised, last: number): Witnesses.Finding | undefined =>
  least > last
    ? { seq: last + 1, reason: `rows are missing at the end: a checkpoint was signed for seq ${least}` }
    : doubt

/** Follows the chain through `page`: the last good link, and what broke it. */
const follow = (page: ReadonlyArray<Sealed>, from: Link, key: SigningKey) => {
  let link = from
  if (page.length === 0) return { link, finding: { seq: link.seq + 1, reason: "rows are missing here" } }
  for (const row of page) {
    const reason = broken(link, row, key.rows)
    if (reason !== undefined) return { link, finding: { seq: link.seq + 1, reason } }
    link = row
  }
  return { link, finding: undefined }
}

/** One page after `from`, rows and checkpoints. */
const step = (rows: Rows.Rows, witnesses: Witnesses.Witnesses, key: SigningKey, from: Link, upTo: number) => {
  const page = rows.sealed(from.seq, Math.min(pageSize, upTo - from.seq))
  const { link, finding } = follow(page, from, key)
  // A doubted checkpoint stands before the row that broke the chain.
  const doubted = witnesses.examine(from.seq, link.seq, (seq) => page[seq - from.seq - 1]?.hash)
  return { link, finding: doubted ?? finding }
}

const since = (rows: Rows.Rows, key: SigningKey, from: Link, upTo: number): Witnesses.Finding | undefined => {
  let link = from
  while (link.seq < upTo) {
    const followed = follow(rows.sealed(link.seq, pageSize), link, key)
    if (followed.finding !== undefined) return followed.finding
    link = followed.link
  }
  return undefined
}

const verdict = (link: Link, finding: Witnesses.Finding | undefined): Verdict => {
  if (finding === undefined) return { ok: true, events: link.seq, head: link.hash }
  const { seq, reason } = finding
  return { ok: false, events: Math.min(link.seq, seq - 1), head: link.hash, firstBadSeq: seq, reason }
}

const walk = Effect.fnUntraced(function* (log: Log, witnesses: Witnesses.Witnesses, options: Options) {
  const rows = Rows.make(log.db)
  // Checkpoints are read before the head: they are signed for committed rows, so a running server cannot outrun us.
  const promise = yield* Rows.reading(() => promised(witnesses))
  const head = yield* Rows.reading(rows.head)
  let link = genesis
  while (link.seq < head.seq) {
    yield* turn
    const from = link
    const stepped = yield* Rows.reading(() => step(rows, witnesses, log.key, from, head.seq))
    link = stepped.link
    if (stepped.finding !== undefined) return verdict(link, stepped.finding)
    options.onProgress?.(link.seq, head.seq)
  }
  return verdict(link, atTheEnd(promise, link.seq))
})

const witnessed = (log: Log) =>
  Effect.acquireRelease(
    Rows.reading(() => Witnesses.make(log.db, log.data, log.key)),
    (witnesses) => Effect.sync(witnesses.close)
  )

/** The whole log, however large: a page in memory at a time. */
export const verify = (log: Log, options: Options = {}): Effect.Effect<Verdict, LogUnavailable> =>
  witnessed(log).pipe(
    Effect.flatMap((witnesses) => walk(log, witnesses, options)),
    Effect.scoped
  )

/** Rows since the newest checkpoint in the table, whose own row must be the one that it was signed for. */
const inspect = (log: Log, witnesses: Witnesses.Witnesses): Witnesses.Finding | undefined => {
  const rows = Rows.make(log.db)
  const { seq } = rows.head()
  const ended = atTheEnd(promised(witnesses), seq)
  if (ended !== undefined) return ended
  for (const checkpoint of [witnesses.newest(), witnesses.newestLine()]) {
    if (checkpoint === undefined || checkpoint === "garbled") continue
    const finding = witnesses.judge(checkpoint, (at) => rows.link(at)?.hash)
    if (finding !== undefined) return finding
  }
  return since(rows, log.key, rows.link(witnesses.newest()?.seq ?? 0) ?? genesis, seq)
}

/** What a start can afford: the newest checkpoints and everything after them. */
export const verifyTail = (log: Log): Effect.Effect<void, LogCorrupt | LogUnavailable> =>
  witnessed(log).pipe(
    Effect.flatMap((witnesses) => Rows.reading(() => inspect(log, witnesses))),
    Effect.scoped,
    Effect.flatMap((finding) => (finding === undefined ? Effect.void : new LogCorrupt(finding)))
  )
