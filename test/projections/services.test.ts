/** Views that are kept in memory: never those of before an event that is durable, nor of one that is not. */
import { Effect, Either, Layer, Option } from "effect"
import { describe, expect } from "vitest"
import type { AnyEvent } from "../../events/Catalogue.js"
import { StreamId } from "../../events/Envelope.js"
import type { ServiceId } from "../../events/Ids.js"
import { EventLog } from "../../src/log/EventLog.js"
import type { Projector } from "../../src/log/Projector.js"
import * as Projections from "../../src/projections/Projections.js"
import { ServiceTable } from "../../src/projections/ServiceTable.js"
import * as It from "../actors/service/facts.js"
import { live } from "../support/it.js"
import { directory, storageIn } from "../support/storage.js"

/** Folds after all others, and throws for what it is told to. */
const throwing = (refuses: { tag: string }): Projector => ({
  ...{ name: "throwing", version: 1, tables: [], schema: "" },
  open: () => (_, event) => {
    if (event._tag === refuses.tag) throw new Error("it cannot be folded")
  }
})

const table = Effect.gen(function* () {
  const refuses = { tag: "" }
  const { layer, projectors } = Projections.make()
  const on = Layer.provideMerge(layer, storageIn(yield* directory, [...projectors, throwing(refuses)]))
  const context = yield* Layer.build(on)
  const [log, services] = yield* Effect.provide(Effect.all([EventLog, ServiceTable]), context)
  const versions = new Map<string, number>()
  const append = (id: ServiceId, ...events: ReadonlyArray<AnyEvent>) =>
    Effect.gen(function* () {
      const stream = StreamId.make(`service/${id}`)
      const expected = versions.get(stream) ?? 0
      yield* log.append({ stream, expected, events, by: "root/test" })
      versions.set(stream, expected + events.length)
    })
  return {
    ...{ append, refuses },
    byName: (name: string) => Effect.map(services.byName(name), Option.getOrUndefined),
    byDomain: (domain: string) => Effect.map(services.byDomain(domain), Option.getOrUndefined)
  }
})

const { another, service } = It
const domainsOf = (...domains: ReadonlyArray<string>): AnyEvent => ({ _tag: "ServiceDomainsChanged", service, domains })

describe("what visitors ask for", () => {
  live("is read once, until something becomes of a service", () =>
    Effect.gen(function* () {
      const { append, byName } = yield* table
      yield* append(service, It.created)
      const first = yield* byName("shop")
      expect(first?.state).toBe("starting")
      expect(yield* byName("shop")).toBe(first)
      for (const [event, state] of [
        [It.started, "running"],
        [It.frozen, "frozen"],
        [It.thawed, "running"],
        [It.redeploying, "redeploying"],
        [It.failed, "failed"]
      ] as const) {
        yield* append(service, event)
        expect((yield* byName("shop"))?.state).toBe(state)
      }
    })
  )

  live("is its owner's last word on names and domains", () =>
    Effect.gen(function* () {
      const { append, byDomain, byName } = yield* table
      expect([yield* byName("shop"), yield* byDomain("a.test")]).toEqual([undefined, undefined])
      yield* append(service, It.created, domainsOf("a.test"))
      expect((yield* byName("shop"))?.service).toBe(service)
      expect((yield* byDomain("a.test"))?.service).toBe(service)
      yield* append(service, { _tag: "ServiceRenamed", service, name: "store" }, domainsOf("b.test"))
      expect([yield* byName("shop"), yield* byDomain("a.test")]).toEqual([undefined, undefined])
      expect((yield* byName("store"))?.domains).toEqual(["b.test"])
      expect((yield* byDomain("b.test"))?.name).toBe("store")
    })
  )

  live("is who has the name now, or had it last", () =>
    Effect.gen(function* () {
      const { append, byName } = yield* table
      yield* append(service, It.created)
      expect((yield* byName("shop"))?.ended).toBeNull()
      yield* append(service, It.destroyed)
      expect((yield* byName("shop"))?.ended).toMatchObject({ cause: "asked" })
      yield* append(another, { _tag: "ServiceCreated", ...It.creation, service: another })
      expect(yield* byName("shop")).toMatchObject({ service: another, ended: null })
    })
  )

  live("is not what a fold wrote that was undone", () =>
    Effect.gen(function* () {
      const { append, byName, refuses } = yield* table
      yield* append(service, It.created, It.started)
      refuses.tag = "ServiceFrozen"
      expect(Either.isLeft(yield* Effect.either(append(service, It.frozen)))).toBe(true)
      expect((yield* byName("shop"))?.state).toBe("running")
      refuses.tag = ""
      yield* append(service, It.frozen)
      expect((yield* byName("shop"))?.state).toBe("frozen")
    })
  )
})
