import { Effect, Fiber } from "effect"
import { describe, expect } from "vitest"
import { live } from "../../support/it.js"
import { claim, full, held, settled } from "../claims.js"
import { becomes, inScript, limits, system, told } from "../world.js"

const one = { target: 1, maximum: 2, capacityBytes: limits.memoryBytes }

const types = Effect.map(told("container/"), (rows) => rows.map(({ type }) => type))

describe("a container that is gone and not empty", () => {
  live("keeps what it was promised until a later look shows it empty; both are told", () =>
    inScript((script) =>
      Effect.gen(function* () {
        const it = yield* system(one)
        yield* settled(it, { idle: 1 })
        const first = yield* held
        const claiming = yield* Effect.fork(it.pools.use("zerotrust", claim(1), first.body))
        const { id } = yield* first.has
        const [box] = script.boxes
        if (box !== undefined) box.left = 2
        yield* first.go
        yield* Fiber.join(claiming)
        yield* settled(it, { idle: 1, busy: 0, lingering: 1 })
        const gone = Effect.map(told("container/"), (rows) => rows.find(({ type }) => type === "ContainerGone"))
        yield* becomes(Effect.map(gone, (row) => row !== undefined))
        expect(yield* gone).toMatchObject({ stream: `container/${id}`, data: { ending: "finished", left: 2 } })

        // There is a container, and no memory for it.
        const next = yield* held
        const waiting = yield* Effect.fork(it.pools.use("zerotrust", claim(2), next.body))
        yield* settled(it, { waiting: 1, lingering: 1 })
        yield* Effect.sleep("1500 millis")
        expect(yield* it.status).toMatchObject({ waiting: 1, busy: 0, lingering: 1 })
        expect(yield* types).not.toContain("ContainerEmptied")

        if (box !== undefined) box.left = 0
        yield* next.has
        expect(yield* it.status).toMatchObject({ busy: 1, lingering: 0 })
        yield* becomes(Effect.map(types, (all) => all.includes("ContainerEmptied")))
        yield* next.go
        yield* Fiber.join(waiting)
      })
    )
  )

  live("takes one of the places, also when nobody ever had it", () =>
    inScript((script) =>
      Effect.gen(function* () {
        const it = yield* system({ target: 2, maximum: 2 })
        yield* settled(it, full)
        const [box] = script.boxes
        if (box !== undefined) box.left = 1
        box?.end("died")
        yield* settled(it, { idle: 1, spawning: 0, lingering: 1 })
        yield* Effect.sleep("300 millis")
        expect(script.boxes).toHaveLength(2)
        if (box !== undefined) box.left = 0
        yield* settled(it, { ...full, lingering: 0 })
      })
    )
  )

  live("that went down with the spawner is cleared by the next one, so nothing is kept for it", () =>
    inScript((script) =>
      Effect.gen(function* () {
        const it = yield* system()
        yield* settled(it, full)
        script.lose()
        yield* settled(it, { ...full, lingering: 0 })
      })
    )
  )
})
