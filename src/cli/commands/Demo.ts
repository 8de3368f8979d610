/** `unsandbox demo`: every language of this machine through the signed HTTP API; status 0 only if all of it was right. */
import { Command } from "@effect/cli"
import { Clock, Effect, Option } from "effect"
import { find } from "../../languages/Registry.js"
import { demo as play, type Report } from "../Demo.js"
import { Unsatisfied } from "../Failure.js"
import { json } from "../Options.js"
import * as Output from "../Output.js"
import { oneLine } from "./Events.js"
import { draw } from "./Tree.js"

const programs = (report: Report) =>
  Output.table(
    ["language", "case", "output", "exit", "ms", ""],
    report.programs.map((ran) => [
      ran.language,
      ran.case,
      Output.cut(Output.plain(ran.output), 44),
      ran.exit_code ?? "-",
      ran.ms,
      ran.ok ? "ok" : `WRONG: ${Output.cut(Output.plain(ran.reason ?? ""), 80)}`
    ])
  )

const summary = (report: Report) => {
  const right = report.programs.filter(({ ok }) => ok).length
  const chain = report.verify.ok ? "holds" : "IS BROKEN"
  return `${right} of ${report.programs.length} programs right; the chain of ${report.verify.events} events ${chain}`
}

const shown = (report: Report, now: number) =>
  [
    programs(report),
    `\nThe supervision tree\n${draw(report.tree, now)}`,
    `\nThe log's tail\n${report.log.map(oneLine).join("\n")}`,
    `\n${summary(report)}`
  ].join("\n")

const helloOf = (language: string) => Option.map(Option.fromNullable(find(language)), ({ hello }) => hello)

export const demo = Command.make("demo", { json }, (given) =>
  Effect.gen(function* () {
    const report = yield* play(helloOf, Output.note)
    yield* given.json ? Output.json(report) : Output.line(shown(report, yield* Clock.currentTimeMillis))
    if (!report.ok) return yield* new Unsatisfied()
  })
).pipe(Command.withDescription("Run a program in every language of this machine, on a server of its own"))
