/** Services with child keys: who holds them, for how long, and what a crash leaves of them. */
import { Effect, Option } from "effect"
import { describe, expect } from "vitest"
import { Keys } from "../../../actors/key/Keys.js"
import type { PublicKey, ServiceId } from "../../../events/Ids.js"
import { KeyTable } from "../../../src/projections/KeyTable.js"
import { consentOf } from "../../support/consent.js"
import { live } from "../../support/it.js"
import { inScript } from "../world.js"
import { is, order, owned, running, typesOf, unlocked } from "./running.js"

const owner = Effect.flatMap(Keys, (keys) =>
  Effect.map(keys.create({ label: "ann" }, "operator"), (made) => made.publicKey)
)

const children = (of: PublicKey) =>
  Effect.flatMap(KeyTable, (table) => Effect.map(table.list, (all) => all.filter(({ parent }) => parent === of)))

const given = (service: ServiceId) =>
  Effect.flatMap(KeyTable, (table) => Effect.map(table.given(service), ([first]) => first))

const asked = { child_key: { scopes: ["execute"], concurrency: 2 } }

describe("a service's child key", () => {
  live("is a child of its owner's, told to its programs alone, and revoked with it", () =>
    inScript((script) =>
      Effect.gen(function* () {
        const keys = yield* Keys
        const ann = yield* owner
        const { services } = yield* running()
        const service = yield* services.create(order("shop", { ...asked, env: { TOKEN: "t" } }, null, ann))
        yield* is(service, "running")
        const key = yield* given(service)
        if (key === undefined) return yield* Effect.dieMessage("no key")
        expect(key).toMatchObject({
          ...{ parent: ann, generation: 1, givenTo: service, scopes: ["execute"], confirm: "on", status: "active" },
          limits: { concurrency: 2 }
        })
        const secret = Option.getOrThrow(yield* keys.secretOf(key.key))
        const env = script.boxes.flatMap(({ launched }) => launched.map(({ command }) => command.env))
        const pair = { UNSANDBOX_PUBLIC_KEY: key.key, UNSANDBOX_SECRET_KEY: secret }
        expect(env).toEqual([expect.objectContaining({ TOKEN: "t", ...pair })])
        expect(yield* services.unsealed(owned(service, ann))).toEqual({ TOKEN: "t" })
        yield* services.destroy(owned(service, ann), unlocked(service), consentOf("service", service, ann))
        expect(yield* typesOf(`key/${key.key}`)).toEqual(["KeyCreated", "KeyRevoked"])
        expect(yield* typesOf(`key/${ann}`)).toEqual(["KeyCreated"])
      })
    )
  )

  live("is the same at every start, and is not given once it is revoked", () =>
    inScript((script) =>
      Effect.gen(function* () {
        const keys = yield* Keys
        const ann = yield* owner
        const { services } = yield* running()
        const service = yield* services.create(order("shop", { child_key: true }, null, ann))
        yield* is(service, "running")
        const key = yield* given(service)
        if (key === undefined) return yield* Effect.dieMessage("no key")
        const started = () => script.boxes.flatMap(({ launched }) => launched.map(({ command }) => command.env))
        const again = Effect.gen(function* () {
          const before = started().length
          script.boxes.find(({ launched, over }) => launched.length > 0 && !over)?.end("died")
          yield* Effect.repeat(Effect.sleep("10 millis"), { until: () => started().length > before })
          yield* is(service, "running")
        })
        yield* again
        yield* keys.revoke(key.key, "leaked", "operator")
        yield* again
        expect(started().map((env) => env?.UNSANDBOX_PUBLIC_KEY)).toEqual([key.key, key.key, undefined])
      })
    )
  )

  live("is not made where none is asked for, and not where its parent has less", () =>
    inScript(() =>
      Effect.gen(function* () {
        const keys = yield* Keys
        const ann = yield* owner
        yield* keys.grant(ann, { limits: { concurrency: 1 } }, "operator")
        const { services } = yield* running()
        const service = yield* services.create(order("plain", {}, null, ann))
        yield* is(service, "running")
        expect(yield* Effect.flip(services.create(order("shop", asked, null, ann)))).toMatchObject({
          reason: { code: "beyond_parent", details: { limit: "concurrency" } }
        })
        expect(yield* children(ann)).toEqual([])
        expect(yield* typesOf("name/shop")).toEqual(["NameClaimed", "NameReleased"])
      })
    )
  )

  live("is revoked at once when its service did not come to be", () =>
    inScript((_, world) =>
      Effect.gen(function* () {
        const ann = yield* owner
        const { services } = yield* running()
        world.faults.plan("ServiceCreated", "no")
        expect(yield* Effect.flip(services.create(order("shop", asked, null, ann)))).toMatchObject({ written: "no" })
        expect((yield* children(ann)).map(({ status }) => status)).toEqual(["revoked"])
      })
    )
  )

  live("is revoked before anything is asked of the next server, when the last one ended before its service was", () =>
    inScript((_, world) =>
      Effect.gen(function* () {
        const ann = yield* owner
        const first = yield* running()
        world.faults.plan("ServiceCreated", "unknown")
        yield* Effect.flip(first.services.create(order("shop", asked, null, ann)))
        expect((yield* children(ann)).map(({ status }) => status)).toEqual(["active"])
        yield* running()
        expect((yield* children(ann)).map(({ status }) => status)).toEqual(["revoked"])
      })
    )
  )

  live("is revoked by the next server when the last one ended after its service was destroyed", () =>
    inScript((_, world) =>
      Effect.gen(function* () {
        const ann = yield* owner
        const { services } = yield* running()
        const service = yield* services.create(order("shop", asked, null, ann))
        yield* is(service, "running")
        world.faults.plan("KeyRevoked", "no")
        yield* services.destroy(owned(service, ann), unlocked(service), consentOf("service", service, ann))
        expect((yield* children(ann)).map(({ status }) => status)).toEqual(["active"])
        yield* running()
        expect((yield* children(ann)).map(({ status }) => status)).toEqual(["revoked"])
      })
    )
  )
})
