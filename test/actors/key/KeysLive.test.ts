import { Effect, Layer, Option } from "effect"
import { describe, expect } from "vitest"
import { Keys } from "../../../actors/key/Keys.js"
import * as KeysLive from "../../../actors/key/KeysLive.js"
import * as Projections from "../../../src/projections/Projections.js"
import { live } from "../../support/it.js"
import { directory, storageIn } from "../../support/storage.js"
import { Faults } from "../Faults.js"

const inKeys = <A, E>(faults: Faults, body: (keys: typeof Keys.Service) => Effect.Effect<A, E>) =>
  Effect.flatMap(directory, (data) => {
    const { layer, projectors } = Projections.make()
    const stored = Layer.provideMerge(faults.layer, Layer.provideMerge(layer, storageIn(data, projectors)))
    return Effect.provide(Effect.flatMap(Keys, body), Layer.provide(KeysLive.layer({ confirm: "on" }), stored))
  })

describe("keys", () => {
  live("live their lives, and say what they cannot do any more", () =>
    inKeys(new Faults(), (keys) =>
      Effect.gen(function* () {
        const { publicKey, secretKey } = yield* keys.create({ label: "ci" }, "operator")
        expect(yield* keys.secretOf(publicKey)).toEqual(Option.some(secretKey))
        yield* keys.suspend(publicKey, "leaked", "operator")
        yield* keys.resume(publicKey, "operator")
        yield* keys.revoke(publicKey, "leaked", "operator")
        for (const again of [keys.revoke(publicKey, "x", "operator"), keys.resume(publicKey, "operator")])
          expect(yield* Effect.flip(again)).toMatchObject({ _tag: "Refused", reason: { code: "illegal_transition" } })
        expect((yield* keys.list).map(({ status }) => status)).toEqual(["revoked"])
      })
    )
  )

  live("are not there when they could not be recorded, and so are their secrets", () => {
    const faults = new Faults()
    return inKeys(faults, (keys) =>
      Effect.gen(function* () {
        faults.plan("KeyCreated", "no")
        expect(yield* Effect.flip(keys.create({ label: "ci" }, "operator"))).toMatchObject({ written: "no" })
        expect(yield* keys.list).toEqual([])
      })
    )
  })

  live("keep their secrets while it is in doubt whether they are there", () => {
    const faults = new Faults()
    return inKeys(faults, (keys) =>
      Effect.gen(function* () {
        faults.plan("KeyCreated", "written")
        expect(yield* Effect.flip(keys.create({ label: "ci" }, "operator"))).toMatchObject({ written: "unknown" })
        const [record] = yield* keys.list
        expect(record?.label).toBe("ci")
        if (record !== undefined) expect(Option.isSome(yield* keys.secretOf(record.key))).toBe(true)
      })
    )
  })

  live("take commands that race for one key one after the other", () =>
    inKeys(new Faults(), (keys) =>
      Effect.gen(function* () {
        const { publicKey } = yield* keys.create({ label: "ci" }, "operator")
        const tries = yield* Effect.all(
          [1, 2, 3].map((n) => Effect.either(keys.suspend(publicKey, `reason ${n}`, "operator"))),
          { concurrency: "unbounded" }
        )
        expect(tries.filter(({ _tag }) => _tag === "Right")).toHaveLength(1)
        for (const one of tries) if (one._tag === "Left") expect(one.left._tag).toBe("Refused")
      })
    )
  )
})
