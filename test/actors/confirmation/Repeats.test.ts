/** Verifies: who repeats a request gets the challenge that it has; nobody is asked twice, and nothing is void or held for it. */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { Array as Arr, Effect, Fiber } from "effect"
import { describe, expect } from "vitest"
import { Digest, PublicKey } from "../../../events/Ids.js"
import { live } from "../../support/it.js"
import { directory } from "../../support/storage.js"
import { action, another, challenged, type Given, living, Moved, owner, refused, type World, wrong } from "./world.js"

const world = <A, E>(body: (world: World) => Effect.Effect<A, E>, given: Omit<Given, "data"> = {}) =>
  Effect.flatMap(directory, (data) => living({ ...given, data }, body))

const askedIn = ({ log }: World) =>
  Effect.map(log.page(0, 1_000), (rows) => rows.filter(({ type }) => type === "ConfirmationAsked").length)

const offered = (here: World, about = action) =>
  Effect.map(refused(here, { action: about }), ({ code, details }) => [code, details?.challenge_id])

describe("a request that is repeated", () => {
  live("has one challenge, whose code is right as before", () =>
    world((here) =>
      Effect.gen(function* () {
        const { challenge, code } = yield* challenged(here)
        const same = ["confirmation_required", challenge]
        for (let n = 0; n < 15; n++) expect(yield* offered(here)).toEqual(same)
        const all = yield* Effect.all(
          Arr.makeBy(15, () => offered(here)),
          { concurrency: "unbounded" }
        )
        expect(all).toEqual(Arr.replicate(same, 15))
        expect([yield* askedIn(here), here.lines.length]).toEqual([1, 1])
        expect((yield* here.confirm({ answer: { challenge, code } })).facts.mode).toBe("confirmed")
        expect((yield* offered(here))[1]).not.toBe(challenge)
      })
    )
  )

  live("is one with the same key, method, path and body", () =>
    world((here) =>
      Effect.gen(function* () {
        const first = yield* challenged(here)
        const bodyDigest = Digest.make(`sha256:${"1".repeat(64)}`)
        const changes = [{ bodyDigest }, { method: "POST" }, { path: another(2).path }]
        const others = yield* Effect.forEach(changes, (change) => challenged(here, { ...action, ...change }))
        expect(new Set([first, ...others].map(({ challenge }) => challenge)).size).toBe(4)
        expect(yield* askedIn(here)).toBe(4)
      })
    )
  )

  live("is told how long it has, and has another challenge when that is too short or used up", () => {
    const time = new Moved()
    return world(
      (here) =>
        Effect.gen(function* () {
          const { challenge, code } = yield* challenged(here)
          yield* refused(here, { answer: { challenge, code: wrong(code) } })
          time.both += 235_000
          const again = yield* challenged(here)
          expect(again.challenge).toBe(challenge)
          expect(Number(again.details?.expires_in)).toBeLessThanOrEqual(65)
          time.both += 10_000
          const next = yield* challenged(here)
          expect(next.challenge).not.toBe(challenge)
          for (let n = 0; n < 5; n++) yield* refused(here, { answer: { ...next, code: wrong(next.code) } })
          expect((yield* challenged(here)).challenge).not.toBe(next.challenge)
        }),
      { clock: time.clock }
    )
  })

  live("is asked anew after a restart: nobody is shown its code any more", () =>
    Effect.flatMap(directory, (data) =>
      Effect.gen(function* () {
        const { challenge } = yield* living({ data }, challenged)
        const { challenge: next, code } = yield* living({ data }, challenged)
        expect(next).not.toBe(challenge)
        expect(code).toMatch(/^[0-9]{8}$/)
      })
    )
  )

  const slow = Effect.acquireRelease(
    Effect.async<{ readonly url: string; readonly calls: Array<(status: number) => void>; readonly end: () => void }>(
      (resume) => {
        const calls: Array<(status: number) => void> = []
        const server = createServer((_, response) => void calls.push((code) => response.writeHead(code).end()))
        const end = () => {
          server.closeAllConnections()
          server.close()
        }
        server.listen(0, "127.0.0.1", () => {
          const { port } = server.address() as AddressInfo
          resume(Effect.succeed({ url: `http://127.0.0.1:${port}/`, calls, end }))
        })
      }
    ),
    ({ end }) => Effect.sync(end)
  )
  const called = (calls: ReadonlyArray<unknown>, count: number) =>
    Effect.repeat(Effect.sleep("5 millis"), { until: () => calls.length === count })

  for (const [status, expected] of [
    [200, "confirmation_required"],
    [500, "uncertain"]
  ] as const)
    live(`waits for the one delivery (${status}), also when who asked first has left`, () =>
      Effect.flatMap(slow, ({ calls, url }) =>
        world((here) =>
          Effect.gen(function* () {
            yield* here.contacts.change(PublicKey.make(owner), { email: null, webhook: url }, "operator")
            const first = yield* Effect.fork(refused(here, {}))
            yield* called(calls, 1)
            const second = yield* Effect.fork(refused(here, {}))
            yield* Fiber.interrupt(first)
            yield* Effect.sleep("50 millis")
            for (const answer of calls) answer(status)
            expect((yield* Fiber.join(second)).code).toBe(expected)
            expect([yield* askedIn(here), calls.length]).toEqual([1, 1])
            expect(yield* here.confirmations.pending).toHaveLength(status === 200 ? 1 : 0)
          })
        )
      )
    )
})
