/** A real container that outlives its control plane: kept, left, found and adopted, with what runs in it. */
import { Effect, Fiber, Layer, type Scope } from "effect"
import { describe, expect } from "vitest"
import { recover } from "../../actors/node/Recovery.js"
import type { Claim, Claimed } from "../../actors/pool/Pools.js"
import { ServiceId } from "../../events/Ids.js"
import * as LocalSubstrate from "../../src/substrate/local/LocalSubstrate.js"
import type { Command } from "../../src/substrate/Substrate.js"
import { running } from "../substrate/running.js"
import { live } from "../support/it.js"
import { cgroupsOf, membranesOf } from "../support/leftovers.js"
import { directory } from "../support/storage.js"
import { held, settled } from "./claims.js"
import { ann, becomes, limits, type Size, system, told, World } from "./world.js"

const claim: Claim = {
  claimant: { _tag: "Service", service: ServiceId.make("unsb-service-0123456789abcdef") },
  owner: ann,
  limits: { ...limits, memoryBytes: 2 * limits.memoryBytes }
}

const shell = (line: string): Command => ({
  argv: ["/bin/sh", "-c", line],
  env: { PATH: "/usr/bin:/bin" },
  cwd: "/tmp",
  files: [],
  timeoutMillis: 0,
  outputCap: 1024,
  final: false
})

type Given = Layer.Layer.Success<ReturnType<World["layer"]>>

/** One control plane, from its start to its end. */
const during = <A, E>(data: string, body: Effect.Effect<A, E, Given | Scope.Scope>) =>
  Effect.gen(function* () {
    const substrate = Layer.succeedContext(yield* Layer.build(LocalSubstrate.layer({ data, acceptWeak: false })))
    const all = Effect.provide(Effect.scoped(body), new World().layer(data, substrate))
    return yield* Effect.provide(running(substrate, all), substrate)
  }).pipe(Effect.scoped)

const size: Partial<Size> = { target: 1, maximum: 2 }

const goneOf = (container: string) =>
  Effect.map(told("container/"), (rows) =>
    rows.filter(({ stream, type }) => stream === `container/${container}` && type === "ContainerGone")
  )

/** Keeps one, with a program in it that counts, and leaves it. */
const kept = (data: string) =>
  during(
    data,
    Effect.gen(function* () {
      const it = yield* system(size)
      const one = yield* held
      const body = (claimed: Claimed) =>
        Effect.gen(function* () {
          yield* claimed.keep
          const log = { path: `${data}/service.log`, cap: 4096 }
          yield* claimed.container.launch(shell("while :; do echo x >>/tmp/count; sleep 0.05; done"), log)
          yield* one.body(claimed)
        }).pipe(Effect.onInterrupt(() => claimed.leave))
      yield* Effect.forkScoped(it.pools.use("zerotrust", claim, body))
      return (yield* one.has).id
    })
  )

const lines = ({ container }: Claimed) =>
  Effect.map(container.run({ ...shell("wc -l </tmp/count"), timeoutMillis: 5_000 }), ({ stdout }) =>
    Number(Buffer.from(stdout).toString())
  )

describe("a real container that is kept", () => {
  live("runs on without a control plane, is adopted as it is, and leaves nothing in the end", () =>
    Effect.gen(function* () {
      const data = yield* directory
      const id = yield* kept(data)
      yield* becomes(Effect.sync(() => cgroupsOf(data).length > 0))
      yield* during(
        data,
        Effect.gen(function* () {
          const { survivors, told: facts } = yield* recover
          expect(facts).toMatchObject({ containersKept: 1 })
          const it = yield* system(size, survivors)
          const one = yield* held
          const adopting = yield* Effect.fork(it.pools.adopt(id, claim, one.body))
          const adopted = yield* one.has
          expect(adopted.sealed.facts.limits).toEqual(claim.limits)
          const before = yield* lines(adopted)
          expect(before).toBeGreaterThan(0)
          yield* Effect.sleep("200 millis")
          expect(yield* lines(adopted)).toBeGreaterThan(before)
          yield* one.go
          yield* Fiber.join(adopting)
          yield* becomes(Effect.map(goneOf(id), ({ length }) => length === 1))
          expect((yield* goneOf(id))[0]?.data).toMatchObject({ ending: "finished", left: 0 })
          yield* settled(it, { idle: 1, busy: 0 })
        })
      )
      yield* becomes(Effect.sync(() => membranesOf(data).length === 0 && cgroupsOf(data).length === 0))
    })
  )

  live("is destroyed, and its end told, when nobody adopts it in time", () =>
    Effect.gen(function* () {
      const data = yield* directory
      const id = yield* kept(data)
      yield* during(
        data,
        Effect.gen(function* () {
          const { survivors } = yield* recover
          yield* system({ ...size, adoptedWithinMillis: 200 }, survivors)
          yield* becomes(Effect.map(goneOf(id), ({ length }) => length === 1))
          expect((yield* goneOf(id))[0]?.data).toMatchObject({ ending: "control-plane-restart", left: 0 })
        })
      )
      yield* becomes(Effect.sync(() => membranesOf(data).length === 0 && cgroupsOf(data).length === 0))
    })
  )
})
