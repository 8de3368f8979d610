/** Layers that are in use just now, and how long the others have been free: what a sweep may take. */
import { Effect, type Scope } from "effect"
import type { Digest } from "../../events/Ids.js"

/** A layer goes when it has been seen free for so long; a restart of the server begins anew. */
const FREE_FOR = 10 * 60_000

export class Holds {
  private readonly held = new Map<Digest, number>()
  private readonly freeSince = new Map<Digest, number>()

  isHeld(digest: Digest): boolean {
    return this.held.has(digest)
  }

  /** Until the scope closes. */
  hold(digest: Digest): Effect.Effect<void, never, Scope.Scope> {
    return Effect.acquireRelease(
      Effect.sync(() => {
        this.held.set(digest, (this.held.get(digest) ?? 0) + 1)
        this.freeSince.delete(digest)
      }),
      () =>
        Effect.sync(() => {
          const left = (this.held.get(digest) ?? 1) - 1
          if (left === 0) this.held.delete(digest)
          else this.held.set(digest, left)
        })
    )
  }

  used(digest: Digest): void {
    this.freeSince.delete(digest)
  }

  /** True: it has been free for long enough. */
  free(digest: Digest, now: number): boolean {
    const since = this.freeSince.get(digest) ?? now
    this.freeSince.set(digest, since)
    return now - since >= FREE_FOR
  }

  forget(digest: Digest): void {
    this.freeSince.delete(digest)
  }
}
