/** The sessions that are not over, as this process has them in hand. */
import { Data, Deferred, Effect, FiberId } from "effect"
import type { Digest, PoolId, PublicKey, SessionId } from "../../events/Ids.js"
import type { Audit } from "../../events/Session.js"
import { Signal } from "../../src/kernel/Signal.js"
import type { Recording } from "../../src/store/Recordings.js"
import type { Lease } from "../key/Slots.js"
import type { Claimed } from "../pool/Pools.js"
import * as Session from "./Session.js"
import type { SessionActor } from "./SessionActor.js"
import { type Failure, Parting } from "./Sessions.js"
import type { Shell } from "./Shell.js"
import { Terminal } from "./Terminal.js"

/** Why a session leaves the container, or the rest, that it is in. What the log must know of it, it knows already. */
export type Turn = Data.TaggedEnum<{
  /** It is over; this is what the log has yet to know, and what whoever is connected is told. */
  Over: { readonly ending: Session.Ending; readonly parting: Parting }
  Deleted: {}
  /** Its container is given up, its root is kept. */
  Rest: {}
  Wake: {}
  /** Once nothing runs on its root any more, that is replaced; then it starts again. */
  Replace: { readonly layer: Digest; readonly replaced: Deferred.Deferred<void, Failure> }
}>
export const Turn = Data.taggedEnum<Turn>()

export const over = (cause: Session.Ending["cause"], reason: string | null = null): Turn =>
  Turn.Over({ ending: { cause, exitCode: null, reason }, parting: Parting.Gone({ why: reason ?? cause }) })

/** What a session is from its first moment to its last. */
export interface Kind {
  readonly session: SessionId
  readonly owner: PublicKey
  readonly network: PoolId
  readonly shell: Shell
  readonly audit: Audit
}

export interface Live extends Kind {
  readonly actor: SessionActor
  /** Of its owner's slots; follows its state. */
  readonly lease: Lease
  readonly terminal: Terminal
  /** One order at a time. */
  readonly hand: Effect.Semaphore
  /** Held by whoever reads its root; until then neither that nor its container goes away. */
  readonly root: Effect.Semaphore
  /** Commands beside the shell. */
  readonly beside: Effect.Semaphore
  /** Rung when a deadline may have moved. */
  readonly changed: Signal
  /** Done when it has ended and all of that is told, or when this process lets go of it. */
  readonly ended: Deferred.Deferred<void>
  recording: Recording | undefined
  /** As the log has it. */
  state: Session.State
  /** Undefined: it has no container now. */
  claimed: Claimed | undefined
  /** Monotonic milliseconds. */
  frozenSince: number
  /** Microseconds since 1970. */
  activeAt: number
  /** Done when it runs, for those who wait for that; anew for each container. */
  running: Deferred.Deferred<void, Failure>
  /** Done once by whoever wants it to turn; anew for each container and each rest. */
  turn: Deferred.Deferred<Turn>
}

export const live = (
  kind: Kind,
  parts: Pick<Live, "actor" | "lease" | "hand" | "root" | "beside" | "activeAt">
): Live => ({
  ...kind,
  ...parts,
  terminal: new Terminal(),
  changed: new Signal(),
  ended: Deferred.unsafeMake(FiberId.none),
  recording: undefined,
  state: Session.initial,
  claimed: undefined,
  frozenSince: 0,
  running: Deferred.unsafeMake(FiberId.none),
  turn: Deferred.unsafeMake(FiberId.none)
})

export class Living {
  private readonly sessions = new Map<string, Live>()

  get size(): number {
    return this.sessions.size
  }

  find(session: string): Live | undefined {
    return this.sessions.get(session)
  }

  all(): Iterable<Live> {
    return this.sessions.values()
  }

  add(live: Live): void {
    this.sessions.set(live.session, live)
  }

  forget({ ended, lease, running, session }: Live, lost: Failure): void {
    lease.end()
    this.sessions.delete(session)
    Deferred.unsafeDone(running, lost)
    Deferred.unsafeDone(ended, Effect.void)
  }
}
