/** `unsandbox verify`: walks the log from its first event to its head; status 1 when the chain is broken. */
import { Command } from "@effect/cli"
import { Effect } from "effect"
import { EventLog, type Verdict } from "../../log/EventLog.js"
import * as Storage from "../../store/Storage.js"
import { Unsatisfied } from "../Failure.js"
import { json, place, settings } from "../Options.js"
import * as Output from "../Output.js"

const document = (verdict: Verdict) => ({
  ok: verdict.ok,
  events: verdict.events,
  head: verdict.head,
  ...(verdict.firstBadSeq === undefined ? {} : { first_bad_seq: verdict.firstBadSeq }),
  ...(verdict.reason === undefined ? {} : { reason: verdict.reason })
})

const sentence = (verdict: Verdict) =>
  verdict.ok
    ? `The chain holds: ${verdict.events} events, head ${verdict.head}`
    : `The chain is broken at event ${verdict.firstBadSeq ?? "?"}: ${verdict.reason ?? "it does not verify"}`

export const verify = Command.make("verify", { place, json }, (given) =>
  Effect.gen(function* () {
    const { data } = yield* settings(given.place)
    const verdict = yield* Effect.flatMap(EventLog, (log) => log.verify).pipe(
      Effect.provide(Storage.readOnly({ data }))
    )
    yield* given.json ? Output.json(document(verdict)) : Output.line(sentence(verdict))
    if (!verdict.ok) return yield* new Unsatisfied()
  })
).pipe(Command.withDescription("Check the log's hash chain and signed checkpoints"))
