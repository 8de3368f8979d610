/** The substrate of this machine: containers made by the membrane, whose process `run` keeps alive. */
import { createHash } from "node:crypto"
import { existsSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { Effect, Layer } from "effect"
import { Substrate, SubstrateLost } from "../Substrate.js"
import { create } from "./LocalContainer.js"
import * as Spawner from "./Spawner.js"

export interface LocalOptions {
  /** The server's data directory: one substrate each. */
  readonly data: string
  readonly binary?: string
  /** Start although some limit or namespace cannot be had. */
  readonly acceptWeak: boolean
  /** By default derived from `data`, so that a restarted server clears what a killed one left. */
  readonly instance?: string
}

/** The project's root, from its sources as from `dist`. */
const root = (from: string): string =>
  existsSync(join(from, "package.json")) || from === dirname(from) ? from : root(dirname(from))

/** Where `npm run build` puts the membrane. */
export const builtMembrane = join(root(dirname(fileURLToPath(import.meta.url))), "build", "membrane")

const instanceOf = (data: string): string => createHash("sha256").update(resolve(data)).digest("hex").slice(0, 12)

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
    run: Effect.tapError(Effect.scoped(life), become)
  }
}

/** Nothing runs before `run` does. Two of one instance at once would clear each other's containers. */
export const layer = (options: LocalOptions): Layer.Layer<Substrate> =>
  Layer.effect(
    Substrate,
    Effect.gen(function* () {
      const substrate = make(options)
      const one = yield* Effect.makeSemaphore(1)
      return { ...substrate, run: one.withPermits(1)(substrate.run) }
    })
  )
