/** Why a job ends before it would by itself. */
import { Data } from "effect"
import type { Permit } from "../../src/guards/Guard.js"
import type { Ownership } from "../../src/guards/ResourceOwned.js"

export type Recall = Data.TaggedEnum<{
  Cancelled: { readonly owned: Permit<"D17", Ownership<"job">> }
  /** Not its owner's wish: what it was accepted for does not hold any more. */
  Evicted: { readonly reason: string }
}>
export const Recall = Data.taggedEnum<Recall>()
