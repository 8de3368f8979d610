/** What a store says of a layer that it does not make or give, told as the refusal of a decision point. */
import { Effect } from "effect"
import { capacityAvailable } from "../../src/guards/CapacityAvailable.js"
import type { Refused, Status } from "../../src/guards/Guard.js"
import { resourceKnown } from "../../src/guards/ResourceKnown.js"
import type { LayerRefused, Unfit } from "../../src/store/Layers.js"

interface Told {
  readonly code: string
  readonly status: Status
  readonly retryAfterSeconds?: number
  readonly uncertain?: true
}

const told: { readonly [W in Unfit]: Told } = {
  "too-large": { code: "snapshot_too_large", status: 413 },
  unfit: { code: "snapshot_unfit", status: 400 },
  "no-room": { code: "disk_full", status: 503, retryAfterSeconds: 30 },
  busy: { code: "snapshots_busy", status: 503, retryAfterSeconds: 5 },
  missing: { code: "layer_missing", status: 410 },
  damaged: { code: "layer_damaged", status: 500, uncertain: true }
}

export const refusedOf = ({ message, note, why }: LayerRefused): Refused => {
  const point = why === "missing" || why === "damaged" ? resourceKnown : capacityAvailable
  return point.refuse({ ...told[why], message, ...(note === undefined ? {} : { note }) })
}

const isLayerRefused = <E>(error: E | LayerRefused): error is LayerRefused =>
  typeof error === "object" && error !== null && "_tag" in error && error._tag === "LayerRefused"

/** For whoever speaks only in refusals. */
export const unfit = <A, E, R>(effect: Effect.Effect<A, E | LayerRefused, R>) =>
  Effect.catchIf(effect, isLayerRefused, refusedOf)
