/** The command line: finds the command, runs it, and ends the process with a status that scripts can rely on. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { CliConfig, Command, CommandDescriptor, ValidationError } from "@effect/cli"
import { NodeContext, NodeRuntime } from "@effect/platform-node"
import { Cause, type Context, Effect, Exit, Layer, Logger } from "effect"
import { RootKeyEnvironment, take } from "../store/RootKeyEnvironment.js"
import { Application } from "./Application.js"
import { normalise } from "./Argv.js"
import { backup, backupCommands } from "./commands/Backup.js"
import { bench } from "./commands/Bench.js"
import { demo } from "./commands/Demo.js"
import { doctor } from "./commands/Doctor.js"
import { egress, egressCommands } from "./commands/Egress.js"
import { eventCommands, events } from "./commands/Events.js"
import { imageCommands, images } from "./commands/Images.js"
import { keyCommands, keys } from "./commands/Keys.js"
import { languageCommands, languages } from "./commands/Languages.js"
import { otp, otpCommands } from "./commands/Otp.js"
import { serve } from "./commands/Serve.js"
import { tree } from "./commands/Tree.js"
import { vault, vaultCommands } from "./commands/Vault.js"
import { verify } from "./commands/Verify.js"
import { exits, explain, Unsatisfied } from "./Failure.js"
import { type Commands, help } from "./Help.js"
import { home } from "./Home.js"
import * as Output from "./Output.js"

const version = (): string => {
  const { version: found } = JSON.parse(readFileSync(join(home, "package.json"), "utf8")) as { version?: unknown }
  return String(found)
}

const ABOUT = "runs untrusted code in containers and keeps a verifiable history of it"

/** In the order in which they are shown. */
const roots = [
  serve,
  demo,
  doctor,
  keys,
  otp,
  vault,
  egress,
  images,
  languages,
  verify,
  events,
  backup,
  tree,
  bench
] as const

const unsandbox = Command.make("unsandbox").pipe(Command.withDescription(ABOUT), Command.withSubcommands(roots))

const below = (parent: string, children: Readonly<Record<string, Named>>): Commands =>
  Object.entries(children).map(([name, { descriptor }]) => [`${parent} ${name}`, descriptor])

interface Named {
  readonly descriptor: CommandDescriptor.Command<unknown>
}

const named = ({ descriptor }: Named): Commands =>
  [...CommandDescriptor.getNames(descriptor)].map((name) => [name, descriptor])

const commands: Commands = [
  ...roots.flatMap(named),
  ...below("keys", keyCommands),
  ...below("vault", vaultCommands),
  ...below("otp", otpCommands),
  ...below("egress", egressCommands),
  ...below("images", imageCommands),
  ...below("languages", languageCommands),
  ...below("events", eventCommands),
  ...below("backup", backupCommands)
]

/** Standard output is for results; what the server says while it runs goes to standard error. */
const logging = Logger.replace(Logger.defaultLogger, Logger.withConsoleError(Output.logger))

/** How the process ends; whatever is worth saying has been said. */
const status = (cause: Cause.Cause<unknown>, asJson: boolean): Effect.Effect<number> => {
  if (Cause.isInterruptedOnly(cause)) return Effect.succeed(exits.ok)
  const error = Cause.squash(cause)
  if (error instanceof Unsatisfied) return Effect.succeed(exits.general)
  if (ValidationError.isValidationError(error)) return Effect.succeed(exits.usage)
  const failure = explain(cause)
  const said = asJson
    ? JSON.stringify({ error: failure.code, message: failure.message })
    : `unsandbox: ${failure.message}`
  return Effect.as(Output.note(said), exits[failure.ending])
}

const execute = Command.run(unsandbox, { name: "unsandbox", version: version() })

/** Commands that are nothing without another word. */
const GROUPS = ["keys", "vault", "egress", "images", "events", "backup"]

const wantsHelp = (words: ReadonlyArray<string>): boolean => {
  const [first, second = "-"] = words
  const alone = first === undefined || (GROUPS.includes(first) && second.startsWith("-"))
  return alone || words.includes("--help") || words.includes("-h")
}

const run = (argv: ReadonlyArray<string>) => {
  const words = normalise(argv)
  return wantsHelp(words) ? Output.line(help(commands, ABOUT, words)) : execute(["node", "unsandbox", ...words])
}

/** Runs `process.argv`. Called once, by main. */
export const main = (application: Context.Tag.Service<Application>): void => {
  const asJson = process.argv.includes("--json")
  const environment = Layer.mergeAll(
    NodeContext.layer,
    CliConfig.layer({ showBuiltIns: false, showTypes: false }),
    Layer.succeed(Application, application),
    // Before anything can start a process that would inherit it.
    Layer.succeed(RootKeyEnvironment, take(process.env)),
    logging
  )
  const program = Effect.suspend(() => run(process.argv.slice(2))).pipe(
    Effect.as(exits.ok),
    Effect.catchAllCause((cause) => status(cause, asJson)),
    Effect.provide(environment)
  )
  NodeRuntime.runMain(program, {
    disableErrorReporting: true,
    // It would be a second logger beside ours, on standard output.
    disablePrettyLogger: true,
    teardown: (exit, end) => {
      const interrupted = Exit.isFailure(exit) && Cause.isInterruptedOnly(exit.cause)
      if (Exit.isSuccess(exit) && typeof exit.value === "number") end(exit.value)
      else end(interrupted ? exits.ok : exits.general)
    }
  })
}
