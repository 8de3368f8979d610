/** Snapshots as actors, each woken for one command, and their layers: kept before they are told of, freed after. */
import { Clock, Effect, Option } from "effect"
import { stream } from "../../events/Envelope.js"
import type { SnapshotId } from "../../events/Ids.js"
import { type Place, read, type SnapshotTaken } from "../../events/Snapshot.js"
import { capacityAvailable } from "../../src/guards/CapacityAvailable.js"
import { refuseRejected } from "../../src/guards/TransitionLegal.js"
import { EventLog, LogUnavailable } from "../../src/log/EventLog.js"
import { SnapshotTable, type SnapshotView } from "../../src/projections/SnapshotTable.js"
import { Layers } from "../../src/store/Layers.js"
import * as Minting from "../Minting.js"
import type { Services } from "../service/Services.js"
import type { SessionLost, Sessions } from "../session/Sessions.js"
import * as Waking from "../Waking.js"
import * as Snapshot from "./Snapshot.js"
import type { Asked, Owned, Snapshots, Source, Submission, Target, Unlocked } from "./Snapshots.js"
import { unfit } from "./Unfit.js"

/** Where volumes are, and who knows how to hold them still. */
interface Places {
  readonly sessions: Pick<typeof Sessions.Service, "quiesced" | "restore">
  readonly services: Pick<typeof Services.Service, "quiesced" | "restore">
}

const definition = (snapshot: SnapshotId) => ({
  stream: stream("snapshot", snapshot),
  by: "snapshots",
  capacity: 1,
  initial: Snapshot.initial,
  decide: Snapshot.decide,
  evolve: Snapshot.evolve,
  read,
  react: () => Effect.void
})

const unseen = new LogUnavailable({ reason: "what was recorded cannot be seen", written: "unknown" })

const lost = ({ reason }: SessionLost) =>
  capacityAvailable.refuse({
    code: "session_lost",
    message: "The session's container is not there now. Try again shortly.",
    status: 503,
    retryAfterSeconds: 2,
    note: reason
  })

const placeOf = (at: Source | Target): Place =>
  at._tag === "Session"
    ? { _tag: "Session", session: at.owned.facts.resource }
    : { _tag: "Service", service: at.owned.facts.resource }

const MICROS = 1_000

export const make = ({ services, sessions }: Places) =>
  Effect.gen(function* () {
    const log = yield* EventLog
    const layers = yield* Layers
    const table = yield* SnapshotTable

    const command = (snapshot: SnapshotId, command: Snapshot.Command, { by, trace }: { by: string; trace?: string }) =>
      Waking.wake(log, definition(snapshot), command, { by, ...(trace === undefined ? {} : { trace }) }).pipe(
        Effect.catchTags({
          Rejected: (rejected) => refuseRejected(`snapshot ${snapshot}`, rejected),
          NotAccepted: Waking.unanswered,
          OutcomeUnknown: Waking.unanswered
        })
      )

    const ofOwner = (owned: Owned, asked: Asked, wanted: Snapshot.Command) =>
      Effect.asVoid(command(owned.facts.resource, wanted, asked))

    const found = (snapshot: SnapshotId): Effect.Effect<SnapshotView, LogUnavailable> =>
      Effect.flatMap(table.find(snapshot), Option.match({ onNone: () => unseen, onSome: Effect.succeed }))

    /** Its own history says that it may be used, and is read before anything is made of it; its layer is held from then on. */
    const held = Effect.fnUntraced(function* (owned: Owned, asked: Asked) {
      const { resource } = owned.facts
      yield* ofOwner(owned, asked, Snapshot.Command.Use({ owned }))
      yield* layers.retain((yield* found(resource)).layer.digest)
      const view = yield* found(resource)
      // Deleted meanwhile, its layer may be on its way out.
      if (view.gone !== undefined) return yield* refuseRejected(`snapshot ${resource}`, { command: "Use", in: "Gone" })
      return view
    })

    const captured = (source: Source, hot: boolean) => {
      const capture = (directory: string) => layers.capture(directory, hot)
      if (source._tag === "Service") return services.quiesced(source.owned, hot, capture)
      return Effect.catchTag(sessions.quiesced(source.owned, hot, capture), "SessionLost", lost)
    }

    const take = Effect.fnUntraced(function* ({ order, origin, source }: Submission, asked: Asked) {
      const { hot, name, ttlMillis } = order.facts
      // Had before its source stands still: nobody stands still in a line.
      yield* layers.turn(hot)
      const layer = yield* Effect.flatten(captured(source, hot))
      const snapshot = Minting.snapshotId()
      const now = yield* Clock.currentTimeMillis
      const expiresAt = ttlMillis === null ? null : (now + ttlMillis) * MICROS
      const of: Omit<SnapshotTaken, "_tag"> = {
        ...{ snapshot, owner: asked.by, source: placeOf(source), name: name === "" ? snapshot : name },
        ...{ layer, origin, hot, expiresAt }
      }
      yield* command(snapshot, Snapshot.Command.Take({ taken: of }), asked)
      return yield* found(snapshot)
    }, Effect.scoped)

    const put = (into: Target, { layer }: SnapshotView) =>
      into._tag === "Service"
        ? services.restore(into.owned, into.unlocked, into.consent, layer.digest)
        : Effect.catchTag(sessions.restore(into.owned, into.unlocked, into.consent, layer.digest), "SessionLost", lost)

    const restore = Effect.fnUntraced(function* (owned: Owned, into: Target, asked: Asked) {
      yield* put(into, yield* held(owned, asked))
      yield* ofOwner(owned, asked, Snapshot.Command.Restore({ owned, into: placeOf(into) }))
    }, Effect.scoped)

    const clone: (typeof Snapshots.Service)["clone"] = (owned, open, asked) =>
      Effect.gen(function* () {
        const { layer } = yield* held(owned, asked)
        const to = yield* open(layer.digest)
        yield* ofOwner(owned, asked, Snapshot.Command.Clone({ owned, to }))
        return to
      }).pipe(Effect.scoped)

    const expire = Effect.gen(function* () {
      const now = (yield* Clock.currentTimeMillis) * MICROS
      const late = yield* table.expired(now)
      for (const one of late) yield* command(one, Snapshot.Command.Expire({ now }), { by: "housekeeping" })
      return late.length
    })

    return {
      take: (submission, asked) => unfit(take(submission, asked)),
      restore: (owned, into, asked) => unfit(restore(owned, into, asked)),
      clone,
      lock: (owned, asked) => ofOwner(owned, asked, Snapshot.Command.Lock({ owned })),
      unlock: (owned, consent, asked) => ofOwner(owned, asked, Snapshot.Command.Unlock({ owned, consent })),
      delete: (owned: Owned, unlocked: Unlocked, consent, asked) =>
        ofOwner(owned, asked, Snapshot.Command.Delete({ owned, unlocked, consent })),
      expire
    } satisfies typeof Snapshots.Service
  })
