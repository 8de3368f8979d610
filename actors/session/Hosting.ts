/** A session in its container: made ready, its programs running, watched, until it turns to something else. */
import { Cause, Deferred, Effect, Exit } from "effect"
import type { Limits } from "../../events/Container.js"
import type { ContainerId } from "../../events/Ids.js"
import type { EventLog } from "../../src/log/EventLog.js"
import type { Layers } from "../../src/store/Layers.js"
import type { Volumes } from "../../src/store/Volumes.js"
import type { Gone } from "../../src/substrate/Substrate.js"
import type { Adopted, Claimed, Pools } from "../pool/Pools.js"
import { type Failure as Failing, why } from "../Why.js"
import { type Live, over, Turn } from "./Living.js"
import * as Programs from "./Programs.js"
import * as Session from "./Session.js"
import { type Failure, Parting } from "./Sessions.js"
import * as Telling from "./Telling.js"
import * as Waiting from "./Waiting.js"

export interface Options {
  readonly log: typeof EventLog.Service
  readonly pools: typeof Pools.Service
  readonly volumes: typeof Volumes.Service
  readonly layers: typeof Layers.Service
  readonly limits: (vcpu: number) => Limits
  readonly waits: Waiting.Waits
}

export type Inputs = Parameters<typeof Programs.prepare>[2]

/** A container may be lost between shelf and claimer; nothing ran in it, so the next one may do. */
const OTHERS = 3
/** The proof that a container is empty; what takes longer is its own process' to wait for. */
const EMPTY_WITHIN = "30 seconds"
const SOON = "1 second"

const because: Readonly<Record<Gone["reason"], Turn>> = {
  asked: over("killed", "its container was ended"),
  died: over("killed", "its container ended by itself"),
  "timed-out": over("killed", "its container ended by itself"),
  oom: over("oom", "out of memory"),
  shutdown: over("node-lost", "the containers' host process ended"),
  lost: over("node-lost", "the containers' host process was lost")
}

const failed = (cause: Cause.Cause<Failing>): Turn => {
  const failure = Cause.failureOption(cause)
  return over("unstartable", failure._tag === "Some" ? why(failure.value) : "its programs could not be run")
}

/** The first to turn it wins. */
const turning = <E extends Failing>(mine: Deferred.Deferred<Turn>, turn: Effect.Effect<Turn, E>) =>
  Effect.flatMap(Effect.exit(turn), (exit) => {
    if (Exit.isSuccess(exit)) return Deferred.succeed(mine, exit.value)
    return Cause.isInterruptedOnly(exit.cause) ? Effect.void : Deferred.succeed(mine, failed(exit.cause))
  })

/** From its telling on it may be woken or deleted, while its container is still on its way out: the rest hears of that. */
const rests = (live: Live) =>
  Effect.gen(function* () {
    live.turn = yield* Deferred.make<Turn>()
    live.running = yield* Deferred.make<void, Failure>()
  })

/** It is frozen still when it is its turn. */
const deepFrozen = (live: Live): Effect.Effect<Turn> =>
  live.hand
    .withPermits(1)(
      Effect.suspend(() =>
        live.state._tag === "Frozen"
          ? Effect.as(Effect.zipRight(Telling.tell(live, Session.Command.DeepFreeze()), rests(live)), true)
          : Effect.succeed(false)
      )
    )
    .pipe(
      Effect.catchAll(() => Effect.as(Effect.sleep(SOON), false)),
      Effect.repeat({ until: (done) => done || live.state._tag !== "Frozen" }),
      Effect.flatMap((done) => (done ? Effect.succeed(Turn.Rest()) : Effect.never))
    )

const timed = (live: Live, waits: Waiting.Waits): Effect.Effect<Turn> =>
  Effect.flatMap(Waiting.due(live, waits), (what) =>
    what === "expired" ? Effect.succeed(Waiting.expired) : deepFrozen(live)
  )

const abandoned = (live: Live, waits: Waiting.Waits): Effect.Effect<Turn> =>
  live.shell.multiplexer === null
    ? Effect.as(Waiting.deserted(live, waits, false), over("disconnected", "nobody was connected any more"))
    : Effect.never

const partings = (turn: Turn): Parting => {
  if (turn._tag === "Over") return turn.parting
  return turn._tag === "Replace" ? Parting.Detached({ why: "restoring" }) : Parting.Gone({ why: "it was deleted" })
}

/** Its programs end with the scope, after the log knows that they do. */
const running = ({ log, waits }: Options, live: Live, claimed: Claimed) =>
  Effect.gen(function* () {
    live.claimed = claimed
    const { container } = claimed
    const mine = live.turn
    yield* Effect.forkScoped(turning(mine, Programs.run(live, container, waits)))
    yield* Effect.forkScoped(turning(mine, timed(live, waits)))
    yield* Effect.forkScoped(turning(mine, abandoned(live, waits)))
    yield* Effect.forkScoped(
      turning(
        mine,
        Effect.map(container.gone, ({ reason }) => because[reason])
      )
    )
    const turn = yield* Deferred.await(mine)
    if (turn._tag === "Over") yield* Effect.ignore(Telling.insist(log, live, Session.Command.End(turn)))
    live.terminal.dismiss(partings(turn))
    return turn
  }).pipe(
    Effect.ensuring(
      Effect.sync(() => {
        live.claimed = undefined
      })
    ),
    Effect.scoped
  )

/** Nothing of its programs is left when this resolves; only then may its root be touched. */
const emptied = (live: Live, { container }: Claimed) =>
  live.root.withPermits(1)(Effect.ignore(Effect.timeout(container.destroy, EMPTY_WITHIN)))

const within = (options: Options, live: Live, claimed: Claimed) =>
  Effect.tap(running(options, live, claimed), () => emptied(live, claimed)).pipe(
    // Stopped together with the control plane: a multiplexer's programs run on.
    Effect.onInterrupt(() => (live.shell.multiplexer === null ? Effect.void : claimed.leave))
  )

const vcpuOf = ({ state }: Live): number => {
  const traits = Session.traitsOf(state)
  return traits?.boost ?? traits?.vcpu ?? 1
}

const claimOf = ({ limits }: Options, live: Live) => ({
  claimant: { _tag: "Session", session: live.session } as const,
  owner: live.owner,
  limits: limits(vcpuOf(live))
})

/** In a container of its own, on its root. `inputs`: once, when it is new. */
export const begin = (options: Options, live: Live, inputs: Inputs) => {
  const body = (claimed: Claimed) =>
    Effect.gen(function* () {
      const { container, id } = claimed
      yield* container.attach(yield* options.volumes.create(live.session))
      if (live.shell.multiplexer !== null) yield* claimed.keep
      yield* Programs.prepare(live, container, inputs)
      yield* Telling.tell(live, Session.Command.Start({ container: id }))
      return yield* within(options, live, claimed)
    })
  const once = Effect.suspend(() => options.pools.use(live.network, claimOf(options, live), body))
  const upTo = (others: number): typeof once =>
    others === 0 ? once : Effect.catchTag(once, "ContainerLost", () => upTo(others - 1))
  // Deleted before it has begun: nobody waits for a container then.
  const unclaimed = Effect.flatMap(Deferred.await(live.turn), (turn) =>
    live.claimed === undefined ? Effect.succeed(turn) : Effect.never
  )
  return Effect.raceFirst(upTo(OTHERS), unclaimed)
}

/** In the container that a former control plane left it in. */
export const goOn = (options: Options, live: Live, container: ContainerId) =>
  options.pools.adopt(container, claimOf(options, live), (adopted: Adopted) =>
    Effect.gen(function* () {
      yield* Telling.tell(live, Session.Command.Adopt({ container }))
      // What the log says was meant; the one who meant it may have died before it was done.
      const frozen = live.state._tag === "Frozen"
      if (frozen !== adopted.frozen) yield* frozen ? adopted.container.freeze : adopted.container.unfreeze
      return yield* within(options, live, adopted)
    })
  )
