/** Every language that this machine can be given, tried through the signed HTTP API of a server of its own. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Exit, Scope } from "effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { ask } from "../../src/cli/Client.js"
import { type ServerProcess, start } from "../../src/cli/ServerProcess.js"
import { install, type Outcome } from "../../src/languages/Install.js"
import type { Language } from "../../src/languages/Language.js"
import { languages } from "../../src/languages/Registry.js"
import { resolve, version } from "../../src/languages/Toolchains.js"
import { inapplicable, programFor } from "./programs/all.js"
import { type Case, cases, expected, given } from "./programs/Programs.js"
import { markdown, median, type Row, writeInto } from "./Table.js"

const measured = 5
const only = (process.env.UNSANDBOX_TEST_LANGUAGES ?? "").split(",").filter((id) => id !== "")
const chosen = languages.filter(({ id }) => only.length === 0 || only.includes(id))
const installable = chosen.filter(({ provider }) => provider.kind !== "none")
const data = mkdtempSync(join(tmpdir(), "unsandbox-toolchains-"))
const scope = Effect.runSync(Scope.make())
const rows: Array<Row> = []
let outcomes: ReadonlyArray<Outcome> = []
let server: ServerProcess | undefined

type Body = Readonly<Record<string, unknown>>

beforeAll(async () => {
  const wanted = only.length === 0 ? "all" : installable.map(({ id }) => id)
  outcomes = await Effect.runPromise(install(wanted, (line) => process.stderr.write(`${line}\n`)))
  server = await Effect.runPromise(Scope.extend(start({ data }), scope))
})

afterAll(async () => {
  await Effect.runPromise(Scope.close(scope, Exit.void))
  rmSync(data, { recursive: true, force: true })
  const table = markdown(rows)
  process.stdout.write(`\n${table}\n`)
  const readme = process.env.UNSANDBOX_TEST_README ?? ""
  // A table of some languages, or of a run that failed half-way, would not be what it says it is.
  if (readme !== "" && rows.length === installable.length) writeInto(readme, table)
})

const execute = async (language: Language, code: string, rest: Body = {}): Promise<Body> => {
  if (server === undefined) throw new Error("the server did not start")
  const body = JSON.stringify({ language: language.id, code, ttl: 60, ...rest })
  const answer = await Effect.runPromise(ask(server, { path: "/execute", body }))
  return { ...answer.body, http: answer.status }
}

const text = (value: unknown) => String(value).trim().replace(/\s+/g, " ")
const base64 = (content: string) => Buffer.from(content).toString("base64")

const request: Readonly<Partial<Record<Case, Body>>> = {
  stdin: { stdin: given.stdin },
  env: { env: given.env },
  file: { input_files: [{ filename: given.file.name, content: base64(given.file.content) }] },
  loop: { ttl: 2 }
}

const check = (language: Language, wanted: Case, answer: Body) => {
  const seen = JSON.stringify(answer)
  switch (wanted) {
    case "loop":
      expect(answer.status, seen).toBe("timeout")
      expect(answer.success, seen).toBe(false)
      return
    case "crash":
    case "broken":
      expect(answer.success, seen).toBe(false)
      expect(answer.exit_code, seen).not.toBe(0)
      expect(answer.status, seen).not.toBe("timeout")
      if (wanted === "broken") expect(answer.stderr, seen).not.toBe("")
      return
    default:
      expect(answer, seen).toMatchObject({ success: true, exit_code: 0, status: "completed", stderr: "" })
      expect(text(answer.stdout), seen).toBe(wanted === "hello" ? `Hello from ${language.name}` : expected[wanted])
  }
}

const hellos = async (language: Language) => {
  const times: Array<number> = []
  for (let i = 0; i < measured; i++) {
    const from = performance.now()
    check(language, "hello", await execute(language, language.hello))
    times.push(performance.now() - from)
  }
  return Math.round(median(times))
}

describe.each(installable)("$id", (language) => {
  it("is installed", () => {
    const outcome = outcomes.find(({ id }) => id === language.id)
    expect(["present", "installed"], JSON.stringify(outcome)).toContain(outcome?.outcome)
  })

  for (const wanted of cases) {
    const code = programFor(language, wanted)
    if (code === undefined || wanted === "hello") continue
    it(wanted, async () => check(language, wanted, await execute(language, code, request[wanted])))
  }

  if (language.artifact !== undefined)
    it("gives its binary", async () => {
      const { artifact } = await execute(language, language.hello, { return_artifact: true })
      expect(artifact).toMatchObject({ filename: language.artifact, kind: "binary" })
    })

  // WebAssembly's pieces are installed with everything only.
  if (language.wasm !== undefined && only.length === 0)
    it("gives WebAssembly", async () => {
      const { wasm_artifact: artifact } = await execute(language, language.hello, { return_wasm_artifact: true })
      expect(artifact).toMatchObject({ kind: "wasm", content_base64: expect.stringMatching(/^AGFzb/) })
    })

  it("hello", async () => {
    const medianMillis = await hellos(language)
    const resolved = resolve(language)
    if (resolved._tag === "Absent") throw new Error(`lacks ${resolved.lacking.join(", ")}`)
    const told = await Effect.runPromise(version(resolved.toolchain))
    rows.push({ id: language.id, name: language.name, version: told, medianMillis })
  })
})

const unavailable = chosen.filter(({ provider }) => provider.kind === "none")

it.each(unavailable)("$id, which no package manager gives, runs or is refused by name", async (language) => {
  const answer = await execute(language, language.hello)
  if (resolve(language)._tag === "Present") return check(language, "hello", answer)
  expect(answer.http).toBe(400)
  expect(String(answer.message)).toContain(language.id)
})

it("every case is tried or has a reason", () => {
  const silent = installable.flatMap((language) =>
    cases
      .filter((wanted) => programFor(language, wanted) === undefined)
      .filter((wanted) => wanted !== "broken" || language.compile !== undefined)
      .filter((wanted) => wanted === "hello" || inapplicable[language.id]?.[wanted] === undefined)
      .map((wanted) => `${language.id}: ${wanted}`)
  )
  expect(silent).toEqual([])
})
