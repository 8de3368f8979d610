/** The door to sessions (port): opens them, changes them, and connects whoever may to their terminals. */
import { Context, Data, type Effect, type Scope } from "effect"
import type { Hold } from "../../events/Hold.js"
import type { Digest, PublicKey, SessionId } from "../../events/Ids.js"
import type { Audit, Multiplexer } from "../../events/Session.js"
import type { Consent } from "../../src/guards/Consent.js"
import type { Contained } from "../../src/guards/FilesContained.js"
import type { Permit, Refused } from "../../src/guards/Guard.js"
import type { Runnable } from "../../src/guards/LanguageRunnable.js"
import type { NetworkMode } from "../../src/guards/NetworkPermitted.js"
import type { Existing } from "../../src/guards/ResourceKnown.js"
import type { Ownership } from "../../src/guards/ResourceOwned.js"
import type { Lock } from "../../src/guards/ResourceUnlocked.js"
import type { CommandOrder, SessionOrder } from "../../src/guards/SessionOrder.js"
import type { Entitling } from "../../src/guards/TierEntitled.js"
import type { LogUnavailable } from "../../src/log/EventLog.js"
import type { StoreUnavailable } from "../../src/store/Blobs.js"
import type { LayerRefused } from "../../src/store/Layers.js"

/** An order that passed its guards. What a tenant may do is in the permits, nowhere else. */
export interface Submission {
  readonly owner: PublicKey
  readonly order: Permit<"D11", SessionOrder>
  readonly shell: Permit<"D12", Runnable>
  /** Null: its programs end when nobody has been connected for a while. */
  readonly multiplexer: { readonly name: Multiplexer; readonly runnable: Permit<"D12", Runnable> } | null
  readonly files: Permit<"D13", Contained>
  readonly network: Permit<"D14", NetworkMode>
  readonly entitled: Permit<"D08", Entitling>
  readonly audit: Audit
  /** The layer that its root begins with; null: empty. */
  readonly from: Digest | null
  readonly trace: string
}

export type Owned = Permit<"D17", Ownership<"session">>
type Unlocked = Permit<"D20", Lock<"session">>
type Consented = Consent<"session">

/** It has no container to do this in, or lost it meanwhile. */
export class SessionLost extends Data.TaggedError("SessionLost")<{ readonly reason: string }> {
  override get message() {
    return this.reason
  }
}

export type Failure = Refused | LogUnavailable | StoreUnavailable | LayerRefused | SessionLost

/** A command that ran beside the shell. */
export interface Executed {
  readonly how: "exited" | "signalled" | "timed-out"
  /** As shells count: 124 for a deadline, 128 + n for a signal. */
  readonly exitCode: number
  readonly stdout: Uint8Array
  readonly stderr: Uint8Array
  readonly stdoutTruncated: boolean
  readonly stderrTruncated: boolean
  readonly wallMillis: number
}

export type Parting = Data.TaggedEnum<{
  /** Its shell ended, and so did the session. */
  Exited: { readonly code: number }
  /** The session goes on without this connection. */
  Detached: { readonly why: "asked" | "frozen" | "stopping" | "restoring" | "behind" }
  /** The session is over, or its container is. */
  Gone: { readonly why: string }
}>
export const Parting = Data.taggedEnum<Parting>()

/** Somebody at a session's terminal, until the scope closes. */
export interface Connection {
  /** How many bytes the terminal had shown before the first that this connection reads. */
  readonly offset: number
  /** Everything else is shown to it only on asking for more: who reads slowly slows the programs down, and loses nothing. */
  readonly read: Effect.Effect<Uint8Array | Parting>
  /** False: the programs do not read so fast; nothing of it was taken. */
  readonly write: (bytes: Uint8Array) => Effect.Effect<boolean>
  readonly resize: (columns: number, rows: number) => Effect.Effect<void>
}

export class Sessions extends Context.Tag("actors/Sessions")<
  Sessions,
  {
    /** Resolves once it runs, which is durable then. It goes on whether or not anybody waits. */
    readonly open: (submission: Submission) => Effect.Effect<SessionId, Failure>
    /** Whoever has the id may come: since a byte offset, or from what nobody has seen yet. */
    readonly connect: (
      known: Permit<"D16", Existing>,
      since: number | undefined
    ) => Effect.Effect<Connection, Failure, Scope.Scope>
    /** Runs a command beside the shell and collects what it writes. */
    readonly execute: (owned: Owned, order: Permit<"D11", CommandOrder>) => Effect.Effect<Executed, Failure>
    readonly freeze: (owned: Owned) => Effect.Effect<void, Failure>
    /** Resolves with how long it took, in milliseconds. */
    readonly unfreeze: (owned: Owned) => Effect.Effect<number, Failure>
    readonly boost: (owned: Owned, vcpu: number) => Effect.Effect<void, Failure>
    readonly unboost: (owned: Owned) => Effect.Effect<void, Failure>
    readonly lock: (owned: Owned) => Effect.Effect<void, Failure>
    readonly unlock: (owned: Owned, consent: Consented) => Effect.Effect<void, Failure>
    /** From now on it has this long; null: no limit. */
    readonly extend: (owned: Owned, ttlMillis: number | null) => Effect.Effect<void, Failure>
    /** Resolves when it has ended, nothing of it is left, and its recording, if there is one, is kept. */
    readonly remove: (owned: Owned, unlocked: Unlocked, consent: Consented) => Effect.Effect<void, Failure>
    /**
     * Runs `body` on the directory of its root, its programs frozen meanwhile unless `hot`, or already at rest. It is as it
     * was afterwards, on every path.
     */
    readonly quiesced: <A, E, R>(
      owned: Owned,
      hot: boolean,
      body: (directory: string) => Effect.Effect<A, E, R>
    ) => Effect.Effect<A, E | Failure, R>
    /** Stops it, puts the layer in the place of its root, in one step, and starts it again. */
    readonly restore: (
      owned: Owned,
      unlocked: Unlocked,
      consent: Consented,
      layer: Digest
    ) => Effect.Effect<void, Failure>
    /** When somebody last did something in it, in microseconds since 1970; undefined when it is not running here. */
    readonly activity: (session: SessionId) => number | undefined
    /** Resolves when it has ended and all of that is told, or when it is not running here. */
    readonly ended: (session: SessionId) => Effect.Effect<void>
    /** Those whose programs run now. */
    readonly running: Effect.Effect<ReadonlyArray<SessionId>>
    /** Freezes it at once, whoever wants it to run; resolves when the log knows, for as long as that takes. */
    readonly hold: (session: SessionId, hold: Hold) => Effect.Effect<void, Failure>
    /** Those that run, or are going to. */
    readonly active: Effect.Effect<number>
  }
>() {}
