/** Snapshots taken, looked at, put back, cloned and deleted by those who own them. */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import { Effect } from "effect"
import { Snapshots } from "../../../actors/snapshot/Snapshots.js"
import { entitles } from "../../guards/TierEntitled.js"
import { SnapshotTable } from "../../projections/SnapshotTable.js"
import { Api } from "../Api.js"
import * as Asking from "../Asking.js"
import * as Problem from "../Problem.js"
import * as Answer from "../wire/Answer.js"
import * as Cloning from "./Cloning.js"
import * as SnapshotDesk from "./SnapshotDesk.js"

interface Any {
  readonly request: HttpServerRequest.HttpServerRequest
}
interface One extends Any {
  readonly path: { readonly id: string }
}

const longestList = 1_000

const make = Effect.gen(function* () {
  const snapshots = yield* Snapshots
  const table = yield* SnapshotTable
  const desk = yield* SnapshotDesk.make
  const cloning = yield* Cloning.make

  const own = ({ path, request }: One) =>
    Effect.gen(function* () {
      const asking = yield* Asking.of(request)
      return { ...(yield* desk.own(path.id, asking)), asking, by: Asking.asked(asking) }
    })

  const create = Effect.fnUntraced(function* ({ request }: Any) {
    return Answer.json(yield* desk.take(yield* Asking.of(request)))
  }, Effect.mapError(Problem.of))

  const list = Effect.fnUntraced(function* ({ request }: Any) {
    const asking = yield* Asking.of(request)
    const { key } = asking.caller
    yield* desk.guarding.judge(entitles({ scope: "snapshots" }, key), asking)
    const found = yield* table.list(key.key, longestList)
    return { snapshots: found.map(SnapshotDesk.told), count: found.length }
  }, Effect.mapError(Problem.of))

  const get = Effect.fnUntraced(function* (one: One) {
    return SnapshotDesk.told((yield* own(one)).view)
  }, Effect.mapError(Problem.of))

  const remove = Effect.fnUntraced(function* (one: One) {
    const { asking, by, owned, view } = yield* own(one)
    const { locked, name, snapshot } = view
    const unlocked = yield* desk.guarding.unlocked("snapshot", snapshot, locked, asking)
    yield* snapshots.delete(owned, unlocked, yield* desk.consented("destroying", view, asking), by)
    return { id: snapshot, snapshot_id: snapshot, success: true, message: `Snapshot ${name} deleted` }
  }, Effect.mapError(Problem.of))

  const locking = (locked: boolean) =>
    Effect.fnUntraced(function* (one: One) {
      const { asking, by, owned, view } = yield* own(one)
      if (locked) yield* snapshots.lock(owned, by)
      else yield* snapshots.unlock(owned, yield* desk.consented("destroying", view, asking), by)
      const message = `Snapshot ${locked ? "locked" : "unlocked"}`
      return { id: view.snapshot, snapshot_id: view.snapshot, locked, message }
    }, Effect.mapError(Problem.of))

  const restore = Effect.fnUntraced(function* ({ path, request }: One) {
    return yield* desk.restore(path.id, yield* Asking.of(request))
  }, Effect.mapError(Problem.of))

  const clone = Effect.fnUntraced(function* (one: One) {
    const { asking, by, owned, view } = yield* own(one)
    const fields = yield* desk.guarding.fields(asking)
    const kind = yield* desk.guarding.judge(Cloning.kindOf(fields, view.source), asking)
    const place =
      kind === "session"
        ? yield* snapshots.clone(owned, yield* cloning.session(fields, view.origin, asking), by)
        : yield* snapshots.clone(owned, yield* cloning.service(fields, view.origin, asking), by)
    const message = `Snapshot cloned to a new ${kind}`
    return Answer.json({ ...(yield* cloning.told(place)), snapshot_id: view.snapshot, message })
  }, Effect.mapError(Problem.of))

  return { create, list, get, remove, lock: locking(true), unlock: locking(false), restore, clone }
})

export const SnapshotsLive = HttpApiBuilder.group(Api, "snapshots", (handlers) =>
  Effect.map(make, ({ clone, create, get, list, lock, remove, restore, unlock }) =>
    handlers
      .handleRaw("create", create)
      .handle("list", list)
      .handle("get", get)
      .handle("delete", remove)
      .handle("lock", lock)
      .handle("unlock", unlock)
      .handle("restore", restore)
      .handleRaw("clone", clone)
  )
)
