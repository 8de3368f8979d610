/** Where refusals are told (port): each becomes an event, and none waits for that. */
import { Context, type Effect } from "effect"
import type { Refused } from "./Refused.js"

/** Those that went through `enforce`: what was made of a decision by hand did not. */
const told = new WeakSet<Refused>()
export const tells = (refused: Refused): void => void told.add(refused)
export const isTold = (refused: Refused): boolean => told.has(refused)

/** Who asked for what, in the words of the log. */
export interface Asked {
  /** A public key as the caller gave it, or the path of an actor in the tree; empty when there was none. */
  readonly principal: string
  readonly action: string
}

export class Refusals extends Context.Tag("guards/Refusals")<
  Refusals,
  {
    /** Never blocks and never fails; alike refusals of a second are told as one. */
    readonly note: (refused: Refused, asked: Asked) => Effect.Effect<void>
  }
>() {}
