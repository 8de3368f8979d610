/** Sessions opened, looked at, changed and ended by those who own them. */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { Effect, Option } from "effect"
import { Sessions, type Submission } from "../../../actors/session/Sessions.js"
import { commandWellformed } from "../../guards/SessionOrder.js"
import { SessionTable, type SessionView } from "../../projections/SessionTable.js"
import { Api } from "../Api.js"
import * as Asking from "../Asking.js"
import { Caller } from "../Authentication.js"
import { Problem } from "../Problem.js"
import * as SnapshotDesk from "../snapshots/SnapshotDesk.js"
import * as Answer from "../wire/Answer.js"
import { AnswerRoom } from "../wire/AnswerRoom.js"
import * as Large from "../wire/Large.js"
import * as SessionChanges from "./SessionChanges.js"
import * as SessionDesk from "./SessionDesk.js"
import * as SessionIntake from "./SessionIntake.js"
import * as SessionRecordings from "./SessionRecordings.js"
import * as SessionRequest from "./SessionRequest.js"
import * as View from "./SessionView.js"

type Request = HttpServerRequest.HttpServerRequest

interface One {
  readonly path: { readonly id: string }
  readonly request: Request
}

interface Filter {
  readonly limit?: number | undefined
  readonly all?: string | undefined
}

interface Options {
  readonly memoryMbPerVcpu: number
}

const usualList = 100
/** Each text is told twice at most, and base64 takes a third more. */
const weightOf = (bytes: number) => bytes * 3

const upgrade = new Problem({
  status: 426,
  code: "upgrade_required",
  message: "A terminal is a WebSocket: upgrade, with the subprotocol unsandbox-shell. POST here runs one command.",
  headers: { upgrade: "websocket", connection: "upgrade" }
})

const unrecorded = new Problem({
  status: 404,
  code: "no_recording",
  message: "There is no recording of this session. Open one with ?audit=1; recordings are kept for a while only."
})

const make = ({ memoryMbPerVcpu }: Options) =>
  Effect.gen(function* () {
    const sessions = yield* Sessions
    const table = yield* SessionTable
    const room = yield* AnswerRoom
    const desk = yield* SessionDesk.make(memoryMbPerVcpu)
    const intake = yield* SessionIntake.make
    const recordingOf = yield* SessionRecordings.make
    const snapshots = yield* SnapshotDesk.make

    const open = Effect.fnUntraced(function* ({ request }: { readonly request: Request }) {
      const asking = yield* Asking.of(request)
      const { body, key, trace } = asking.caller
      const permits = yield* intake.judge(SessionRequest.open(request.url, body), asking)
      const submission: Submission = { ...permits, owner: key.key, from: null, trace }
      const session = yield* sessions.open(submission)
      return Answer.json(yield* desk.tell(yield* desk.view(session), request))
    }, Effect.mapError(SessionDesk.told))

    const list = Effect.fnUntraced(function* ({ all, limit = usualList }: Filter, request: Request) {
      const { key } = (yield* Caller).key
      const found = yield* table.list(key, { limit, ended: all === "1" || all === "true" })
      const told = yield* Effect.forEach(found, (view) => desk.tell(view, request))
      return Answer.json({ sessions: told, count: told.length })
    }, Effect.mapError(SessionDesk.told))

    const get = Effect.fnUntraced(function* ({ path, request }: One) {
      const { view } = yield* desk.own(path.id, yield* Asking.of(request))
      return Answer.json(yield* desk.tell(view, request))
    }, Effect.mapError(SessionDesk.told))

    const execute = Effect.fnUntraced(function* ({ path, request }: One) {
      const asking = yield* Asking.of(request)
      const { owned, view } = yield* desk.own(path.id, asking)
      const order = yield* desk.read(commandWellformed.decide, asking)
      const ran = yield* sessions.execute(owned, order)
      yield* room.hold(request, view.owner, weightOf(ran.stdout.length + ran.stderr.length))
      const large = Large.make()
      return Answer.told({ value: View.executed(view.session, ran, large), large })
    }, Effect.mapError(SessionDesk.told))

    const artifacts = (view: SessionView, request: Request, large: Large.Large) =>
      Effect.gen(function* () {
        const found = yield* recordingOf(view)
        if (Option.isNone(found)) return []
        yield* room.hold(request, view.owner, weightOf(found.value.length))
        return [View.artifact(`${view.session}.cast`, found.value, large)]
      })

    /** Of one that has ended by itself, too: its recording is still to be had. */
    const remove = Effect.fnUntraced(function* ({ path, request }: One) {
      const asking = yield* Asking.of(request)
      const one = yield* desk.own(path.id, asking, true)
      const { session } = one.view
      // What the log knows to be over may still be at work here.
      const here = one.view.ended === null || sessions.activity(session) !== undefined
      if (here) {
        const unlocked = yield* desk.unlocked(one.view, asking)
        yield* sessions.remove(one.owned, unlocked, yield* desk.consented("grave", one.view, asking))
      }
      yield* Effect.timeoutOption(sessions.ended(session), "1 minute")
      const view = yield* desk.view(session)
      const large = Large.make()
      const value = {
        id: session,
        session_id: session,
        status: "terminated",
        state: "terminated",
        success: true,
        message: "Session terminated",
        cause: view.ended?.cause ?? "deleted",
        artifacts: yield* artifacts(view, request, large)
      }
      return Answer.told({ value, large })
    }, Effect.mapError(SessionDesk.told))

    const recording = Effect.fnUntraced(function* ({ path, request }: One) {
      const { view } = yield* desk.own(path.id, yield* Asking.of(request), true)
      const found = yield* recordingOf(view)
      if (Option.isNone(found)) return yield* unrecorded
      yield* room.hold(request, view.owner, found.value.length)
      return HttpServerResponse.uint8Array(found.value, { contentType: "application/x-asciicast" })
    }, Effect.mapError(SessionDesk.told))

    const snapshot = Effect.fnUntraced(function* ({ path, request }: One) {
      return Answer.json(yield* snapshots.take(yield* Asking.of(request), { _tag: "Session", id: path.id }))
    }, Effect.mapError(SessionDesk.told))

    const restore = Effect.fnUntraced(function* ({ path, request }: One) {
      return Answer.json(yield* snapshots.restoreInto({ _tag: "Session", id: path.id }, yield* Asking.of(request)))
    }, Effect.mapError(SessionDesk.told))

    return {
      ...{ open, list, get, remove, execute, recording, snapshot, restore },
      ...SessionChanges.make(sessions, desk, memoryMbPerVcpu)
    }
  })

export const layer = (options: Options) =>
  HttpApiBuilder.group(Api, "sessions", (handlers) =>
    Effect.map(make(options), (own) =>
      handlers
        .handleRaw("open", own.open)
        .handleRaw("list", ({ request, urlParams }) => own.list(urlParams, request))
        .handleRaw("get", own.get)
        .handleRaw("delete", own.remove)
        .handleRaw("freeze", own.freeze)
        .handleRaw("unfreeze", own.unfreeze)
        .handleRaw("boost", own.boost)
        .handleRaw("unboost", own.unboost)
        .handleRaw("lock", own.lock)
        .handleRaw("unlock", own.unlock)
        .handleRaw("extend", own.extend)
        .handleRaw("execute", own.execute)
        .handleRaw("shell", own.execute)
        .handleRaw("snapshot", own.snapshot)
        .handleRaw("restore", own.restore)
        .handleRaw("terminal", () => Effect.fail(upgrade))
        .handleRaw("recording", own.recording)
    )
  )
