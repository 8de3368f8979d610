/** `unsandbox languages`: all that are known, which of them this machine runs, and the one command that installs the rest. */
import { Args, Command, Options } from "@effect/cli"
import { Effect } from "effect"
import * as Install from "../../languages/Install.js"
import { installCommand } from "../../languages/Installation.js"
import type { Language } from "../../languages/Language.js"
import { languages as known } from "../../languages/Registry.js"
import { Toolchains } from "../../languages/Toolchains.js"
import { Unsatisfied, usage } from "../Failure.js"
import { json } from "../Options.js"
import * as Output from "../Output.js"

const from = ({ provider }: Language): string =>
  provider.kind === "none" ? `no package: ${provider.home}` : `${provider.kind}: ${provider.packages.join(" ")}`

const listed = Effect.gen(function* () {
  const { available } = yield* Toolchains
  return known.map((language) => ({
    id: language.id,
    name: language.name,
    aliases: language.aliases,
    runnable: available.has(language.id),
    installable: language.provider.kind !== "none",
    provider: from(language)
  }))
}).pipe(Effect.provide(Toolchains.layer))

const show = (given: { readonly json: boolean }) =>
  Effect.gen(function* () {
    const all = yield* listed
    const runnable = all.filter((one) => one.runnable).map((one) => one.id)
    const missing = all.filter((one) => !one.runnable && one.installable).map((one) => one.id)
    const install = missing.length === 0 ? "" : (installCommand(missing) ?? "")
    if (given.json) return yield* Output.json({ languages: all, runnable, missing, install, count: runnable.length })
    yield* Output.line(
      Output.table(
        ["language", "aliases", "runs", "from"],
        all.map((one) => [one.id, one.aliases.join(" "), one.runnable ? "yes" : "no", one.provider])
      )
    )
    yield* Output.line(`\n${runnable.length} of ${all.length} run on this machine.`)
    if (install !== "") yield* Output.line(`The missing ones, as root:\n  ${install}`)
  })

const list = Command.make("list", { json }, show).pipe(
  Command.withDescription("Show every language and where it comes from")
)

const ids = Args.text({ name: "id" }).pipe(Args.repeated)
const all = Options.boolean("all").pipe(Options.withDescription("Every language that apt and npm can give"))
const wasm = Options.boolean("wasm").pipe(
  Options.withDescription("Their WebAssembly targets too, where they have one (large; --all tries them anyway)")
)

const report = (line: string) => {
  process.stderr.write(`${line}\n`)
}

const install = Command.make("install", { json, all, wasm, ids }, (given) =>
  Effect.gen(function* () {
    if (given.all === given.ids.length > 0) return yield* usage("name the languages to install, or --all")
    const outcomes = yield* Install.install(given.all ? "all" : given.ids, report, { wasm: given.wasm })
    const ok = outcomes.every(({ outcome }) => outcome === "present" || outcome === "installed" || given.all)
    if (given.json) yield* Output.json({ ok, languages: outcomes })
    else
      yield* Output.line(
        Output.table(
          ["language", "outcome", ""],
          outcomes.map((one) => [one.id, one.outcome, Output.plain(one.detail)])
        )
      )
    if (!ok) return yield* new Unsatisfied()
  })
).pipe(Command.withDescription("Install toolchains with apt and npm (as root)"))

export const languageCommands = { list, install }

export const languages = Command.make("languages", { json }, show).pipe(
  Command.withDescription("Show the languages of this machine, and install more"),
  Command.withSubcommands([list, install])
)
