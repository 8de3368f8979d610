/** D04: was the request signed within 300 s of now, by a clock that is itself trusted? */
import { finite, maybe, moment, struct, written } from "./Fact.js"
import { Permit, type Reason } from "./Guard.js"
import { agrees, type Sample, type TrustedClock } from "./TrustedClock.js"

interface Timed {
  /** The header, unix seconds in digits. */
  readonly timestamp: string
  /** Its last sample is now. */
  readonly clock: TrustedClock
}

export interface Fresh {
  readonly timestamp: string
  /** Microseconds since 1970. */
  readonly now: number
}

export const WINDOW_SECONDS = 300

const code = "invalid_timestamp"

const doubt = (note: string): Reason => ({
  code,
  message: "The server's clock has just been set, so it cannot judge a timestamp. Try again in a few minutes.",
  status: 503,
  retryAfterSeconds: 60,
  uncertain: true,
  note
})

const rule = ({ clock, timestamp }: Timed): true | Reason => {
  const { last, parted } = clock
  if (parted !== undefined)
    return doubt(`the wall clock parted from the monotonic one by ${Math.round(parted.byMillis)} ms`)
  if (!agrees(clock)) return doubt("the clock's own samples contradict it")
  if (!/^[0-9]{1,12}$/.test(timestamp))
    return { code, message: "X-Timestamp must be a timestamp in unix seconds, digits only.", status: 401 }
  const server = Math.floor(last.wall / 1000)
  const skew = Number(timestamp) - server
  if (Math.abs(skew) <= WINDOW_SECONDS) return true
  return {
    code,
    message:
      `The request timestamp is ${Math.abs(skew)} s ${skew < 0 ? "behind" : "ahead of"} the server's clock; ` +
      `${WINDOW_SECONDS} s are allowed. Set your clock (NTP) and sign again.`,
    status: 401,
    details: { server_time: server, skew_seconds: skew, allowed_seconds: WINDOW_SECONDS }
  }
}

const sample = struct<Sample>({ wall: moment, monotonic: finite })
const parting = struct({ at: finite, byMillis: (value) => typeof value === "number" })

export const timestampFresh = Permit.guard("D04", {
  name: "timestamp-fresh",
  claim: `the timestamp is within ${WINDOW_SECONDS} s of a clock that is itself trusted`,
  known: {
    timestamp: written,
    clock: struct<TrustedClock>({ anchor: sample, last: sample, parted: maybe(parting) })
  },
  rule,
  carries: ({ clock, timestamp }): Fresh => ({ timestamp, now: Math.floor(clock.last.wall * 1000) })
})
