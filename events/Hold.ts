/** Why something was frozen that nobody had asked to be. */
import { Schema } from "effect"

export const Hold = Schema.Struct({
  /**
   * Its own files are too many, or the host's disk was short and its files grew, or its owner's key is not good any
   * more. The list only grows.
   */
  cause: Schema.Literal("disk", "disk-reserve", "key"),
  /** For its owner: what was found, and what helps. */
  reason: Schema.String
})
export type Hold = typeof Hold.Type
