/** Those who wait for a container: each until it is served, or until its patience is over. */
import { Effect, Either } from "effect"
import type { Capacity } from "../../src/guards/CapacityAvailable.js"
import type { Permit, Refused } from "../../src/guards/Guard.js"
import type { Live } from "../container/ContainerProcess.js"
import type { Shelf, Waiter } from "./Shelf.js"

/** May somebody who asked for so much go on waiting? */
type Patience = (askedBytes: number, waitedMillis: number) => Either.Either<Permit<"D10", Capacity>, Refused>

export interface Line {
  /** Interruptible; a container that comes in the very moment the waiter goes away goes back untouched. */
  readonly wait: (owner: string, askedBytes: number, since: number) => Effect.Effect<Live, Refused>
  /** Refuses all whose patience is over. */
  readonly expire: (now: number) => void
}

export const make = (shelf: Shelf, patience: Patience): Line => {
  // In order of arrival. All are equally patient: who gives up first stands first.
  const waiters = new Map<Waiter, (refused: Refused) => void>()

  const wait = (owner: string, askedBytes: number, since: number) =>
    Effect.suspend(() => {
      let served: Live | undefined
      const turn = Effect.async<Live, Refused>((resume) => {
        const waiter: Waiter = {
          owner,
          askedBytes,
          since,
          serve: (live) => {
            served = live
            waiters.delete(waiter)
            resume(Effect.succeed(live))
          }
        }
        waiters.set(waiter, (refused) => resume(Effect.fail(refused)))
        shelf.wait(waiter)
        return Effect.sync(() => {
          waiters.delete(waiter)
          shelf.leave(waiter)
        })
      })
      const giveBack = Effect.sync(() => served !== undefined && shelf.giveBack(served))
      // The caller's mask holds but for the waiting itself: what was served is either returned or given back.
      return Effect.tapErrorCause(Effect.interruptible(turn), () => giveBack).pipe(Effect.uninterruptible)
    })

  const expire = (now: number) => {
    for (const [waiter, refuse] of waiters) {
      const judged = patience(waiter.askedBytes, Math.floor(now - waiter.since))
      if (Either.isRight(judged)) return
      waiters.delete(waiter)
      if (shelf.leave(waiter)) refuse(judged.left)
    }
  }

  return { wait, expire }
}
