/** The door to jobs (port): accepts an order, tells how it ended, cancels it. */
import { Context, type Effect } from "effect"
import type { ContainerId, Digest, JobId, PublicKey } from "../../events/Ids.js"
import type { JobAccepted, JobFinished } from "../../events/Job.js"
import type { Contained } from "../../src/guards/FilesContained.js"
import type { Permit, Refused } from "../../src/guards/Guard.js"
import type { Runnable } from "../../src/guards/LanguageRunnable.js"
import type { NetworkMode } from "../../src/guards/NetworkPermitted.js"
import type { Order } from "../../src/guards/RequestWellformed.js"
import type { Ownership } from "../../src/guards/ResourceOwned.js"
import type { Entitling } from "../../src/guards/TierEntitled.js"
import type { LogUnavailable } from "../../src/log/EventLog.js"
import type { Done } from "./Done.js"

/** An order that passed its guards. What a tenant may do is in the permits, nowhere else. */
export interface Submission {
  readonly owner: PublicKey
  readonly order: Permit<"D11", Order>
  readonly runnable: Permit<"D12", Runnable>
  readonly files: Permit<"D13", Contained>
  readonly network: Permit<"D14", NetworkMode>
  readonly entitled: Permit<"D08", Entitling>
  readonly detected: boolean
  /** Somebody waits for the result on the line. */
  readonly awaited: boolean
  readonly idempotency: { readonly key: Digest; readonly request: Digest } | null
  readonly trace: string
}

export interface Outcome {
  readonly finished: JobFinished
  readonly stdout: Uint8Array
  readonly stderr: Uint8Array
  readonly artifacts: ReadonlyArray<{ readonly filename: string; readonly content: Uint8Array; readonly kind: string }>
  /** Microseconds since 1970, as in the log. */
  readonly createdAt: number
  readonly startedAt: number | null
  readonly completedAt: number
}

export interface Ticket {
  readonly job: JobId
  readonly createdAt: number
  /** Resolves when the end is durable; want of capacity, and a log that cannot record the end, are typed failures. */
  readonly outcome: Effect.Effect<Outcome, Refused | LogUnavailable>
}

/** A program to be run where its owner has something running already. */
export interface Errand {
  readonly accepted: Omit<JobAccepted, "_tag" | "job">
  /** What it holds in our memory until it ends. */
  readonly bytes: number
  readonly trace: string
  /** `begun` is run when it has begun, in which container, and how it can be stopped then. Never fails, and is bounded in time. */
  readonly work: (
    begun: (container: ContainerId, stop: Effect.Effect<void>) => Effect.Effect<unknown>
  ) => Effect.Effect<Done>
}

export class Jobs extends Context.Tag("actors/Jobs")<
  Jobs,
  {
    /** Resolves once the acceptance is durable. The job runs on whether or not anybody waits. */
    readonly submit: (submission: Submission) => Effect.Effect<Ticket, Refused | LogUnavailable>
    /** As `submit`, for work that somebody else does: its life, its output and its end are those of any job. */
    readonly run: (errand: Errand) => Effect.Effect<Ticket, Refused | LogUnavailable>
    /** Resolves when the job has ended or is not running here. */
    readonly ended: (job: JobId) => Effect.Effect<void>
    /** Resolves once the cancellation is durable; a job that has ended is left as it is. */
    readonly cancel: (owned: Permit<"D17", Ownership<"job">>) => Effect.Effect<void, Refused | LogUnavailable>
    /** Whose jobs have not ended. */
    readonly owners: Effect.Effect<ReadonlySet<PublicKey>>
    /** Ends what waits or runs for one who may not have it run any more; resolves once that is durable. */
    readonly evict: (owner: PublicKey, reason: string) => Effect.Effect<void, LogUnavailable>
    /** Jobs accepted and not ended. */
    readonly active: Effect.Effect<number>
  }
>() {}
