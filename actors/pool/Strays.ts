/**
 * Containers that run and that nobody has: kept by a former control plane for one who has not come back yet, or left by
 * one who is being stopped. Each waits for so long; then it is nobody's, and ends.
 */
import type { ContainerClaimed } from "../../events/Container.js"
import type { ContainerId } from "../../events/Ids.js"
import type { Kept } from "../../src/substrate/Substrate.js"
import type { Live } from "../container/ContainerProcess.js"

/** A kept container, and the claim on it as the log has it. */
export interface Survivor {
  readonly kept: Kept
  readonly claim: ContainerClaimed
}

export interface Stray extends Survivor {
  readonly live: Live
}

/** For who adopts what the start found. */
export const ADOPTED_WITHIN_MILLIS = 30_000
/** What is left is left because all is being stopped, which takes less: after that it was left for no reason. */
const STOPPED_WITHIN_MILLIS = 300_000

interface Waiting {
  readonly live: Live
  readonly until: number
}

export class Strays {
  private readonly found = new Map<ContainerId, Stray & Waiting>()
  private readonly left = new Map<ContainerId, Waiting>()

  constructor(private readonly adoptedWithinMillis: number) {}

  find(live: Live, survivor: Survivor, now: number): void {
    this.found.set(live.id, { ...survivor, live, until: now + this.adoptedWithinMillis })
  }

  get(container: ContainerId): Stray | undefined {
    return this.found.get(container)
  }

  /** False: somebody else was quicker, or it has gone. From now on it is one caller's own. */
  take({ live }: Stray): boolean {
    return this.found.delete(live.id)
  }

  leave(live: Live, now: number): void {
    this.left.set(live.id, { live, until: now + STOPPED_WITHIN_MILLIS })
  }

  forget(live: Live): void {
    this.found.delete(live.id)
    this.left.delete(live.id)
  }

  /** Those whose time is over, from now on nobody's. */
  expire(now: number): ReadonlyArray<Live> {
    const over = [...this.found.values(), ...this.left.values()].filter(({ until }) => until <= now)
    return over.map(({ live }) => {
      this.forget(live)
      live.left = false
      live.asked = "control-plane-restart"
      return live
    })
  }
}
