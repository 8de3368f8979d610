/** `unsandbox vault`: the root key under which every secret is sealed, shown (never itself) and rotated, with a server or without one. */
import { Command } from "@effect/cli"
import { Effect, Layer } from "effect"
import { VaultRoot } from "../../../actors/node/VaultRoot.js"
import * as ControlClient from "../../rpc/ControlClient.js"
import * as VaultDesk from "../../rpc/VaultDesk.js"
import { RootKeyEnvironment } from "../../store/secrets/RootKeyEnvironment.js"
import { Application } from "../Application.js"
import { general } from "../Failure.js"
import { json, place, settings } from "../Options.js"
import * as Output from "../Output.js"
import type { Settings } from "../Settings.js"

/** The running server does it; without one the store is opened, whose lock keeps a server from starting meanwhile. */
const desk = Effect.fnUntraced(function* (chosen: Settings) {
  if (yield* ControlClient.running(chosen.data)) return (yield* ControlClient.make(chosen.data)).vault
  const application = yield* Application
  const built = yield* Layer.build(application.vault(chosen))
  return VaultDesk.of(yield* Effect.provide(VaultRoot, built))
})

/** What is in this command's environment never reaches a running server, which would make a key of its own instead. */
const untaken = Effect.fnUntraced(function* (chosen: Settings) {
  const { current, previous } = yield* RootKeyEnvironment
  if (current === undefined && previous === undefined) return
  if (yield* ControlClient.running(chosen.data))
    return yield* general(
      "root_key_not_taken",
      `a server runs on ${chosen.data} and takes root keys only at its start: stop it, rotate, and start it with the new one`
    )
})

const show = Command.make("show", { place, json }, (given) =>
  Effect.gen(function* () {
    const { generation, place, rotating, secrets, source } = yield* (yield* desk(yield* settings(given.place))).show
    if (given.json) return yield* Output.json({ generation, secrets, source, place, rotating })
    const from = source === "file" ? place : `the environment (${place})`
    yield* Output.line(`generation  ${generation}\nsecrets     ${secrets}\nroot key    ${from}`)
    if (rotating) yield* Output.note("A rotation was begun and not ended: `unsandbox vault rotate` goes on with it.")
  }).pipe(Effect.scoped)
).pipe(Command.withDescription("Show the root key's generation, where it comes from, and how much is sealed under it"))

const rotate = Command.make("rotate", { place, json }, (given) =>
  Effect.gen(function* () {
    const chosen = yield* settings(given.place)
    yield* untaken(chosen)
    const vault = yield* desk(chosen)
    const { generation, rewrapped } = yield* vault.rotate
    const { place } = yield* vault.show
    if (given.json) return yield* Output.json({ generation, rewrapped, place })
    yield* Output.line(
      `The root key is generation ${generation} now (${place}); ${rewrapped} data keys were wrapped anew`
    )
    yield* Output.note("What the former one sealed, such as older copies of the data, still needs a copy of it.")
  }).pipe(Effect.scoped)
).pipe(Command.withDescription("Make a new root key, wrap every data key under it, and destroy the former one"))

export const vaultCommands = { show, rotate }

export const vault = Command.make("vault").pipe(
  Command.withDescription("Show and rotate the root key of everything that is sealed"),
  Command.withSubcommands([show, rotate])
)
