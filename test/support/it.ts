/** Runs Effects as vitest tests: `effect` on the test clock, `live` on the real one; both close their scope. */
import { Effect, type Scope, TestContext } from "effect"
import { it } from "vitest"

type Body<E> = () => Effect.Effect<unknown, E, Scope.Scope>

export const effect = <E>(name: string, body: Body<E>, timeout?: number) =>
  it(name, () => Effect.runPromise(Effect.scoped(body()).pipe(Effect.provide(TestContext.TestContext))), timeout)

export const live = <E>(name: string, body: Body<E>, timeout?: number) =>
  it(name, () => Effect.runPromise(Effect.scoped(body())), timeout)
