/** Where the commands about keys find them, and which one is meant. */
import { Args } from "@effect/cli"
import { Clock, Effect, Layer, Schema } from "effect"
import { Keys } from "../../../../actors/key/Keys.js"
import { PublicKey } from "../../../../events/Ids.js"
import * as ControlClient from "../../../rpc/ControlClient.js"
import type { Key } from "../../../rpc/KeyControl.js"
import * as KeyDesk from "../../../rpc/KeyDesk.js"
import { Application } from "../../Application.js"
import { type Failure, general, usage } from "../../Failure.js"
import { milliseconds } from "../../Knobs.js"
import { settings } from "../../Options.js"
import { type Meant, meant } from "./KeyTelling.js"

/** The running server does it; without one the store is opened, whose lock keeps a server from starting meanwhile. */
export const desk = Effect.fnUntraced(function* (place: Parameters<typeof settings>[0]) {
  const chosen = yield* settings(place)
  if (yield* ControlClient.running(chosen.data)) return (yield* ControlClient.make(chosen.data)).keys
  const application = yield* Application
  const built = yield* Layer.build(application.keys(chosen))
  return KeyDesk.of(yield* Effect.provide(Keys, built))
})

export const argument = Args.text({ name: "public-key" })

export const known = (text: string): Effect.Effect<PublicKey, Failure> =>
  Effect.mapError(Schema.decode(PublicKey)(text), () =>
    usage(`${JSON.stringify(text)} is not a public key (unsb-pk-…)`)
  )

export const one = (all: ReadonlyArray<Key>, key: PublicKey): Effect.Effect<Meant, Failure> => {
  const found = all.find((record) => record.key === key)
  return found === undefined ? general("unknown_key", `there is no key ${key}`) : Effect.succeed(meant(all, found))
}

/** From now on; null is never. */
export const expiry = (text: string): Effect.Effect<number | null, Failure> => {
  if (text === "never") return Effect.succeed(null)
  const millis = milliseconds(text)
  if (millis === undefined)
    return usage(`--expires: expected a duration such as 30d, or never, got ${JSON.stringify(text)}`)
  return Effect.map(Clock.currentTimeMillis, (now) => Math.floor(now + millis) * 1000)
}
