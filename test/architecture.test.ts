/** The house's rules, held against the project, and each against a small fixture that breaks it. */
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import * as Rules from "./architecture/Rules.js"
import { fixture, project } from "./architecture/Sources.js"

const sources = project(join(import.meta.dirname, ".."))

type Files = { readonly [path: string]: string }

/** Files that break nothing, beside which one that does is put. */
const house: Files = {
  "events/Job.ts": `import { Schema } from "effect"`,
  "src/guards/Guard.ts": `import { Effect } from "effect"; export class Permit {}`,
  "src/guards/Owned.ts": `import { Permit } from "./Guard.js"; export const owned = Permit.guard("D17", {})`,
  "src/log/EventLog.ts": `import { Context } from "effect"; import type { Job } from "../../events/Job.js"`,
  "src/kernel/Actor.ts": `import { Effect } from "effect"; import { EventLog } from "../log/EventLog.js"`,
  "actors/job/Job.ts": `import { Data, type Effect } from "effect"
    import type { Permit } from "../../src/guards/Guard.js"
    export const decide = () => new Date(0)`,
  "actors/job/JobsLive.ts": `import * as Actor from "../../src/kernel/Actor.js"
    import { decide } from "./Job.js"
    import { owned } from "../../src/guards/Owned.js"`,
  "src/http/Jobs.ts": `import { Jobs } from "../../actors/job/JobsLive.js"
    import type { LogUnavailable } from "../log/EventLog.js"`,
  "src/main.ts": `import { Jobs } from "./http/Jobs.js"`
}

const holds = (name: string, rule: Rules.Rule, breaches: ReadonlyArray<readonly [Files, string]>) =>
  describe(name, () => {
    it("holds in the project", () => expect(rule(sources)).toEqual([]))
    it("holds in the fixture", () => expect(rule(fixture(house))).toEqual([]))
    for (const [files, found] of breaches)
      it(`notices: ${found}`, () => expect(rule(fixture({ ...house, ...files })).join("\n")).toContain(found))
  })

it("looks at the whole project", () => {
  const seen = sources.map(({ path }) => path)
  for (const path of ["events/Catalogue.ts", "actors/job/Job.ts", "src/kernel/Actor.ts", "src/main.ts"])
    expect(seen).toContain(path)
  const known = new Set(seen)
  const lost = sources.flatMap(({ imports, path }) =>
    imports.filter(({ of }) => of.endsWith(".ts") && !known.has(of)).map(({ of }) => `${path}: ${of}`)
  )
  expect(lost).toEqual([])
})

holds("imports go one way", Rules.direction, [
  [
    { "events/X.ts": `import { Actor } from "../src/kernel/Actor.js"` },
    "events/X.ts may not import src/kernel/Actor.ts"
  ],
  [{ "src/kernel/X.ts": `import type { Job } from "../../actors/job/Job.js"` }, "src/kernel/X.ts may not import"],
  [{ "src/kernel/X.ts": `export { decide } from "../../actors/job/Job.js"` }, "src/kernel/X.ts may not import"],
  [{ "src/kernel/X.ts": `const x = import("../../actors/job/Job.js")` }, "src/kernel/X.ts may not import"],
  [{ "src/guards/X.ts": `import { decide } from "../../actors/job/Job.js"` }, "src/guards/X.ts may not import"],
  [{ "src/substrate/local/X.ts": `import { Job } from "../../../events/Job.js"` }, "src/substrate/local/X.ts may not"],
  [
    { "src/http/X.ts": `import { EventLog } from "../log/EventLog.js"` },
    "src/http/X.ts may not import src/log/EventLog.ts"
  ],
  [
    { "src/http/X.ts": `import type { Chain } from "../log/Chain.js"` },
    "src/http/X.ts may not import src/log/Chain.ts"
  ],
  [{ "src/log/X.ts": `import { Actor } from "../kernel/Actor.js"` }, "src/log/X.ts may not import src/kernel/Actor.ts"],
  [{ "src/projections/X.ts": `import { Jobs } from "../../actors/job/JobsLive.js"` }, "src/projections/X.ts may not"],
  [{ "src/elsewhere/X.ts": "export const x = 1" }, "src/elsewhere/X.ts belongs to no layer"]
])

holds("nothing imports main", Rules.nothingImportsMain, [
  [{ "bench/X.ts": `import "../src/main.js"` }, "bench/X.ts imports main"],
  [{ "src/cli/X.ts": `import type { App } from "../main.js"` }, "src/cli/X.ts imports main"]
])

holds("no file is reached again from what it imports", Rules.noCycles, [
  [
    { "src/log/A.ts": `import { b } from "./B.js"`, "src/log/B.ts": `export * from "./A.js"` },
    "A.ts → src/log/B.ts → src/log/A.ts"
  ],
  [{ "events/A.ts": `import type { A } from "./A.js"` }, "events/A.ts → events/A.ts"],
  [
    {
      "src/log/A.ts": `import "./B.js"`,
      "src/log/B.ts": `import "./C.js"`,
      "src/log/C.ts": `import { type A } from "./A.js"`
    },
    "src/log/A.ts → src/log/B.ts → src/log/C.ts → src/log/A.ts"
  ]
])

holds("what decides, evolves, guards or describes events is pure", Rules.purity, [
  [
    { "actors/job/X.ts": `import { Effect } from "effect"; export const decide = 1` },
    "actors/job/X.ts is pure, and uses Effect"
  ],
  [{ "actors/job/X.ts": `import { Clock } from "effect"; export const evolve = 1` }, "uses Clock"],
  [{ "actors/job/X.ts": `import { Ref } from "effect"; export const initial = 1` }, "uses Ref"],
  [{ "actors/job/X.ts": `import * as E from "effect"; export const evolve = 1` }, "uses *"],
  [
    { "actors/job/X.ts": `import { EventLog } from "../../src/log/EventLog.js"; export const evolve = 1` },
    "which is not"
  ],
  [{ "src/guards/X.ts": `import * as Random from "effect/Random"` }, "src/guards/X.ts is pure, and uses *"],
  [{ "src/guards/X.ts": "export const rule = () => Date.now() > 0" }, "uses Date.now"],
  [{ "src/guards/X.ts": "export const rule = () => new Date()" }, "uses new Date()"],
  [{ "events/X.ts": `import { randomBytes } from "node:crypto"` }, "uses randomBytes"],
  [{ "events/X.ts": "export const x = () => Math.random()" }, "uses Math.random"],
  [{ "events/X.ts": "export const x = process.env" }, "uses process.env"]
])

holds("only src/guards constructs permits", Rules.onlyGuardsMintPermits, [
  [
    { "actors/job/X.ts": `import { Permit } from "../../src/guards/Guard.js"` },
    "actors/job/X.ts imports the class Permit"
  ],
  [{ "src/http/X.ts": `import { Permit as P } from "../guards/Guard.js"` }, "src/http/X.ts imports the class Permit"],
  [{ "src/http/X.ts": `import * as Guard from "../guards/Guard.js"` }, "src/http/X.ts imports the class Permit"],
  [
    { "src/http/X.ts": `import type { Permit } from "../guards/Guard.js"; const p = {} as unknown as Permit<"D17">` },
    "src/http/X.ts casts to a permit"
  ]
])

holds("nothing keeps its own time, or runs unowned", Rules.noStrayTimeOrFork, [
  [{ "src/http/X.ts": "const now = Date.now()" }, "src/http/X.ts uses Date.now"],
  [{ "src/http/X.ts": "Effect.forkDaemon(work)" }, "src/http/X.ts uses Effect.forkDaemon"],
  [{ "actors/job/X.ts": "Runtime.runFork(runtime)(work)" }, "actors/job/X.ts uses Runtime.runFork"]
])

holds("files are named after what they are", Rules.honestNames, [
  [{ "src/http/utils.ts": "" }, "src/http/utils.ts"],
  [{ "actors/helpers/Job.ts": "" }, "actors/helpers/Job.ts"]
])
