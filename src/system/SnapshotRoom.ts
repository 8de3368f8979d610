/** Snapshots and images in the tree, and what frees their layers. */
import { Context, Effect } from "effect"
import { Images } from "../../actors/image/Images.js"
import * as ImagesLive from "../../actors/image/ImagesLive.js"
import { Services } from "../../actors/service/Services.js"
import { Sessions } from "../../actors/session/Sessions.js"
import * as Retention from "../../actors/snapshot/Retention.js"
import { Snapshots } from "../../actors/snapshot/Snapshots.js"
import * as SnapshotsLive from "../../actors/snapshot/SnapshotsLive.js"
import type { DiskRoom } from "./DiskRoom.js"
import type { Root } from "./Root.js"
import * as Sweeping from "./Sweeping.js"

const rules = { strategy: "one_for_one", intensity: 10, period: "30 seconds" } as const
const backoff = { first: "1 second", max: "1 minute" } as const
const worker = { restart: "permanent", shutdown: "10 seconds" } as const

export const make = ({ branch }: Root, doors: Pick<DiskRoom, "snapshots" | "images">) =>
  Effect.gen(function* () {
    const places = { sessions: yield* Sessions, services: yield* Services }
    const snapshots = yield* SnapshotsLive.make(places)
    const images = yield* ImagesLive.make(places)
    const round = yield* Retention.make(snapshots)
    const start = Sweeping.every("1 minute", "snapshots and layers could not be swept", round)
    yield* branch({ ...rules, backoff, name: "snapshots", children: [{ ...worker, name: "retention", start }] })
    return Context.make(Snapshots, doors.snapshots(snapshots)).pipe(Context.add(Images, doors.images(images)))
  })
