/** `unsandbox keys`: pairs are made, listed, suspended, resumed and revoked, with a server or without one. */
import { Args, Command, Options } from "@effect/cli"
import { Clock, Effect, Layer, Option, Schema } from "effect"
import { Keys } from "../../../actors/key/Keys.js"
import { PublicKey } from "../../../events/Ids.js"
import * as ControlClient from "../../rpc/ControlClient.js"
import * as KeyDesk from "../../rpc/KeyDesk.js"
import { Application } from "../Application.js"
import { usage } from "../Failure.js"
import { milliseconds } from "../Knobs.js"
import { json, place, settings } from "../Options.js"
import * as Output from "../Output.js"
import type { Settings } from "../Settings.js"

/** The running server does it; without one the store is opened, whose lock keeps a server from starting meanwhile. */
const desk = Effect.fnUntraced(function* (chosen: Settings) {
  if (yield* ControlClient.running(chosen.data)) return (yield* ControlClient.make(chosen.data)).keys
  const application = yield* Application
  const built = yield* Layer.build(application.keys(chosen))
  return KeyDesk.of(yield* Effect.provide(Keys, built))
})

const iso = (micros: number) => new Date(micros / 1000).toISOString()

const key = Args.text({ name: "public-key" })
const reason = Options.text("reason").pipe(Options.withDefault("asked"), Options.withDescription("Kept in the log"))

const known = (text: string) =>
  Effect.mapError(Schema.decode(PublicKey)(text), () =>
    usage(`${JSON.stringify(text)} is not a public key (unsb-pk-…)`)
  )

const expiry = (within: Option.Option<string>) =>
  Option.match(within, {
    onNone: () => Effect.succeed(null),
    onSome: (text) => {
      const millis = milliseconds(text)
      if (millis === undefined) return usage(`--expires: expected a duration such as 30d, got ${JSON.stringify(text)}`)
      return Effect.map(Clock.currentTimeMillis, (now) => (now + millis) * 1000)
    }
  })

const create = Command.make(
  "create",
  {
    place,
    json,
    label: Options.text("label").pipe(Options.withDefault(""), Options.withDescription("What the key is for")),
    expires: Options.text("expires").pipe(
      Options.optional,
      Options.withDescription("For example 30d; never without it")
    )
  },
  (given) =>
    Effect.gen(function* () {
      const expiresAt = yield* expiry(given.expires)
      const pair = yield* (yield* desk(yield* settings(given.place))).create(given.label, expiresAt)
      if (given.json) return yield* Output.json({ public_key: pair.publicKey, secret_key: pair.secretKey })
      yield* Output.line(`public key  ${pair.publicKey}\nsecret key  ${pair.secretKey}`)
      yield* Output.note("The secret is not shown again.")
    }).pipe(Effect.scoped)
).pipe(Command.withDescription("Make a key pair; its secret is shown this once"))

const list = Command.make("list", { place, json }, (given) =>
  Effect.gen(function* () {
    const keys = yield* (yield* desk(yield* settings(given.place))).list
    const shown = keys.map((one) => ({
      public_key: one.key,
      label: one.label,
      status: one.status,
      created_at: iso(one.createdAt),
      expires_at: one.expiresAt === null ? "never" : iso(one.expiresAt)
    }))
    if (given.json) return yield* Output.json({ keys: shown, count: shown.length })
    yield* Output.line(
      Output.table(
        ["public key", "label", "status", "created", "expires"],
        shown.map((one) => [one.public_key, Output.plain(one.label), one.status, one.created_at, one.expires_at])
      )
    )
  }).pipe(Effect.scoped)
).pipe(Command.withDescription("Show every key there ever was"))

const change = (verb: "suspend" | "resume" | "revoke", became: string, description: string) =>
  Command.make(verb, { place, json, reason, key }, (given) =>
    Effect.gen(function* () {
      const name = yield* known(given.key)
      const keys = yield* desk(yield* settings(given.place))
      yield* verb === "resume" ? keys.resume(name) : keys[verb](name, given.reason)
      yield* given.json ? Output.json({ public_key: name, status: became }) : Output.line(`${name} is ${became}`)
    }).pipe(Effect.scoped)
  ).pipe(Command.withDescription(description))

const suspend = change("suspend", "suspended", "Refuse a key until it is resumed")
const resume = change("resume", "active", "Accept a suspended key again")
const revoke = change("revoke", "revoked", "Refuse a key for ever")

export const keyCommands = { create, list, suspend, resume, revoke }

export const keys = Command.make("keys").pipe(
  Command.withDescription("Make, list, suspend, resume and revoke API keys"),
  Command.withSubcommands([create, list, suspend, resume, revoke])
)
