/** `unsandbox doctor`: what this machine has of what is needed, and how to get the rest. */
import { resolve } from "node:path"
import { Command } from "@effect/cli"
import { Effect } from "effect"
import * as Clones from "../../store/Clones.js"
import { examine } from "../../substrate/Doctor.js"
import { fine } from "../../substrate/doctor/Finding.js"
import { nearest } from "../../substrate/doctor/Host.js"
import { Unsatisfied } from "../Failure.js"
import { json, place, settings } from "../Options.js"
import * as Output from "../Output.js"

/** Neither is a fault. */
const snapshots = (data: string) => {
  const place = nearest(resolve(data))
  return Effect.map(Clones.possible(place), (able) =>
    able
      ? fine("snapshots", `files share blocks in ${place}: what is photographed stands still for moments`)
      : fine("snapshots", `files share no blocks in ${place}: what is photographed stands still until it is packed`)
  )
}

export const doctor = Command.make("doctor", { place, json }, (given) =>
  Effect.gen(function* () {
    const { data } = yield* settings(given.place)
    const findings = [...(yield* examine({ data })), yield* snapshots(data)]
    const ok = findings.every((finding) => finding.ok)
    if (given.json) yield* Output.json({ ok, findings })
    else
      for (const { name, detail, fix, ok: fine } of findings)
        yield* Output.line(`${fine ? "ok  " : "MISS"}  ${name}: ${detail}${fix === undefined ? "" : `\n      ${fix}`}`)
    if (!ok) return yield* new Unsatisfied()
  })
).pipe(Command.withDescription("Check what this machine needs to run containers"))
