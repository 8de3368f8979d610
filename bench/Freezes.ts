/** How long freezing and its opposite take, as their caller sees it: of a session, of a service, and of one that slept deeply. */
import { Effect } from "effect"
import { server } from "./Servers.js"
import * as Services from "./Services.js"
import * as Sessions from "./Sessions.js"
import { median, millis } from "./Times.js"

/** A program that does nothing: what is measured is the membrane's part. */
export const IDLE = "exec sleep infinity"

/** As soon as the sweep finds what is frozen. */
const AT_ONCE = ["--deep-freeze", "1ms"]

const usual = Effect.fnUntraced(function* (times: number) {
  const of = yield* server("4")
  const session = yield* Sessions.made(of, { shell: "bash", multiplexer: "tmux" })
  const service = yield* Services.made(of, IDLE)
  yield* Services.until(of, service, Services.runs)
  const turn = Effect.all({
    session: millis(Sessions.order(of, session, "freeze")),
    sessionThaw: millis(Sessions.order(of, session, "unfreeze")),
    service: millis(Services.order(of, service, "freeze")),
    serviceThaw: millis(Services.order(of, service, "unfreeze"))
  })
  yield* turn
  const turns = yield* Effect.replicateEffect(turn, times)
  return {
    session_freeze_p50_ms: median(turns.map(({ session }) => session)),
    session_unfreeze_p50_ms: median(turns.map(({ sessionThaw }) => sessionThaw)),
    service_freeze_p50_ms: median(turns.map(({ service }) => service)),
    service_unfreeze_p50_ms: median(turns.map(({ serviceThaw }) => serviceThaw))
  }
}, Effect.scoped)

/** From its root alone: a container is claimed and the bootstrap runs again. */
const deep = Effect.fnUntraced(function* (times: number) {
  const of = yield* server("4", undefined, AT_ONCE)
  const service = yield* Services.made(of, IDLE)
  yield* Services.until(of, service, Services.runs)
  const asleep = Effect.zipRight(Services.order(of, service, "freeze"), Services.until(of, service, Services.sleeps))
  const woken = Effect.zipRight(Services.order(of, service, "unfreeze"), Services.until(of, service, Services.runs))
  const waited = yield* Effect.replicateEffect(Effect.zipRight(asleep, millis(woken)), times + 1)
  return { deep_wake_p50_ms: median(waited.slice(1)) }
}, Effect.scoped)

export const freezes = Effect.fnUntraced(function* (times: number, sleeps: number) {
  return { ...(yield* usual(times)), ...(yield* deep(sleeps)) }
})
