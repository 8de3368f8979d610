/** A container in its claimer's hands: sealed with the claim's limits, changed, kept, and given up once used. */
import { Effect, Either, Exit } from "effect"
import type { Ending, Limits } from "../../events/Container.js"
import type { PoolId } from "../../events/Ids.js"
import { containerSealed, type Sealed } from "../../src/guards/ContainerSealed.js"
import { enforce, type Permit, type Refused } from "../../src/guards/Guard.js"
import { Refusals } from "../../src/guards/Refusals.js"
import type { SubstrateError } from "../../src/substrate/Substrate.js"
import type { Live } from "../container/ContainerProcess.js"
import * as Monotonic from "../Monotonic.js"
import { type Failure, why } from "../Why.js"
import type { Budget } from "./Budget.js"
import { type Claimed, ContainerLost } from "./Pools.js"
import type { Room } from "./Room.js"
import type { Shelf } from "./Shelf.js"
import type { Strays } from "./Strays.js"

interface Options {
  readonly pool: PoolId
  /** Weaknesses of this host that the operator accepted. */
  readonly weak: ReadonlyArray<string>
  /** What a claim with these limits is promised of the memory that the pools share. */
  readonly promise: (limits: Limits) => number
}

interface Parts {
  readonly budget: Budget
  readonly room: Room
  readonly shelf: Shelf
  readonly strays: Strays
}

type Proof = Pick<Claimed, "at" | "durable" | "sealed">

const same = (a: Limits, b: Limits) =>
  a.memoryBytes === b.memoryBytes && a.cpuMillis === b.cpuMillis && a.pids === b.pids && a.tmpBytes === b.tmpBytes

/** What its claimer is told who never had it. */
export const lost = (error: Failure) => new ContainerLost({ reason: `${error._tag}: ${why(error)}` })

/** Why its owner wants it gone is known before it is. */
const end = (live: Live, why: Ending) =>
  Effect.suspend(() => {
    live.asked = why
    return Effect.ignore(live.container.destroy)
  })

const keep = (live: Live) =>
  Effect.tap(live.container.keep(live.id), () => {
    live.kept = true
  })

const leave = (live: Live) =>
  Effect.sync(() => {
    live.left = live.kept
  })

export const make = ({ pool, promise, weak }: Options, { budget, room, shelf, strays }: Parts) =>
  Effect.map(Refusals, (refusals) => {
    /** A pass costs nothing; a refusal is told before it is passed on. */
    const judged = <A>(decision: Either.Either<A, Refused>, owner: string): Effect.Effect<A, Refused> =>
      Either.isRight(decision)
        ? Effect.succeed(decision.right)
        : Effect.provideService(enforce(decision, { principal: owner, action: `claim ${pool}` }), Refusals, refusals)

    const limited = (live: Live, limits: Limits, owner: string) =>
      Effect.flatMap(live.container.limit(limits), (seal) =>
        judged(containerSealed.decide({ container: live.id, seal, limits, weak }), owner)
      )

    /** More is promised before it can be used, and less only once it cannot: what a failure left is not known. */
    const changed = (live: Live, limits: Limits, owner: string) => {
      const wanted = promise(limits)
      shelf.resize(live, Math.max(shelf.promised(live), wanted))
      return Effect.tap(limited(live, limits, owner), () => Effect.sync(() => shelf.resize(live, wanted)))
    }

    const sealedWith = (live: Live, limits: Limits, owner: string) =>
      same(live.sealed.facts.limits, limits) ? Effect.succeed(live.sealed) : limited(live, limits, owner)

    /** As `sealedWith`, for one that has its limits already: it is not refused what it may be using. */
    const adjusted = (live: Live, limits: Limits, owner: string) =>
      same(live.sealed.facts.limits, limits) ? Effect.succeed(live.sealed) : changed(live, limits, owner)

    const limit = (live: Live, owner: string) => (limits: Limits) =>
      Effect.suspend((): Effect.Effect<Permit<"D23", Sealed>, Refused | SubstrateError> => {
        const more = promise(limits) - shelf.promised(live)
        const decision = more > 0 ? room({ promisedBytes: budget.promisedBytes, askedBytes: more }) : undefined
        if (decision !== undefined && Either.isLeft(decision))
          return Effect.zipRight(judged(decision, owner), decision.left)
        return changed(live, limits, owner)
      })

    const claimed = (live: Live, owner: string, { at, durable, sealed }: Proof): Claimed => ({
      id: live.id,
      container: live.container,
      sealed,
      durable,
      at,
      cancel: end(live, "cancelled"),
      keep: keep(live),
      leave: leave(live),
      limit: limit(live, owner)
    })

    const release = (live: Live, exit: Exit.Exit<unknown, unknown>) => {
      if (live.left) return Effect.map(Monotonic.millis, (now) => strays.leave(live, now))
      if (Exit.isInterrupted(exit)) live.asked = "cancelled"
      // Its own process waits for the proof that it is empty; the claimer need not.
      return live.container.release
    }

    return { judged, sealedWith, adjusted, claimed, release }
  })

export type Owning = Effect.Effect.Success<ReturnType<typeof make>>
