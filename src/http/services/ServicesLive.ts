/** Services made, looked at, changed and ended by those who own them. */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import { Effect } from "effect"
import { Images } from "../../../actors/image/Images.js"
import type { Owned, Submission, Unwilling } from "../../../actors/service/Services.js"
import { unfit } from "../../../actors/snapshot/Unfit.js"
import { ServiceTable } from "../../projections/ServiceTable.js"
import { Allowance } from "../Allowance.js"
import { Api } from "../Api.js"
import * as Asking from "../Asking.js"
import { Caller } from "../Authentication.js"
import * as ImageDesk from "../images/ImageDesk.js"
import * as Problem from "../Problem.js"
import * as SnapshotDesk from "../snapshots/SnapshotDesk.js"
import * as Answer from "../wire/Answer.js"
import * as ServiceChanges from "./ServiceChanges.js"
import * as ServiceErrands from "./ServiceErrands.js"
import * as ServiceIntake from "./ServiceIntake.js"
import * as ServiceOutput from "./ServiceOutput.js"
import * as ServiceRoutes from "./ServiceRoutes.js"
import * as ServiceWords from "./ServiceWords.js"

type One = ServiceRoutes.One
interface Any {
  readonly request: HttpServerRequest.HttpServerRequest
}

const unnamed = new Problem.Problem({
  status: 400,
  code: "invalid_request",
  message: "golden_image must be an image's id or name.",
  details: { field: "golden_image" }
})

const make = Effect.gen(function* () {
  const routes = yield* ServiceRoutes.make
  const { changed, desk, guarding, own, services, telling } = routes
  const intake = yield* ServiceIntake.make
  const table = yield* ServiceTable
  const spawning = yield* Images
  const images = yield* ImageDesk.make
  const snapshots = yield* SnapshotDesk.make
  const allowance = yield* Allowance

  /** D18 where it begins with an image. */
  const beginning = (image: unknown, submission: Omit<Submission, "from">, asking: Asking.Asking) =>
    Effect.gen(function* () {
      const create = (from: Submission["from"]) => unfit(services.create({ ...submission, from }))
      if (image === undefined) return yield* create(null)
      if (typeof image !== "string") return yield* unnamed
      const { trusted } = yield* images.called(image, asking)
      return yield* spawning.spawn(trusted, create, Asking.asked(asking))
    })

  const create = Effect.fnUntraced(function* ({ request }: Any) {
    const asking = yield* Asking.of(request)
    const { key, trace } = asking.caller
    const asked = ServiceWords.order(yield* guarding.fields(asking))
    const permits = yield* intake.judge(asked, asking)
    const service = yield* beginning(asked.image, { ...permits, owner: key.key, trace }, asking).pipe(
      allowance.within("service", asking)
    )
    return Answer.json(telling.fresh(yield* desk.again(service)), 201)
  }, Effect.mapError(Problem.of))

  const snapshot = Effect.fnUntraced(function* ({ path, request }: One) {
    const asking = yield* Asking.of(request)
    return Answer.json(yield* snapshots.take(asking, { _tag: "Service", id: path.id }))
  }, Effect.mapError(Problem.of))

  const list = Effect.fnUntraced(function* () {
    const { key } = yield* Caller
    const found = yield* table.list(key.key)
    const told = yield* telling.all(found)
    return { services: told, count: told.length }
  }, Effect.mapError(Problem.of))

  const get = Effect.fnUntraced(function* (one: One) {
    const { view } = yield* own(one)
    return yield* telling.one(view)
  }, Effect.mapError(Problem.of))

  /** What is asked of it as a whole, without anything beside it. */
  const act = (how: (owned: Owned) => Effect.Effect<void, Unwilling>, message: string) =>
    Effect.fnUntraced(function* (one: One) {
      const { owned, view } = yield* own(one)
      yield* how(owned)
      return yield* changed(view, message)
    }, Effect.mapError(Problem.of))

  const destroy = Effect.fnUntraced(function* (one: One) {
    const { asking, owned, unlocked, view } = yield* routes.changing(one)
    yield* services.destroy(owned, unlocked, yield* routes.consented("destroying", view, asking))
    const { name, service } = view
    const state = { status: "destroyed", state: "destroyed" }
    return { id: service, service_id: service, ...state, success: true, message: `Service ${name} destroyed` }
  }, Effect.mapError(Problem.of))

  const unlock = Effect.fnUntraced(function* (one: One) {
    const { asking, owned, view } = yield* own(one)
    yield* services.unlock(owned, yield* routes.consented("destroying", view, asking))
    return yield* changed(view, "Service unlocked")
  }, Effect.mapError(Problem.of))

  return {
    create,
    list,
    get,
    snapshot,
    destroy,
    freeze: act(services.freeze, "Service frozen"),
    unfreeze: act(services.unfreeze, "Service unfrozen"),
    lock: act(services.lock, "Service locked"),
    unlock,
    ...ServiceChanges.make(routes, intake),
    ...(yield* ServiceErrands.make(routes, intake)),
    ...(yield* ServiceOutput.make(routes))
  }
})

export const ServicesLive = HttpApiBuilder.group(Api, "services", (handlers) =>
  Effect.map(make, (on) =>
    handlers
      .handleRaw("create", on.create)
      .handle("list", on.list)
      .handle("get", on.get)
      .handleRaw("patch", on.patch)
      .handle("destroy", on.destroy)
      .handleRaw("freeze", on.freeze)
      .handleRaw("unfreeze", on.unfreeze)
      .handleRaw("lock", on.lock)
      .handleRaw("unlock", on.unlock)
      .handleRaw("redeploy", on.redeploy)
      .handleRaw("resize", on.resize)
      .handleRaw("domains", on.domains)
      .handleRaw("execute", on.execute)
      .handleRaw("logs", on.logs)
      .handleRaw("snapshot", on.snapshot)
  )
)
