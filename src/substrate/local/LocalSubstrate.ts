/** The substrate of this machine: containers made by the membrane, whose process `run` keeps alive. */
import { createHash } from "node:crypto"
import { existsSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { Array as Arr, Effect, Layer, Option } from "effect"
import { type Kept, Substrate, SubstrateLost } from "../Substrate.js"
import type { Adopted } from "./Adoption.js"
import { adopted, create } from "./LocalContainer.js"
import * as Spawner from "./Spawner.js"

export interface LocalOptions {
  /** The server's data directory: one substrate each. */
  readonly data: string
  readonly binary?: string
  /** Start although some limit or namespace cannot be had. */
  readonly acceptWeak: boolean
  /** By default derived from `data`, so that a restarted server finds what a former one kept, and clears what a killed one left. */
  readonly instance?: string
}

/** The project's root, from its sources as from `dist`. */
const root = (from: string): string =>
  existsSync(join(from, "package.json")) || from === dirname(from) ? from : root(dirname(from))

/** Where `npm run build` puts the membrane. */
export const builtMembrane = join(root(dirname(fileURLToPath(import.meta.url))), "build", "membrane")

const instanceOf = (data: string): string => createHash("sha256").update(resolve(data)).digest("hex").slice(0, 12)

/** None: it is ending. One whose seal cannot be read is trusted by nobody, so it ends. */
const kept = ({ channel, frozen, label, launched }: Adopted): Effect.Effect<Option.Option<Kept>, SubstrateLost> => {
  if (channel.end?._tag === "SubstrateFailed") return Effect.succeedNone
  return adopted(channel).pipe(
    Effect.map((container) => Option.some({ label, container, frozen, launched })),
    Effect.catchTag("SubstrateFailed", ({ message, stage }) =>
      Effect.logWarning(`the kept container ${label} is given up: ${stage}, ${message}`).pipe(
        Effect.zipRight(Effect.sync(() => channel.destroy())),
        Effect.as(Option.none())
      )
    )
  )
}

const make = (options: LocalOptions): Substrate["Type"] => {
  const start = Spawner.start({
    binary: options.binary ?? builtMembrane,
    directory: join(resolve(options.data), "run"),
    instance: options.instance ?? instanceOf(options.data),
    acceptWeak: options.acceptWeak
  })
  let state: Spawner.Spawner | SubstrateLost = new SubstrateLost({ reason: "the substrate was not started" })
  const current = Effect.suspend<Spawner.Spawner, SubstrateLost, never>(() =>
    state instanceof SubstrateLost ? state : Effect.succeed(state)
  )
  const become = (next: typeof state) =>
    Effect.sync(() => {
      state = next
    })
  const closed = new SubstrateLost({ reason: "the substrate was closed" })
  const life = Effect.gen(function* () {
    const spawner = yield* start
    yield* Effect.acquireRelease(become(spawner), () => become(closed))
    return yield* spawner.lost
  })
  return {
    facts: Effect.map(current, ({ facts }) => facts),
    create: (hostname, limits) => Effect.flatMap(current, ({ connection }) => create(connection, hostname, limits)),
    kept: Effect.flatMap(current, ({ adopted }) =>
      Effect.map(Effect.forEach(adopted, kept, { concurrency: "unbounded" }), Arr.getSomes)
    ),
    run: Effect.tapError(Effect.scoped(life), become)
  }
}

/**
 * Nothing runs before `run` does. It takes over the spawner that a former driver of the instance left; a connection that breaks within
 * its own life is not taken up again, everything is lost with it.
 */
export const layer = (options: LocalOptions): Layer.Layer<Substrate> =>
  Layer.effect(
    Substrate,
    Effect.gen(function* () {
      const substrate = make(options)
      const one = yield* Effect.makeSemaphore(1)
      return { ...substrate, run: one.withPermits(1)(substrate.run) }
    })
  )
