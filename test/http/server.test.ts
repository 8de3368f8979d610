import { Duration, Effect, Exit, Layer, Scope } from "effect"
import { describe, expect } from "vitest"
import * as Server from "../../src/http/Server.js"
import { request } from "../support/client.js"
import { live } from "../support/it.js"
import { directory } from "../support/storage.js"
import { caller, layer } from "./harness.js"

const hold = (millis: number) => ({ body: { language: "python", code: JSON.stringify({ stdout: "done", millis }) } })

describe("stopping", () => {
  live("lets what is in flight finish and accepts nothing new", () =>
    Effect.gen(function* () {
      const data = yield* directory
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(layer(data), scope)
      const to = yield* Effect.provide(caller(), context)
      const inFlight = request(to, "POST", "/execute", hold(500))
      yield* Effect.sleep("200 millis")
      const stopped = yield* Effect.fork(Scope.close(scope, Exit.void))
      yield* Effect.sleep("100 millis")
      const late = yield* Effect.tryPromise(() => request(to, "GET", "/health", { sign: false })).pipe(Effect.either)
      expect(late._tag).toBe("Left")
      expect(yield* Effect.promise(() => inFlight)).toMatchObject({
        status: 200,
        json: { stdout: "done" },
        headers: { connection: "close" }
      })
      yield* stopped.await
    })
  )

  live("cuts what is not finished at its deadline", () =>
    Effect.gen(function* () {
      const data = yield* directory
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(layer(data, { stopWithin: "300 millis" }), scope)
      const to = yield* Effect.provide(caller(), context)
      const cut = Effect.tryPromise(() => request(to, "POST", "/execute", hold(60_000))).pipe(Effect.either)
      const waiting = yield* Effect.fork(cut)
      yield* Effect.sleep("200 millis")
      const [took] = yield* Effect.timed(Scope.close(scope, Exit.void))
      expect(Duration.toMillis(took)).toBeLessThan(20_000)
      expect((yield* waiting)._tag).toBe("Left")
    })
  )
})

describe("starting", () => {
  live("on a taken address says so", () =>
    Effect.gen(function* () {
      const [one, two] = [yield* directory, yield* directory]
      const scope = yield* Effect.scope
      const context = yield* Layer.buildWithScope(layer(one), scope)
      const { port } = yield* Effect.provide(Server.Server, context)
      const again = yield* Effect.either(Layer.buildWithScope(layer(two, { port }), scope))
      expect(again).toMatchObject({ left: { _tag: "CannotListen", reason: expect.stringContaining("--port") } })
    })
  )
})
