/** What runs for a key at one time (port): executions, sessions, running services and boosts share its slots. */
import { Context, type Effect } from "effect"
import type { Refused } from "../../src/guards/Guard.js"

/** What one thing holds of its owner's slots, and of those of its owner's forebears; none to begin with. */
export interface Lease {
  /** Holds so many from now on. When more than are free would be needed it is refused, and holds what it held. */
  readonly take: (slots: number) => Effect.Effect<void, Refused>
  /** The same for what is so already: nobody is asked. */
  readonly hold: (slots: number) => void
  /** It holds none, and never again: whatever comes later comes too late. */
  readonly end: () => void
}

export class Slots extends Context.Tag("actors/Slots")<
  Slots,
  {
    /** `doing`: what its owner is told not to be able to, such as "run a job". */
    readonly lease: (owner: string, doing: string) => Effect.Effect<Lease>
    /** Slots of the key that are in use now, by itself and by those that descend from it. */
    readonly active: (key: string) => number
  }
>() {}
