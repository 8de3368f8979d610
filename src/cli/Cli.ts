/** The command line: finds the command, runs it, and ends the process with a status that scripts can rely on. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { CliConfig, Command, CommandDescriptor, ValidationError } from "@effect/cli"
import { NodeContext, NodeRuntime } from "@effect/platform-node"
import { Cause, type Context, Effect, Exit, Layer, Logger } from "effect"
import { RootKeyEnvironment, take } from "../store/secrets/RootKeyEnvironment.js"
import { Application } from "./Application.js"
import { normalise } from "./Argv.js"
import { backup } from "./commands/Backup.js"
import { bench } from "./commands/Bench.js"
import { demo } from "./commands/Demo.js"
import { doctor } from "./commands/Doctor.js"
import { egress } from "./commands/Egress.js"
import { events } from "./commands/Events.js"
import { images } from "./commands/Images.js"
import { keys } from "./commands/Keys.js"
import { languages } from "./commands/Languages.js"
import { otp } from "./commands/Otp.js"
import { serve } from "./commands/Serve.js"
import { tree } from "./commands/Tree.js"
import { vault } from "./commands/Vault.js"
import { verify } from "./commands/Verify.js"
import { exits, explain, Unsatisfied } from "./Failure.js"
import { groups, type Named } from "./Groups.js"
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

const named = ({ descriptor }: Named): Commands =>
  [...CommandDescriptor.getNames(descriptor)].map((name) => [name, descriptor])

const commands: Commands = [
  ...roots.flatMap(named),
  ...[...groups].flatMap(([parent, { below }]) =>
    Object.entries(below).map(([name, { descriptor }]) => [`${parent} ${name}`, descriptor] as const)
  )
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

const wantsHelp = (words: ReadonlyArray<string>): boolean => {
  const [first, second = "-"] = words
  const alone = first === undefined || (groups.get(first)?.alone === false && second.startsWith("-"))
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
