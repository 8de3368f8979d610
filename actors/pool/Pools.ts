/** The door to the warm pools (port): one a network mode. */
import { Context, Data, type Effect } from "effect"
import type { Claimant, Limits } from "../../events/Container.js"
import type { ContainerId, PoolId, PublicKey } from "../../events/Ids.js"
import type { Sealed } from "../../src/guards/ContainerSealed.js"
import type { Permit, Refused } from "../../src/guards/Guard.js"
import type { Durable } from "../../src/guards/LogDurable.js"
import type { LogUnavailable } from "../../src/log/EventLog.js"
import type { Container, Launched, SubstrateError } from "../../src/substrate/Substrate.js"

export interface Claim {
  readonly claimant: Claimant
  readonly owner: PublicKey
  readonly limits: Limits
}

/** A container that is one caller's own from now until it is gone. */
export interface Claimed {
  readonly id: ContainerId
  readonly container: Container
  /** Issued on what the kernel showed after the limits of this claim were set. */
  readonly sealed: Permit<"D23", Sealed>
  /** The claim, as the log has it. */
  readonly durable: Permit<"D26", Durable>
  /** When that was, in microseconds since 1970. */
  readonly at: number
  /** Ends it because its owner said so; what runs in it comes back as gone. Resolves when it is. */
  readonly cancel: Effect.Effect<void>
  /** From now on it survives a stop or crash of the control plane: whoever has it then adopts it. */
  readonly keep: Effect.Effect<void, SubstrateError>
  /**
   * For whoever is stopped together with the control plane: when `body` ends, a kept container goes on running. One that
   * was not kept is destroyed all the same.
   */
  readonly leave: Effect.Effect<void>
  /** Changes its limits live, and what the pools promise it: refused when they have not got it, and then nothing changes. */
  readonly limit: (limits: Limits) => Effect.Effect<Permit<"D23", Sealed>, Refused | SubstrateError>
}

/** A container that a former control plane left running, as it was found. */
export interface Adopted extends Claimed {
  readonly frozen: boolean
  /** What was launched in it, in order. */
  readonly launched: ReadonlyArray<Launched>
}

/**
 * The container was lost before its claimer had it: nothing ran in it, so another may be claimed. Of one that was to be
 * adopted: it is not there any more.
 */
export class ContainerLost extends Data.TaggedError("ContainerLost")<{ readonly reason: string }> {
  override get message() {
    return this.reason
  }
}

export interface PoolStatus {
  readonly id: PoolId
  readonly enabled: boolean
  readonly target: number
  readonly maximum: number
  readonly idle: number
  readonly spawning: number
  readonly busy: number
  /** Ended, and the kernel has not shown them empty yet: what they were promised is not free. */
  readonly lingering: number
  readonly waiting: number
  readonly circuit: "closed" | "open" | "half-open"
  /** Median and 99th percentile of recent claims, milliseconds. */
  readonly claimP50Millis: number
  readonly claimP99Millis: number
}

export class Pools extends Context.Tag("actors/Pools")<
  Pools,
  {
    /**
     * Claims a container for `body`, which runs once that is durable; the container is destroyed when `body` ends,
     * however it ends. Waits its turn in a fair queue (owners take turns), at most for the configured time.
     */
    readonly use: <A, E, R>(
      pool: PoolId,
      claim: Claim,
      body: (claimed: Claimed) => Effect.Effect<A, E, R>
    ) => Effect.Effect<A, E | Refused | LogUnavailable | ContainerLost, R>
    /**
     * As `use`, for a container that a former control plane kept for this claimant: nothing is claimed anew, and nobody
     * waits. Those that nobody has adopted within 30 seconds of the start are destroyed.
     */
    readonly adopt: <A, E, R>(
      container: ContainerId,
      claim: Claim,
      body: (adopted: Adopted) => Effect.Effect<A, E, R>
    ) => Effect.Effect<A, E | Refused | LogUnavailable | ContainerLost, R>
    readonly status: Effect.Effect<ReadonlyArray<PoolStatus>>
  }
>() {}
