/** How a submission becomes a session: opened in the log, its recording begun, its worker at work. */
import { Clock, Deferred, Effect, Either } from "effect"
import type { SessionId } from "../../events/Ids.js"
import type { SessionOpened } from "../../events/Session.js"
import { capacityAvailable } from "../../src/guards/CapacityAvailable.js"
import * as Actor from "../../src/kernel/Actor.js"
import type { Children } from "../../src/kernel/Children.js"
import { Toolchains } from "../../src/languages/Toolchains.js"
import { digestOf } from "../../src/store/Digest.js"
import * as Minting from "../Minting.js"
import * as Living from "./Living.js"
import * as Session from "./Session.js"
import * as SessionActor from "./SessionActor.js"
import { type Failure, SessionLost, type Submission } from "./Sessions.js"
import type { Shell } from "./Shell.js"
import * as Telling from "./Telling.js"
import type { Options, Way } from "./Working.js"

/** Longer than the pool's line, and than a large root takes to be unpacked. */
const RUNS_WITHIN = "5 minutes"
/** As many commands beside the shell at one time. */
const BESIDE = 16

const full = capacityAvailable.refuse({
  code: "too_many_sessions",
  message: "Too many sessions are open on this server. Delete one, or try again shortly.",
  status: 503,
  retryAfterSeconds: 5
})

const gone = (what: string) => new SessionLost({ reason: `${what} is not in this image any more` })

export const make = (options: Options, living: Living.Living, children: Children) =>
  Effect.gen(function* () {
    const toolchains = yield* Toolchains
    const { layers, log, recordings, volumes } = options

    /** What D12 found in the image, with its paths. */
    const shellOf = (name: string, multiplexer: SessionOpened["multiplexer"]): Either.Either<Shell, SessionLost> => {
      const found = toolchains.shells.get(name)
      const path = multiplexer === null ? undefined : toolchains.multiplexers.get(multiplexer)
      if (found === undefined) return Either.left(gone(name))
      if (multiplexer === null) return Either.right({ argv: found.argv, multiplexer })
      return path === undefined
        ? Either.left(gone(multiplexer))
        : Either.right({ argv: found.argv, multiplexer: { name: multiplexer, path } })
    }

    /** It is among the living, and its actor runs, until it is forgotten and its actor stopped. */
    const admit = (kind: Living.Kind, born: boolean) =>
      Effect.gen(function* () {
        const actor = Actor.on(log, SessionActor.definition(kind.session, born))
        const activeAt = (yield* Clock.currentTimeMillis) * 1_000
        const [hand, root] = [Effect.unsafeMakeSemaphore(1), Effect.unsafeMakeSemaphore(1)]
        const beside = Effect.unsafeMakeSemaphore(BESIDE)
        const lease = yield* options.slots.lease(kind.owner, "run a session")
        const live = Living.live(kind, { actor, lease, hand, root, beside, activeAt })
        if (!(yield* children.start(kind.session, actor.run, actor.stop))) return yield* full
        living.add(live)
        return live
      })

    const dropped = (live: Living.Live) =>
      Effect.zipRight(
        live.actor.stop,
        Effect.sync(() => living.forget(live, new SessionLost({ reason: "it was not opened" })))
      )

    const openedOf = (session: SessionId, submission: Submission, now: number): Omit<SessionOpened, "_tag"> => {
      const { audit, files, from, multiplexer, network, order, owner, shell } = submission
      const { ttlMillis, vcpu } = order.facts
      return {
        session,
        owner,
        network: network.facts.mode,
        shell: shell.facts.language,
        multiplexer: multiplexer?.name ?? null,
        vcpu,
        expiresAt: ttlMillis === null ? null : (now + ttlMillis) * 1_000,
        audit,
        inputs: files.facts.files.map(({ content, name }) => ({
          name,
          digest: digestOf(content),
          bytes: content.length
        })),
        from
      }
    }

    /** Its terminal is recorded from here on, if its owner asked for that. */
    const recorded = (live: Living.Live, shell: string) =>
      live.audit === "none"
        ? Effect.void
        : Effect.gen(function* () {
            const { columns, rows } = live.terminal.size
            const startedAt = Math.floor((yield* Clock.currentTimeMillis) / 1_000)
            const header = { columns, rows, startedAt, title: live.session, command: shell }
            const into = yield* recordings.open(live.session, header)
            live.recording = into
            live.terminal.recording = { into, typed: live.audit === "input" }
          })

    const wayOf = ({ session }: Living.Live, { files, from }: Submission): Way => ({
      _tag: "New",
      inputs: files.facts.files,
      fill: from === null ? Effect.void : volumes.replace(session, (directory) => layers.unpack(from, directory))
    })

    const opened = (submission: Submission, begin: (live: Living.Live, way: Way) => Effect.Effect<unknown>) =>
      Effect.gen(function* () {
        const { audit, multiplexer, network, owner, trace } = submission
        const name = submission.shell.facts.language
        const shell = yield* shellOf(name, multiplexer?.name ?? null)
        const session = Minting.sessionId()
        const live = yield* admit({ session, owner, network: network.facts.mode, shell, audit }, true)
        const about = openedOf(session, submission, yield* Clock.currentTimeMillis)
        const told = Telling.tell(live, Session.Command.Open({ opened: about }), { by: owner, trace })
        const opening = Effect.zipRight(live.lease.take(1), told)
        yield* Effect.tapError(opening, () => dropped(live))
        // From here on it has a worker: however that fails, so does the session, in the log.
        const failed = Effect.option(Effect.flip(recorded(live, name)))
        const unrecorded = yield* failed
        const way = wayOf(live, submission)
        yield* begin(live, unrecorded._tag === "Some" ? { _tag: "New", inputs: [], fill: unrecorded.value } : way)
        return live
      }).pipe(Effect.uninterruptible)

    /** Resolves once it runs. */
    const open = (submission: Submission, begin: (live: Living.Live, way: Way) => Effect.Effect<unknown>) =>
      Effect.flatMap(opened(submission, begin), (live) =>
        Deferred.await(live.running).pipe(
          Effect.timeoutFail<Failure>({ duration: RUNS_WITHIN, onTimeout: Telling.late("its start") }),
          Effect.as(live.session)
        )
      )

    return { open, admit, shellOf, recorded }
  })

export type Opening = Effect.Effect.Success<ReturnType<typeof make>>
