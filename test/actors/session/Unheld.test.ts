/** What a session's owner hears while the log says that it goes on and its container is not in this server's hands yet. */
import { Effect, Either } from "effect"
import { describe, expect } from "vitest"
import * as Connecting from "../../../actors/session/Connecting.js"
import { Living, live } from "../../../actors/session/Living.js"
import * as Ordering from "../../../actors/session/Ordering.js"
import * as Rooting from "../../../actors/session/Rooting.js"
import * as Session from "../../../actors/session/Session.js"
import * as SessionActor from "../../../actors/session/SessionActor.js"
import { ContainerId, PublicKey, SessionId } from "../../../events/Ids.js"
import { Refusals } from "../../../src/guards/Refusals.js"
import { resourceKnown } from "../../../src/guards/ResourceKnown.js"
import { resourceOwned } from "../../../src/guards/ResourceOwned.js"
import { resourceUnlocked } from "../../../src/guards/ResourceUnlocked.js"
import { commandWellformed } from "../../../src/guards/SessionOrder.js"
import * as Actor from "../../../src/kernel/Actor.js"
import { EventLog } from "../../../src/log/EventLog.js"
import { digestOf } from "../../../src/store/Digest.js"
import { consentOf } from "../../support/consent.js"
import * as it from "../../support/it.js"
import { generous } from "../../support/slots.js"
import { storage } from "../../support/storage.js"

const session = SessionId.make(`unsb-session-${"0".repeat(32)}`)
const owner = PublicKey.make("unsb-pk-test-0000-0000-0001")
const container = ContainerId.make("unsb-vm-0123456789abcdef")
const traits = { session, owner, multiplexed: true, vcpu: 1, boost: null, locked: false, expiresAt: null }

const owned = Either.getOrThrow(resourceOwned.decide({ kind: "session", actor: owner, resource: session, owner }))
const unlocked = Either.getOrThrow(resourceUnlocked.decide({ kind: "session", resource: session, locked: false }))
const known = Either.getOrThrow(
  resourceKnown.decide({ kind: "session", resource: session, actor: owner, found: { owner } })
)
const consent = consentOf("session", session, owner)
const order = Either.getOrThrow(commandWellformed.decide({ command: "true" }))
const layer = digestOf(Buffer.from("layer"))

/** All that wants something of its programs or of its root, of one in that state that has no container here. */
const ordersIn = (state: Session.State | undefined) =>
  Effect.gen(function* () {
    const log = yield* EventLog
    const living = new Living()
    if (state !== undefined) {
      const one = () => Effect.unsafeMakeSemaphore(1)
      const actor = Actor.on(log, SessionActor.definition(session, false))
      const lease = yield* (yield* generous).lease(owner, "run a session")
      const shell = { argv: ["/bin/sh"], multiplexer: { name: "tmux", path: "/usr/bin/tmux" } } as const
      const left = live(
        { session, owner, network: "zerotrust", shell, audit: "none" },
        { actor, lease, hand: one(), root: one(), beside: one(), activeAt: 0 }
      )
      left.state = state
      living.add(left)
    }
    const limits = () => ({ memoryBytes: 1, cpuMillis: 1, pids: 1, tmpBytes: 1 })
    const { boost, execute, unboost, unfreeze } = Ordering.make({ limits, outputCap: 1 }, living)
    const { quiesced, restore } = Rooting.make({ log, rootOf: (name) => name }, living)
    return {
      ...{ boost: boost(owned, 2), unboost: unboost(owned), execute: execute(owned, order) },
      ...{ unfreeze: unfreeze(owned), restore: restore(owned, unlocked, consent, layer) },
      read: quiesced(owned, false, () => Effect.dieMessage("it was read while its programs may have run")),
      connect: Effect.scoped(Connecting.make(living).connect(known, undefined))
    }
  })

/** What each of them is refused with. */
const refusals = (state: Session.State | undefined, but: ReadonlyArray<string> = []) =>
  Effect.gen(function* () {
    const { connect, ...orders } = yield* ordersIn(state)
    const named = Object.entries<Effect.Effect<unknown, unknown>>({ ...orders, connect })
    return yield* Effect.forEach(
      named.filter(([name]) => !but.includes(name)),
      ([name, order]) => Effect.map(Effect.flip(order), (error) => [name, error] as const)
    )
  }).pipe(Effect.provide(storage()), Effect.provideService(Refusals, { note: () => Effect.void }))

describe("a session that a former server left", () => {
  it.live("is to be asked again shortly while it is not in hand", () =>
    Effect.gen(function* () {
      const states = [
        // Its terminal is there from the first: who connects sees what comes.
        [Session.State.Running({ traits, container }), ["connect"]],
        [Session.State.Frozen({ traits, container }), []]
      ] as const
      for (const [state, but] of states)
        for (const [name, error] of yield* refusals(state, but))
          expect(error, `${name} in ${state._tag}`).toMatchObject({
            point: "D10",
            reason: {
              code: "session_lost",
              status: 503,
              retryAfterSeconds: 2,
              message: expect.stringContaining("again")
            }
          })
    })
  )

  it.live("is to be unfrozen where that helps, and nowhere else", () =>
    Effect.gen(function* () {
      const told = (state: Session.State | undefined) =>
        Effect.map(refusals(state, ["read", "restore", "unfreeze"]), (all) => all.map(([, error]) => error))
      const asleep = yield* told(Session.State.Stopped({ traits, rest: "deep-frozen" }))
      for (const error of asleep)
        expect(error).toMatchObject({
          reason: { code: "not_running", status: 409, message: expect.stringContaining("Unfreeze") }
        })
      for (const error of yield* told(undefined))
        expect(error).toMatchObject({ reason: { code: "not_running", message: expect.stringContaining("has ended") } })
      for (const error of yield* told(Session.State.Starting({ traits })))
        expect(error).toMatchObject({ reason: { message: expect.stringContaining("Try again") } })
    })
  )
})
