/** Images as actors, each woken for one command; their layers are shared with what they were made of, never copied. */
import { Effect, Option } from "effect"
import { stream } from "../../events/Envelope.js"
import type { ImageId, SnapshotId } from "../../events/Ids.js"
import { type ImagePublished, read } from "../../events/Image.js"
import { refuseRejected } from "../../src/guards/TransitionLegal.js"
import { EventLog, LogUnavailable } from "../../src/log/EventLog.js"
import { ImageTable, type ImageView } from "../../src/projections/ImageTable.js"
import { SnapshotTable } from "../../src/projections/SnapshotTable.js"
import { Layers } from "../../src/store/Layers.js"
import * as Minting from "../Minting.js"
import type { Services } from "../service/Services.js"
import type { Asked } from "../snapshot/Snapshots.js"
import { unfit } from "../snapshot/Unfit.js"
import * as Waking from "../Waking.js"
import * as Image from "./Image.js"
import type { Images, Of, Owned, Submission, Trusted } from "./Images.js"

/** Who knows how to hold a service's volume still. */
interface Places {
  readonly services: Pick<typeof Services.Service, "quiesced">
}

const definition = (image: ImageId) => ({
  stream: stream("image", image),
  by: "images",
  capacity: 1,
  initial: Image.initial,
  decide: Image.decide,
  evolve: Image.evolve,
  read,
  react: () => Effect.void
})

type Made = Pick<ImagePublished, "source" | "layer" | "origin">

const unseen = new LogUnavailable({ reason: "what was recorded cannot be seen", written: "unknown" })
const deleted = (what: string) => refuseRejected(what, { command: "Publish", in: "Gone" })

export const make = ({ services }: Places) =>
  Effect.gen(function* () {
    const log = yield* EventLog
    const layers = yield* Layers
    const table = yield* ImageTable
    const snapshots = yield* SnapshotTable

    const command = (image: ImageId, command: Image.Command, { by, trace }: Asked) =>
      Waking.wake(log, definition(image), command, { by, trace }).pipe(
        Effect.asVoid,
        Effect.catchTags({
          Rejected: (rejected) => refuseRejected(`image ${image}`, rejected),
          NotAccepted: Waking.unanswered,
          OutcomeUnknown: Waking.unanswered
        })
      )

    const ofOwner = (owned: Owned, asked: Asked, wanted: Image.Command) => command(owned.facts.resource, wanted, asked)

    const found = (image: ImageId): Effect.Effect<ImageView, LogUnavailable> =>
      Effect.flatMap(table.find(image), Option.match({ onNone: () => unseen, onSome: Effect.succeed }))

    const snapshotOf = (snapshot: SnapshotId) =>
      Effect.flatMap(snapshots.find(snapshot), Option.match({ onNone: () => unseen, onSome: Effect.succeed }))

    /** Held first and looked at again: what was deleted between is not made use of. */
    const ofSnapshot = Effect.fnUntraced(function* (snapshot: SnapshotId) {
      yield* layers.retain((yield* snapshotOf(snapshot)).layer.digest)
      const { gone, layer, origin } = yield* snapshotOf(snapshot)
      if (gone !== undefined) return yield* deleted(`snapshot ${snapshot}`)
      return { source: { _tag: "Snapshot", snapshot }, layer, origin } satisfies Made
    })

    /** Its own history says so, and is read before anything is made of it. */
    const ofImage = Effect.fnUntraced(function* (trusted: Trusted, asked: Asked) {
      const { image } = trusted.facts
      yield* command(image, Image.Command.Use({ trusted }), asked)
      yield* layers.retain((yield* found(image)).layer.digest)
      const { gone, layer, origin } = yield* found(image)
      if (gone !== undefined) return yield* deleted(`image ${image}`)
      return { source: { _tag: "Image", image }, layer, origin } satisfies Made
    })

    const ofService = Effect.fnUntraced(function* ({ origin, owned }: Extract<Of, { readonly _tag: "Service" }>) {
      yield* layers.turn(false)
      const captured = services.quiesced(owned, false, (directory) => layers.capture(directory, false))
      const layer = yield* Effect.flatten(captured)
      return { source: { _tag: "Service", service: owned.facts.resource }, layer, origin } satisfies Made
    })

    const made = (of: Of) => {
      switch (of._tag) {
        case "Service":
          return ofService(of)
        case "Snapshot":
          return ofSnapshot(of.owned.facts.resource)
        case "Layer":
          return Effect.as(layers.retain(of.layer.digest), {
            source: { _tag: "Import" },
            layer: of.layer,
            origin: of.origin
          } satisfies Made)
      }
    }

    const publishing = Effect.fnUntraced(function* (made: Made, order: Submission["order"], asked: Asked) {
      const image = Minting.imageId()
      const { description, name, visibility } = order.facts
      const published = { image, owner: asked.by, name: name === "" ? image : name, description, visibility, ...made }
      yield* command(image, Image.Command.Publish({ published }), asked)
      return yield* found(image)
    })

    const publish = Effect.fnUntraced(function* ({ of, order }: Submission, asked: Asked) {
      return yield* publishing(yield* made(of), order, asked)
    }, Effect.scoped)

    const clone = Effect.fnUntraced(function* (trusted: Trusted, order: Submission["order"], asked: Asked) {
      return yield* publishing(yield* ofImage(trusted, asked), order, asked)
    }, Effect.scoped)

    const spawn: (typeof Images.Service)["spawn"] = (trusted, create, asked) =>
      Effect.gen(function* () {
        const { image } = trusted.facts
        const { layer } = yield* ofImage(trusted, asked)
        const service = yield* create(layer.digest)
        yield* command(image, Image.Command.Spawn({ trusted, service }), asked)
        return service
      }).pipe(Effect.scoped)

    return {
      publish: (submission, asked) => unfit(publish(submission, asked)),
      clone,
      spawn,
      show: (owned, consent, visibility, asked) =>
        ofOwner(owned, asked, Image.Command.Show({ owned, consent, visibility })),
      grant: (owned, consent, key, asked) => ofOwner(owned, asked, Image.Command.Grant({ owned, consent, key })),
      revoke: (owned, consent, key, asked) => ofOwner(owned, asked, Image.Command.Revoke({ owned, consent, key })),
      transfer: (owned, unlocked, consent, to, asked) =>
        ofOwner(owned, asked, Image.Command.Transfer({ owned, unlocked, consent, to })),
      lock: (owned, asked) => ofOwner(owned, asked, Image.Command.Lock({ owned })),
      unlock: (owned, consent, asked) => ofOwner(owned, asked, Image.Command.Unlock({ owned, consent })),
      delete: (owned, unlocked, consent, asked) =>
        ofOwner(owned, asked, Image.Command.Delete({ owned, unlocked, consent }))
    } satisfies typeof Images.Service
  })
