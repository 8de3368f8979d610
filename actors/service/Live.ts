/** A service that has a container, or is about to have one: what it should be, what it is, and who waits for that. */
import { Effect } from "effect"
import type { ServiceId } from "../../events/Ids.js"
import type { Refused } from "../../src/guards/Guard.js"
import { Signal } from "../../src/kernel/Signal.js"
import type { Claim, Claimed } from "../pool/Pools.js"
import type * as Service from "./Service.js"
import type { ServiceActor } from "./ServiceActor.js"

/** Its container, as far as it has followed. */
export interface Housed {
  readonly claim: Claim
  readonly claimed: Claimed
  frozen: boolean
  vcpu: number
  /** A size that was asked for and could not be had. */
  denied: { readonly vcpu: number; readonly refused: Refused } | undefined
}

export class Live {
  /** Undefined until its history has been read. */
  state: Service.State | undefined
  /** Undefined while it has no container that it runs in. */
  housed: Housed | undefined
  /** Its root may be in a container's hands: until it is known not to be, and from before it is attached until that one is gone. */
  occupied = true
  /** Nobody keeps it any longer. */
  retired = false
  private readonly bell = new Signal()
  private readonly waiting = new Set<() => void>()

  constructor(
    readonly service: ServiceId,
    makeActor: (follow: (state: Service.State) => void) => ServiceActor
  ) {
    this.actor = makeActor((state) => this.follow(state))
  }

  readonly actor: ServiceActor

  /** For its keeper alone: something may have changed. */
  readonly changed: Effect.Effect<void> = this.bell.wait

  follow(state: Service.State): void {
    this.state = state
    this.ring()
  }

  house(housed: Housed | undefined): void {
    this.housed = housed
    this.ring()
  }

  occupy(occupied: boolean): void {
    this.occupied = occupied
    this.ring()
  }

  ring(): void {
    this.bell.ring()
    this.look()
  }

  /** Calls back once, as soon as there is an answer, which may be at once; the result takes that back. */
  when<A>(answer: () => A | undefined, then: (found: A) => void): () => void {
    const look = () => {
      const found = answer()
      if (found === undefined) return
      this.waiting.delete(look)
      then(found)
    }
    this.waiting.add(look)
    look()
    return () => void this.waiting.delete(look)
  }

  /** Resolves as soon as there is an answer. Who waits costs a function, however many there are. */
  until<A>(answer: () => A | undefined): Effect.Effect<A> {
    return Effect.async((resume) => {
      const forget = this.when(answer, (found) => resume(Effect.succeed(found)))
      return Effect.sync(forget)
    })
  }

  private look(): void {
    for (const one of [...this.waiting]) one()
  }
}
