/** What an Idempotency-Key stands for: one job, also while it is only being accepted, and after a restart. */
import { createHash } from "node:crypto"
import { Deferred, Effect, Exit, FiberId, Option } from "effect"
import { Digest, type JobId, type PublicKey } from "../../../events/Ids.js"
import type { LogUnavailable } from "../../log/EventLog.js"
import type { JobTable } from "../../projections/JobTable.js"
import { Problem } from "../Problem.js"

/** The caller's key (hashed) and the digest of the request that it stands for. */
interface Reserved {
  readonly key: Digest
  readonly request: Digest
}

type Settled<A> = { readonly _tag: "First"; readonly value: A } | { readonly _tag: "Again"; readonly job: JobId }

const printable = /^[\x20-\x7e]{1,255}$/

const invalid = new Problem({
  status: 400,
  code: "invalid_idempotency_key",
  message: "Idempotency-Key must be 1 to 255 printable ASCII characters."
})

const conflict = new Problem({
  status: 409,
  code: "idempotency_conflict",
  message: "This Idempotency-Key was used for another request. Use a new key for a new request."
})

const crowded = new Problem({
  status: 503,
  code: "too_many_reservations",
  message: "Too many requests with an Idempotency-Key are being accepted at once. Try again shortly.",
  retryAfterSeconds: 1
})

const digest = (head: string, rest: string | Uint8Array): Digest =>
  Digest.make(`sha256:${createHash("sha256").update(`${head}\n`).update(rest).digest("hex")}`)

/** Null without the header. */
export const reserved = (
  header: string | undefined,
  owner: PublicKey,
  target: string,
  body: Uint8Array
): Effect.Effect<Reserved | null, Problem> => {
  if (header === undefined) return Effect.succeed(null)
  if (!printable.test(header)) return Effect.fail(invalid)
  return Effect.sync(() => ({ key: digest(owner, header), request: digest(target, body) }))
}

const bound = 4_096

interface Pending {
  readonly request: Digest
  readonly job: Deferred.Deferred<JobId, unknown>
}

export const make = (table: JobTable["Type"]) => {
  const pending = new Map<Digest, Pending>()

  const recall = (owner: PublicKey, { key, request }: Reserved) =>
    Effect.filterOrFail(
      table.byIdempotency(owner, key),
      (known) => Option.isNone(known) || known.value.request === request,
      () => conflict
    )

  /** Runs `submit` at most once for a key and request; an acceptance that began goes on when its caller leaves. */
  const once = <A extends { readonly job: JobId }, E>(
    owner: PublicKey,
    asked: Reserved,
    submit: Effect.Effect<A, E>
  ): Effect.Effect<Settled<A>, E | Problem | LogUnavailable> =>
    Effect.suspend((): Effect.Effect<Settled<A>, E | Problem | LogUnavailable> => {
      const other = pending.get(asked.key)
      if (other !== undefined && other.request !== asked.request) return Effect.fail(conflict)
      // When the first of two fails, the second is on its own.
      if (other !== undefined)
        return Effect.matchEffect(Deferred.await(other.job), {
          onFailure: () => once(owner, asked, submit),
          onSuccess: (job) => Effect.succeed<Settled<A>>({ _tag: "Again", job })
        })
      if (pending.size >= bound) return Effect.fail(crowded)
      const job = Deferred.unsafeMake<JobId, unknown>(FiberId.none)
      pending.set(asked.key, { request: asked.request, job })
      const settle = (exit: Exit.Exit<Settled<A>, E | Problem | LogUnavailable>) => {
        // The table knows the job by now, so whoever comes next finds it there.
        pending.delete(asked.key)
        return Deferred.done(
          job,
          Exit.map(exit, (settled) => (settled._tag === "First" ? settled.value.job : settled.job))
        )
      }
      return recall(owner, asked).pipe(
        Effect.flatMap((known) =>
          Option.isSome(known)
            ? Effect.succeed<Settled<A>>({ _tag: "Again", job: known.value.job })
            : Effect.map(submit, (value): Settled<A> => ({ _tag: "First", value }))
        ),
        Effect.onExit(settle),
        Effect.uninterruptible
      )
    })
  return { once }
}
