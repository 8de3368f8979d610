/** The door to services (port): programs that stay, each with a root of its own that outlives its containers. */
import type { Socket } from "node:net"
import { Context, Data, type Effect, type Scope } from "effect"
import type { Hold } from "../../events/Hold.js"
import type { ContainerId, Digest, PublicKey, ServiceId } from "../../events/Ids.js"
import type { Consent } from "../../src/guards/Consent.js"
import type { Contained } from "../../src/guards/FilesContained.js"
import type { Permit, Refused } from "../../src/guards/Guard.js"
import type { Claimable } from "../../src/guards/NameClaimable.js"
import type { NetworkMode } from "../../src/guards/NetworkPermitted.js"
import type { Ownership } from "../../src/guards/ResourceOwned.js"
import type { Lock } from "../../src/guards/ResourceUnlocked.js"
import type { ServiceOrder } from "../../src/guards/ServiceOrder.js"
import type { CommandOrder } from "../../src/guards/SessionOrder.js"
import type { Entitling } from "../../src/guards/TierEntitled.js"
import type { Variables } from "../../src/guards/VaultVariables.js"
import type { LogUnavailable } from "../../src/log/EventLog.js"
import type { StoreUnavailable } from "../../src/store/Blobs.js"
import type { LayerRefused } from "../../src/store/Layers.js"
import type { SubstrateError } from "../../src/substrate/Substrate.js"
import type { Ticket } from "../job/Jobs.js"

export type Owned = Permit<"D17", Ownership<"service">>
export type Unlocked = Permit<"D20", Lock<"service">>
export type Consented = Consent<"service">
type Files = Permit<"D13", Contained>

/** An order that passed its guards. What a tenant may do is in the permits, nowhere else. */
export interface Submission {
  readonly owner: PublicKey
  readonly order: Permit<"D11", ServiceOrder>
  readonly files: Files
  readonly network: Permit<"D14", NetworkMode>
  readonly entitled: Permit<"D08", Entitling>
  readonly name: Permit<"D15", Claimable>
  readonly domains: ReadonlyArray<Permit<"D15", Claimable>>
  /** A layer to begin with; null begins with an empty root. */
  readonly from: Digest | null
  readonly trace: string
}

/** What may be changed of one that exists; what is not named stays. */
export interface Changes {
  readonly vcpu?: number
  readonly name?: Permit<"D15", Claimable>
  readonly domains?: ReadonlyArray<Permit<"D15", Claimable>>
  readonly unfreezeOnDemand?: boolean
  readonly showFreezePage?: boolean
}

interface Redeployment {
  /** Undefined: the one that its root has. */
  readonly bootstrap: string | undefined
  readonly files: Files
}

export interface Errand {
  readonly order: Permit<"D11", CommandOrder>
  readonly files: Files
  readonly trace: string
}

/** Why nobody can be let through to it. */
export class NotAwake extends Data.TaggedError("NotAwake")<{
  readonly service: ServiceId
  readonly state: "unknown" | "unread" | "destroyed" | "frozen" | "stopped" | "failed" | "starting" | "redeploying"
  /** For people. */
  readonly reason: string
}> {
  override get message() {
    return this.reason
  }
}

/** A running service, for its visitors. */
export interface Awake {
  readonly service: ServiceId
  readonly container: ContainerId
  /** A connection to a port inside; it ends with the scope. */
  readonly dial: (port: number) => Effect.Effect<Socket, SubstrateError, Scope.Scope>
  /** Calls back once, when it is to run no longer; standing still for a moment is none of that. The result takes that back. */
  readonly asleep: (told: () => void) => () => void
}

/** Whoever asks by way of a permit is told in these. */
export type Unwilling = Refused | LogUnavailable | StoreUnavailable

export class Services extends Context.Tag("actors/Services")<
  Services,
  {
    /** Resolves once it is durable; it starts whether or not anybody waits. */
    readonly create: (submission: Submission) => Effect.Effect<ServiceId, Unwilling | LayerRefused>
    /** Resolves when its container is frozen; one that is frozen already is left as it is. */
    readonly freeze: (owned: Owned) => Effect.Effect<void, Unwilling>
    /** Resolves when it runs again: at once when it did, and from its root after a deep freeze. */
    readonly unfreeze: (owned: Owned) => Effect.Effect<void, Unwilling>
    readonly lock: (owned: Owned) => Effect.Effect<void, Unwilling>
    readonly unlock: (owned: Owned, consent: Consented) => Effect.Effect<void, Unwilling>
    /** Resolves once it is durable; a fresh container then starts from its root. */
    readonly redeploy: (
      owned: Owned,
      unlocked: Unlocked,
      consent: Consented,
      how: Redeployment
    ) => Effect.Effect<void, Unwilling>
    /** Limits change live. */
    readonly change: (owned: Owned, unlocked: Unlocked, changes: Changes) => Effect.Effect<void, Unwilling>
    /** Resolves when nothing of it is left but its history. */
    readonly destroy: (owned: Owned, unlocked: Unlocked, consent: Consented) => Effect.Effect<void, Unwilling>
    /** A command beside the bootstrap, as a job of its own. */
    readonly execute: (owned: Owned, errand: Errand) => Effect.Effect<Ticket, Unwilling>
    /** The whole vault; in force for whatever is started from now on. */
    readonly seal: (
      owned: Owned,
      unlocked: Unlocked,
      consent: Consented,
      variables: Variables
    ) => Effect.Effect<void, Unwilling>
    readonly unsealed: (owned: Owned) => Effect.Effect<Variables, Unwilling>
    /**
     * Runs `body` on its root's directory, its container frozen meanwhile unless `hot` (or it is not running anyway); as it was
     * before, on every path.
     */
    readonly quiesced: <A, E, R>(
      owned: Owned,
      hot: boolean,
      body: (directory: string) => Effect.Effect<A, E, R>
    ) => Effect.Effect<A, E | Unwilling, R>
    /** Replaces its root by the layer's content, all of it or nothing; then it is started from that. */
    readonly restore: (
      owned: Owned,
      unlocked: Unlocked,
      consent: Consented,
      layer: Digest
    ) => Effect.Effect<void, Unwilling | LayerRefused>
    /** For visitors: resolves once it runs, for however many wait, after one thaw. */
    readonly awake: (service: ServiceId) => Effect.Effect<Awake, NotAwake>
    /** Those whose programs run now. */
    readonly running: Effect.Effect<ReadonlyArray<ServiceId>>
    /** Freezes it at once, whoever wants it to run; resolves when the log knows, for as long as that takes. */
    readonly hold: (service: ServiceId, hold: Hold) => Effect.Effect<void, Unwilling>
    /** Those that have a container, or are about to. */
    readonly active: Effect.Effect<number>
  }
>() {}
