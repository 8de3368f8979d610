/** D26: is the event on disk? What it permits is done after that, never before. */
import type { Row } from "../../events/Envelope.js"
import { list, positive, struct, text } from "./Fact.js"
import { Permit, type Reason } from "./Guard.js"

interface Appended {
  readonly stream: string
  /** What the log's `append` resolved with. */
  readonly rows: ReadonlyArray<Pick<Row, "seq" | "stream" | "hash">>
}

export interface Durable {
  readonly stream: string
  readonly firstSeq: number
  readonly lastSeq: number
}

const refusal: Reason = {
  code: "not_durable",
  message: "What happened could not be recorded, so nothing is done. Try again shortly.",
  status: 503,
  retryAfterSeconds: 1,
  uncertain: true
}

const rule = ({ rows, stream }: Appended): true | Reason => {
  if (rows.length === 0) return { ...refusal, note: "nothing was appended" }
  if (rows.some((row) => row.stream !== stream)) return { ...refusal, note: "a row of another stream" }
  const ordered = rows.every((row, index) => row.seq > (rows[index - 1]?.seq ?? 0))
  return ordered || { ...refusal, note: "rows out of order" }
}

export const logDurable = Permit.guard("D26", {
  name: "log-durable",
  claim: "the event is on disk before what it permits",
  known: {
    stream: text,
    rows: list(
      struct<Appended["rows"][number]>({
        seq: positive,
        stream: text,
        hash: (value) => typeof value === "string" && /^[0-9a-f]{64}$/.test(value)
      })
    )
  },
  uncertain: { code: refusal.code, message: refusal.message },
  rule,
  carries: ({ rows, stream }): Durable => ({
    stream,
    firstSeq: rows[0]?.seq ?? 0,
    lastSeq: rows[rows.length - 1]?.seq ?? 0
  })
})
