/** The doors by which more comes onto the disk: shut while it is short. What was frozen for its files is weighed before it runs again. */
import { Effect, Option } from "effect"
import type { Hold } from "../../events/Hold.js"
import { ServiceTable } from "../../src/projections/ServiceTable.js"
import { SessionTable } from "../../src/projections/SessionTable.js"
import type { VolumeId } from "../../src/store/Volumes.js"
import type { Images } from "../image/Images.js"
import type { Services } from "../service/Services.js"
import type { Sessions } from "../session/Sessions.js"
import type { Snapshots } from "../snapshot/Snapshots.js"
import type { Keeper } from "./Keeping.js"

interface Held {
  readonly hold: Hold | null
}

const isForFiles = ({ hold }: Held): boolean => hold !== null && hold.cause !== "key"

export const make = ({ admit, room }: Pick<Keeper, "admit" | "room">) =>
  Effect.gen(function* () {
    const sessionTable = yield* SessionTable
    const serviceTable = yield* ServiceTable

    const mayRun = <E>(id: VolumeId, found: Effect.Effect<Option.Option<Held>, E>) =>
      Effect.flatMap(found, (view) => (Option.exists(view, isForFiles) ? admit(id) : Effect.void))

    return {
      sessions: (inner: typeof Sessions.Service): typeof Sessions.Service => ({
        ...inner,
        open: (submission) => Effect.zipRight(room, inner.open(submission)),
        unfreeze: (owned) => {
          const { resource } = owned.facts
          return Effect.zipRight(mayRun(resource, sessionTable.find(resource)), inner.unfreeze(owned))
        }
      }),
      services: (inner: typeof Services.Service): typeof Services.Service => ({
        ...inner,
        create: (submission) => Effect.zipRight(room, inner.create(submission)),
        unfreeze: (owned) => {
          const { resource } = owned.facts
          return Effect.zipRight(mayRun(resource, serviceTable.find(resource)), inner.unfreeze(owned))
        }
      }),
      snapshots: (inner: typeof Snapshots.Service): typeof Snapshots.Service => ({
        ...inner,
        take: (submission, asked) => Effect.zipRight(room, inner.take(submission, asked))
      }),
      images: (inner: typeof Images.Service): typeof Images.Service => ({
        ...inner,
        publish: (submission, asked) => Effect.zipRight(room, inner.publish(submission, asked))
      })
    }
  })
