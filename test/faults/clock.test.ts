/** A wall clock that lies under a real server: nobody cancels anything by it, before the two clocks agree again. */
import { Clock, Effect, Ref } from "effect"
import { expect } from "vitest"
import { caller, inServer, Noted } from "../http/harness.js"
import { request } from "../support/client.js"
import { live } from "../support/it.js"

/** The machine's clock; its wall can be set, its monotonic half cannot. */
const settable = () => {
  const real = Clock.make()
  let offset = 0
  const clock: Clock.Clock = {
    ...real,
    unsafeCurrentTimeMillis: () => real.unsafeCurrentTimeMillis() + offset,
    unsafeCurrentTimeNanos: () => real.unsafeCurrentTimeNanos(),
    currentTimeMillis: Effect.map(real.currentTimeMillis, (millis) => millis + offset),
    currentTimeNanos: real.currentTimeNanos,
    sleep: (duration) => real.sleep(duration)
  }
  return {
    clock,
    set: (by: number) => {
      offset = by
    },
    seconds: () => Math.floor((Date.now() + offset) / 1_000)
  }
}

const HOUR = 3_600_000

for (const [how, by] of [
  ["ahead by an hour", HOUR],
  ["back by an hour", -HOUR],
  ["ahead by a minute", 60_000],
  ["to 1970", -Date.now()],
  ["to the year 2300", Date.UTC(2300, 0) - Date.now()],
  ["to what is no time", Number.NaN]
] as const) {
  const { clock, seconds, set } = settable()
  live(`set ${how}, the clock lets nobody cancel a job`, () =>
    inServer(
      Effect.gen(function* () {
        const noted = yield* Noted
        const to = yield* caller()
        const ask = (method: string, path: string, timestamp?: number) =>
          Effect.promise(() => request(to, method, path, timestamp === undefined ? {} : { sign: { timestamp } }))
        const body = { language: "python", code: JSON.stringify({ millis: 60_000 }) }
        const started = yield* Effect.promise(() => request(to, "POST", "/execute/async", { body }))
        const path = `/jobs/${String(started.json.job_id)}`
        const before = yield* ask("GET", path)
        expect(before.json.status).toBe("running")

        set(by)
        // Whether the caller goes by its own clock, or by the server's.
        const timestamps = [Math.floor(Date.now() / 1_000), ...(Number.isNaN(by) ? [] : [seconds()])]
        for (const timestamp of timestamps) {
          const refused = yield* ask("DELETE", path, timestamp)
          expect(refused.status, refused.text).toBe(503)
          expect(refused.json).toMatchObject({ details: { point: "D04", certainty: "uncertain" } })
        }
        const told = (yield* Ref.get(noted)).filter(({ refused }) => refused.point === "D04")
        expect(told.map(({ asked }) => asked)).toEqual(
          timestamps.map(() => ({ principal: to.publicKey, action: `DELETE ${path}` }))
        )

        // Set right again it has jumped once more, so it is still in doubt.
        set(0)
        expect((yield* ask("DELETE", path)).status).toBe(503)
      })
    ).pipe(Effect.withClock(clock))
  )
}
