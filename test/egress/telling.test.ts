/** Verifies: what is told of marked variables: before anything leaves, once an hour what is alike, and never a value. */
import { Effect, Either, Exit, TestClock } from "effect"
import { describe, expect } from "vitest"
import { Substitutes } from "../../actors/egress/Substitutes.js"
import * as Tidings from "../../actors/egress/Tidings.js"
import { stream } from "../../events/Envelope.js"
import { ServiceId } from "../../events/Ids.js"
import { parse } from "../../src/guards/EgressMark.js"
import { EventLog } from "../../src/log/EventLog.js"
import { MemoryLog } from "../kernel/MemoryLog.js"
import * as H from "../support/history.js"
import { effect, live } from "../support/it.js"
import { ann, proxied } from "./proxied.js"
import { atHome } from "./secured.js"

const mark = Either.getOrThrow(parse("*.a.example"))
const put = { _tag: "Substituted", variable: "TOKEN", mark } as const
const left = { _tag: "Withheld", variable: "TOKEN" } as const
const at = (host: string) => ({ host, port: 443 })

describe("tidings", () => {
  live("are one an hour for a variable and a mark, whatever the hosts are called", () =>
    proxied({}, () =>
      Effect.gen(function* () {
        const { service } = yield* atHome(1, Effect.succeed({}))
        const home = { container: H.containerId(1), service, owner: ann }
        const substitutes = yield* Substitutes
        const many = Array.from({ length: 100 }, (_, n) => substitutes.tell(home, at(`h${n}.a.example`), [put, left]))
        yield* Effect.all(many, { concurrency: "unbounded" })
        const log = yield* EventLog
        const rows = yield* log.read(stream("egress", service))
        expect(rows.map(({ type }) => type)).toEqual(["SecretSubstituted", "SecretWithheld"])
      })
    )
  )

  live("of a container that nobody lives in are not told, and nothing leaves", () =>
    proxied({}, () =>
      Effect.gen(function* () {
        const { service } = yield* Effect.scoped(atHome(1, Effect.succeed({})))
        const home = { container: H.containerId(1), service, owner: ann }
        const substitutes = yield* Substitutes
        const result = yield* Effect.either(substitutes.tell(home, at("a.example"), [put]))
        expect(Either.isLeft(result)).toBe(true)
        expect(yield* substitutes.of(home.container)).toBeUndefined()
      })
    )
  )

  effect("are told again after an hour, and as long as they could not be", () =>
    Effect.gen(function* () {
      const log = new MemoryLog()
      log.faults = ["no", "dies"]
      const begin = yield* Tidings.make.pipe(Effect.provideService(EventLog, log.service))
      const service = ServiceId.make("unsb-service-0000000000000001")
      const { tell } = begin({ container: H.containerId(1), service, owner: ann })
      expect(Exit.isFailure(yield* Effect.exit(tell(at("a.example"), [put])))).toBe(true)
      expect(Exit.isFailure(yield* Effect.exit(tell(at("a.example"), [put])))).toBe(true)
      yield* tell(at("a.example"), [put])
      yield* tell(at("a.example"), [put])
      const told = () => log.rows.map(({ type }) => type)
      expect(told()).toEqual(["SecretSubstituted"])
      yield* TestClock.adjust("59 minutes")
      yield* tell(at("a.example"), [put])
      expect(told()).toHaveLength(1)
      yield* TestClock.adjust("1 minute")
      yield* tell(at("a.example"), [put])
      expect(told()).toHaveLength(2)
    })
  )
})
