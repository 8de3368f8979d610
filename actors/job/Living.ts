/** The jobs that were let in here and have not ended, and how much of our memory they may take together. */
import { Deferred, Effect, Exit, FiberId } from "effect"
import type { JobId, PublicKey } from "../../events/Ids.js"
import type { Refused } from "../../src/guards/Guard.js"
import { LogUnavailable } from "../../src/log/EventLog.js"
import type { Lease } from "../key/Slots.js"
import type { JobActor } from "./JobActor.js"
import type { Outcome } from "./Jobs.js"
import type { Recall } from "./Recall.js"

export interface Live {
  readonly job: JobId
  readonly owner: PublicKey
  readonly actor: JobActor
  /** Its program and files, which are in our memory until it ends. */
  readonly bytes: number
  /** Of its owner's slots; undefined where it runs in something that has one. */
  readonly lease: Lease | undefined
  readonly outcome: Deferred.Deferred<Outcome, Refused | LogUnavailable>
  /** Done when its end is durable; failed when that is not to be, or not known, in this life of the server. */
  readonly ended: Deferred.Deferred<void, LogUnavailable>
  createdAt: number
  startedAt: number | null
  /** The first counts. */
  recalled: Recall | undefined
  /** Brings about its end, whatever it is doing just now. */
  stop: Effect.Effect<void>
}

type Named = Pick<Live, "job" | "owner" | "actor" | "bytes" | "lease">

export const live = (named: Named): Live => ({
  ...named,
  outcome: Deferred.unsafeMake(FiberId.none),
  ended: Deferred.unsafeMake(FiberId.none),
  createdAt: 0,
  startedAt: null,
  recalled: undefined,
  stop: Effect.void
})

const unrecorded = () => Exit.fail(new LogUnavailable({ reason: "its end is not recorded", written: "unknown" }))

export class Living {
  private readonly jobs = new Map<string, Live>()
  private bytes = 0

  constructor(private readonly mostBytes: number) {}

  get size(): number {
    return this.jobs.size
  }

  all(): Iterable<Live> {
    return this.jobs.values()
  }

  find(job: string): Live | undefined {
    return this.jobs.get(job)
  }

  /** False: there is no room. One step, so that who comes while this one is being accepted finds its room taken. */
  admit(live: Live): boolean {
    if (this.bytes + live.bytes > this.mostBytes) return false
    this.jobs.set(live.job, live)
    this.bytes += live.bytes
    return true
  }

  /** However it went, nobody waits for it any longer. */
  forget(live: Live, exit: Exit.Exit<unknown, unknown>): void {
    live.lease?.end()
    if (!this.jobs.delete(live.job)) return
    this.bytes -= live.bytes
    if (Exit.isSuccess(exit)) {
      Deferred.unsafeDone(live.ended, Effect.void)
      return
    }
    const told = unrecorded()
    Deferred.unsafeDone(live.ended, told)
    Deferred.unsafeDone(live.outcome, told)
  }
}
