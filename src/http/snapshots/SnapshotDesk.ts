/** Snapshots looked up for those who may, taken and put back: also for the routes of sessions and services. */
import { Effect, Either, Schema } from "effect"
import * as Snapshots from "../../../actors/snapshot/Snapshots.js"
import { SnapshotId } from "../../../events/Ids.js"
import type { Place } from "../../../events/Snapshot.js"
import { requestWellformed } from "../../guards/RequestWellformed.js"
import type { Found } from "../../guards/ResourceKnown.js"
import { snapshotWellformed } from "../../guards/SnapshotOrder.js"
import { entitles } from "../../guards/TierEntitled.js"
import { SnapshotTable, type SnapshotView } from "../../projections/SnapshotTable.js"
import { Allowance } from "../Allowance.js"
import * as Asking from "../Asking.js"
import * as Consent from "../Consent.js"
import { iso } from "../Moment.js"
import * as Places from "./Places.js"
import type { Restored, Snapshot } from "./SnapshotShape.js"

/** As every answer names it: by its kind, its id, and under the kind's own key. */
const placed = (place: Place) =>
  place._tag === "Session"
    ? { type: "session", id: place.session, session_id: place.session }
    : { type: "service", id: place.service, service_id: place.service }

export const told = (view: SnapshotView): Snapshot => {
  const { createdAt, expiresAt, hot, layer, locked, name, origin, snapshot } = view
  const { id: source_id, type, ...named } = placed(view.source)
  return {
    ...{ id: snapshot, snapshot_id: snapshot, name, type, source_type: type, source_id, ...named },
    container_name: origin.container ?? "",
    ...{ status: "ready", state: "ready", hot, locked },
    ...{ size_bytes: layer.stored, content_bytes: layer.bytes, file_count: layer.files },
    network_mode: origin.network,
    created_at: iso(createdAt),
    ...(expiresAt === null ? {} : { expires_at: iso(expiresAt) })
  }
}

const found = ({ gone, owner }: SnapshotView): Found => (gone === undefined ? { owner } : { owner, gone })

const nameOf = ({ source }: SnapshotView): Places.Named =>
  source._tag === "Session" ? { _tag: "Session", id: source.session } : { _tag: "Service", id: source.service }

const unnamed = requestWellformed.refuse({
  code: "snapshot_required",
  message: "Name the snapshot: snapshot_id. GET /snapshots lists yours.",
  status: 400,
  details: { field: "snapshot_id" }
})

export const make = Effect.gen(function* () {
  const snapshots = yield* Snapshots.Snapshots
  const table = yield* SnapshotTable
  const guarding = yield* Asking.make
  const consenting = yield* Consent.make
  const allowance = yield* Allowance
  const places = yield* Places.make

  const findable = { kind: "snapshot", isId: Schema.is(SnapshotId), find: table.find, found } as const
  const own = (id: string, asking: Asking.Asking) => guarding.own(findable, id, asking)

  /** Of the place that the path, or else the body, names. */
  const take = Effect.fnUntraced(function* (asking: Asking.Asking, of?: Places.Named) {
    const fields = yield* guarding.fields(asking)
    const { hot, name, ttl } = fields
    const order = yield* guarding.judge(snapshotWellformed.decide({ name, hot, ttl }), asking)
    const named = of ?? (yield* guarding.judge(Places.named(fields), asking))
    yield* guarding.judge(entitles({ scope: "snapshots" }, asking.caller.key), asking)
    const { origin, source } = yield* places.source(named, asking)
    const taking = snapshots.take({ source, order, origin }, Asking.asked(asking))
    return told(yield* allowance.within("snapshot", asking)(taking))
  })

  /** Into the place that the path names, or else the one that it was taken of. */
  const restore = Effect.fnUntraced(function* (id: string, asking: Asking.Asking, into?: Places.Named) {
    const { owned, view } = yield* own(id, asking)
    const target = yield* places.target(into ?? nameOf(view), asking)
    yield* snapshots.restore(owned, target, Asking.asked(asking))
    const place = into === undefined ? placed(view.source) : placed(placeOf(target))
    const message = `Restored from snapshot ${view.name}`
    return { status: "restored", success: true, message, snapshot_id: view.snapshot, ...place } satisfies Restored
  })

  /** As `restore`, for a path that names the place and a body that names the snapshot. */
  const restoreInto = Effect.fnUntraced(function* (into: Places.Named, asking: Asking.Asking) {
    const { id, snapshot_id } = yield* guarding.fields(asking)
    const named = snapshot_id ?? id
    if (typeof named !== "string" || named === "") return yield* guarding.judge(Either.left(unnamed), asking)
    return yield* restore(named, asking, into)
  })

  const consented = (weight: Consent.Weight, { owner, snapshot, source }: SnapshotView, asking: Asking.Asking) => {
    const home = source._tag === "Service" ? { home: source.service } : {}
    return consenting(weight, { kind: "snapshot", resource: snapshot, owner, ...home }, asking)
  }

  return { own, consented, take, restore, restoreInto, guarding }
})

const placeOf = (target: Snapshots.Target): Place =>
  target._tag === "Session"
    ? { _tag: "Session", session: target.owned.facts.resource }
    : { _tag: "Service", service: target.owned.facts.resource }
