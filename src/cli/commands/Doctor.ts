/** `unsandbox doctor`: what this machine has of what is needed, and how to get the rest. */
import { Command } from "@effect/cli"
import { Effect } from "effect"
import { examine } from "../../substrate/Doctor.js"
import { Unsatisfied } from "../Failure.js"
import { json, place, settings } from "../Options.js"
import * as Output from "../Output.js"

export const doctor = Command.make("doctor", { place, json }, (given) =>
  Effect.gen(function* () {
    const { data } = yield* settings(given.place)
    const findings = yield* examine({ data })
    const ok = findings.every((finding) => finding.ok)
    if (given.json) yield* Output.json({ ok, findings })
    else
      for (const { name, detail, fix, ok: fine } of findings)
        yield* Output.line(`${fine ? "ok  " : "MISS"}  ${name}: ${detail}${fix === undefined ? "" : `\n      ${fix}`}`)
    if (!ok) return yield* new Unsatisfied()
  })
).pipe(Command.withDescription("Check what this machine needs to run containers"))
