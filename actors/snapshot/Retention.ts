/** What housekeeping does for snapshots and images: ends those that are past their time, and frees layers that nobody needs. */
import { Effect } from "effect"
import type { Digest } from "../../events/Ids.js"
import { ImageTable } from "../../src/projections/ImageTable.js"
import { SnapshotTable } from "../../src/projections/SnapshotTable.js"
import { Layers } from "../../src/store/Layers.js"
import type { Snapshots } from "./Snapshots.js"

/** Resolves when one round is done. */
export const make = ({ expire }: Pick<typeof Snapshots.Service, "expire">) =>
  Effect.gen(function* () {
    const layers = yield* Layers
    const images = yield* ImageTable
    const snapshots = yield* SnapshotTable
    const referenced = (layer: Digest) =>
      Effect.zipWith(snapshots.uses(layer), images.uses(layer), (one, other) => one || other)
    return Effect.asVoid(Effect.zipRight(expire, layers.sweep(referenced)))
  })
