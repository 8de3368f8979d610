import { Effect, Exit, Scope } from "effect"
import { describe, expect } from "vitest"
import { ContainerTable } from "../../../src/projections/ContainerTable.js"
import { live } from "../../support/it.js"
import { full, settled } from "../claims.js"
import { becomes, inScript, system, told } from "../world.js"

describe("an end of a container", () => {
  for (const kind of ["no", "unknown", "written"] as const)
    live(`that cannot be recorded is recorded later, once (${kind})`, () =>
      inScript((script, world) =>
        Effect.gen(function* () {
          const it = yield* system()
          yield* settled(it, full)
          const [box] = script.alive
          world.faults.plan("ContainerGone", kind, 2)
          box?.end("oom")
          yield* settled(it, full)
          const gone = Effect.map(told("container/"), (rows) => rows.filter(({ type }) => type === "ContainerGone"))
          yield* becomes(Effect.map(gone, ({ length }) => length === 1))
          yield* becomes(Effect.map(it.containers.size, (size) => size === 2))
          expect((yield* gone).map(({ data }) => data)).toMatchObject([{ ending: "oom" }])
        })
      )
    )

  for (const kind of ["no", "unknown", "written"] as const)
    live(`whose seal could not be recorded leaves nothing (${kind})`, () =>
      inScript((script, world) => {
        world.faults.plan("ContainerSealed", kind, 2)
        return Effect.gen(function* () {
          const it = yield* system()
          yield* settled(it, full)
          expect(script.alive).toHaveLength(2)
          yield* becomes(Effect.map(it.actors.size, (size) => size === 2))
          expect(yield* (yield* ContainerTable).living).toHaveLength(2)
        })
      })
    )

  live("that does not come is waited for no longer than its supervisor allows", () =>
    inScript((script) =>
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        const it = yield* Scope.extend(system(), scope)
        yield* settled(it, full)
        script.undead = true
        yield* Effect.timeout(Scope.close(scope, Exit.void), "8 seconds")
        expect(script.boxes.map(({ asked }) => asked > 0)).toEqual([true, true])
        script.undead = false
        for (const box of script.boxes) box.end("asked")
      })
    )
  )
})
