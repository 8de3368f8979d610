/** How fast keys begin work (port): charged before anything is done, and remembered through restarts. */
import { Context, type Effect } from "effect"
import type { Rate } from "../../src/guards/RateWithin.js"
import type { TrustedClock } from "../../src/guards/TrustedClock.js"
import type { KeyRecord } from "../../src/projections/KeyTable.js"
import type { StoreUnavailable } from "../../src/store/Blobs.js"

export class Rates extends Context.Tag("actors/Rates")<
  Rates,
  {
    /**
     * Facts for D06 on one more request: charged to the key and to each of its forebears, or, when one of them has no room
     * for it, to none. Resolves once no end of the server can undo the charge.
     */
    readonly charge: (record: KeyRecord, clock: TrustedClock) => Effect.Effect<Rate, StoreUnavailable>
    /** The same, charging nothing: `remaining` is what there is now. */
    readonly look: (record: KeyRecord, clock: TrustedClock) => Effect.Effect<Rate, StoreUnavailable>
  }
>() {}
