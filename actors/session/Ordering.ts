/** What a session's owner orders: one order at a time, recorded before it is done, and undone when it cannot be. */
import { Clock, Deferred, Effect } from "effect"
import type { Limits } from "../../events/Container.js"
import { capacityAvailable } from "../../src/guards/CapacityAvailable.js"
import { transitionLegal } from "../../src/guards/TransitionLegal.js"
import type { SubstrateError } from "../../src/substrate/Substrate.js"
import * as Monotonic from "../Monotonic.js"
import { type Failure as Failing, why } from "../Why.js"
import * as Beside from "./Beside.js"
import { notRunning, touch } from "./Connecting.js"
import { type Live, type Living, Turn } from "./Living.js"
import * as Session from "./Session.js"
import { type Failure, type Owned, Parting, SessionLost, type Sessions } from "./Sessions.js"
import * as Telling from "./Telling.js"
import * as Tenure from "./Tenure.js"

interface Options {
  readonly limits: (vcpu: number) => Limits
  readonly outputCap: number
}

/** How long an order waits for the one before it, and for what it has begun. */
const WITHIN = "5 minutes"

const lost = (error: Failing) => new SessionLost({ reason: why(error) })
export const substrate = <A>(effect: Effect.Effect<A, SubstrateError>) => Effect.mapError(effect, lost)

const ephemeral = transitionLegal.refuse({
  code: "not_freezable",
  message:
    "Only a session with a multiplexer can be frozen: without one its shell ends with the connection. Open it with " +
    '"multiplexer":"tmux" or "screen".',
  status: 400
})

const busy = capacityAvailable.refuse({
  code: "too_many_commands",
  message: "Too many commands run beside this session's shell. Wait for one to end.",
  status: 429,
  retryAfterSeconds: 1
})

export const by = ({ facts: { actor } }: Owned) => ({ by: actor })

/** Its container, while its programs run. */
const claimedOf = (live: Live) =>
  Effect.suspend(() =>
    live.state._tag === "Running" && live.claimed !== undefined ? Effect.succeed(live.claimed) : notRunning(live)
  )

export const find = (living: Living, { facts: { resource } }: Owned) =>
  Effect.suspend(() => {
    const live = living.find(resource)
    return live === undefined ? notRunning(undefined) : Effect.succeed(live)
  })

/** One at a time, each with a deadline; it goes on to its end when whoever ordered it goes away. */
export const ordering =
  (living: Living) =>
  <A, E>(owned: Owned, body: (live: Live) => Effect.Effect<A, E>) =>
    Effect.flatMap(find(living, owned), (live) =>
      live.hand
        .withPermits(1)(Effect.uninterruptible(body(live)))
        .pipe(
          // It is not waited for any longer, and goes on.
          Effect.disconnect,
          Effect.timeoutFail({ duration: WITHIN, onTimeout: Telling.late("the order") })
        )
    )

const freeze = (owned: Owned) => (live: Live) =>
  Effect.gen(function* () {
    if (live.state._tag === "Frozen" || live.state._tag === "Stopped") return
    if (live.shell.multiplexer === null) return yield* ephemeral
    const { container } = yield* claimedOf(live)
    yield* Telling.tell(live, Session.Command.Freeze({ owned }), by(owned))
    yield* Effect.tapError(substrate(container.freeze), () => Telling.tell(live, Session.Command.Unfreeze()))
    live.frozenSince = yield* Monotonic.millis
    live.terminal.dismiss(Parting.Detached({ why: "frozen" }))
    live.changed.ring()
  })

const thaw = (live: Live, owned: Owned) =>
  Effect.gen(function* () {
    const container = live.claimed?.container
    if (container === undefined) return yield* notRunning(live)
    yield* Tenure.running(live, Telling.tell(live, Session.Command.Thaw({ owned }), by(owned)))
    yield* Effect.tapError(substrate(container.unfreeze), () => Telling.tell(live, Session.Command.Refreeze()))
    live.changed.ring()
    live.terminal.presence.ring()
  })

/** Of one at rest: whoever waits for its next start does not hear how the one before failed. */
export const anew = (live: Live) =>
  Effect.whenEffect(
    Effect.map(Deferred.make<void, Failure>(), (running) => {
      live.running = running
    }),
    Effect.map(Deferred.isDone(live.running), (done) => done && live.state._tag === "Stopped")
  )

/** From its root, as if it were new. */
const wake = (live: Live): Effect.Effect<void, Failure> =>
  Effect.flatMap(anew(live), () =>
    Tenure.running(live, Effect.zipRight(Deferred.succeed(live.turn, Turn.Wake()), Deferred.await(live.running)))
  )

const unfreeze = (owned: Owned) => (live: Live) =>
  Effect.gen(function* () {
    const from = yield* Monotonic.millis
    if (live.state._tag === "Stopped") yield* wake(live)
    else if (live.state._tag === "Frozen") yield* thaw(live, owned)
    else yield* claimedOf(live)
    yield* touch(live)
    return (yield* Monotonic.millis) - from
  })

/** The container has them before the log says so: a pool that has not got them refuses, and nothing has happened. */
const resize =
  ({ limits }: Options, owned: Owned, vcpu: number | null) =>
  (live: Live) =>
    Effect.gen(function* () {
      const claimed = yield* claimedOf(live)
      const traits = Session.traitsOf(live.state)
      const [usual, before] = [traits?.vcpu ?? 1, traits?.boost ?? traits?.vcpu ?? 1]
      const command = vcpu === null ? Session.Command.Unboost({ owned }) : Session.Command.Boost({ owned, vcpu })
      const limited = Effect.catchTags(claimed.limit(limits(vcpu ?? usual)), {
        SubstrateFailed: lost,
        SubstrateLost: lost
      })
      const told = Effect.tapError(Telling.tell(live, command, by(owned)), () =>
        Effect.ignore(claimed.limit(limits(before)))
      )
      // One that is unboosted gives a slot back once that is told.
      const slots = vcpu === null ? Tenure.slotsOf(live.state) : 2
      yield* Tenure.taking(live, slots, Effect.zipRight(limited, told))
    })

const extend = (owned: Owned, ttlMillis: number | null) => (live: Live) =>
  Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    const expiresAt = ttlMillis === null ? null : (now + ttlMillis) * 1_000
    yield* Telling.tell(live, Session.Command.Extend({ owned, expiresAt }), by(owned))
    live.changed.ring()
  })

export const make = (options: Options, living: Living) => {
  const order = ordering(living)
  const told = (owned: Owned, command: Session.Command) =>
    order(owned, (live) => Effect.asVoid(Telling.tell(live, command, by(owned))))

  return {
    freeze: (owned) => order(owned, freeze(owned)),
    unfreeze: (owned) => order(owned, unfreeze(owned)),
    boost: (owned, vcpu) => order(owned, resize(options, owned, vcpu)),
    unboost: (owned) => order(owned, resize(options, owned, null)),
    lock: (owned) => told(owned, Session.Command.Lock({ owned })),
    unlock: (owned, consent) => told(owned, Session.Command.Unlock({ owned, consent })),
    extend: (owned, ttlMillis) => order(owned, extend(owned, ttlMillis)),
    execute: (owned, { facts: { command, timeoutMillis } }) =>
      Effect.gen(function* () {
        const live = yield* find(living, owned)
        const { container } = yield* claimedOf(live)
        yield* touch(live)
        const run = Beside.run(container, live.shell, command, timeoutMillis, options.outputCap)
        const ran = yield* live.beside.withPermitsIfAvailable(1)(substrate(run))
        return ran._tag === "Some" ? ran.value : yield* busy
      })
  } satisfies Partial<typeof Sessions.Service>
}
