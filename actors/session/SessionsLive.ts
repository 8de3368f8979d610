/** Sessions as supervised actors: opened durably, at work in containers of their own, ended for a typed reason. */
import { Deferred, Effect } from "effect"
import type { Children } from "../../src/kernel/Children.js"
import * as Connecting from "./Connecting.js"
import * as Holding from "./Holding.js"
import { Living } from "./Living.js"
import * as Opening from "./Opening.js"
import * as Ordering from "./Ordering.js"
import * as Resuming from "./Resuming.js"
import * as Rooting from "./Rooting.js"
import type { Sessions } from "./Sessions.js"
import * as Working from "./Working.js"

interface Options extends Working.Options {
  /** Own the sessions' actors. */
  readonly children: Children
  /** Bytes kept of each output stream of a command beside a shell. */
  readonly outputCap: number
}

/** Resolves when those that a former control plane left are in hand again, or ended. */
export const make = (options: Options) =>
  Effect.gen(function* () {
    const living = new Living()
    const { begin } = yield* Working.make(options, living)
    const opening = yield* Opening.make(options, living, options.children)
    const { limits, log, outputCap, volumes } = options
    yield* Resuming.resume(options, opening, begin)

    return {
      open: (submission) => opening.open(submission, begin),
      ...Connecting.make(living),
      ...Ordering.make({ limits, outputCap }, living),
      ...Rooting.make({ log, rootOf: volumes.path }, living),
      ...Holding.make(living),
      activity: (session) => living.find(session)?.activeAt,
      ended: (session) =>
        Effect.suspend(() => {
          const live = living.find(session)
          return live === undefined ? Effect.void : Deferred.await(live.ended)
        }),
      active: Effect.sync(() => living.size)
    } satisfies typeof Sessions.Service
  })
