/** Canaries in a vault, an API key and a root key: found in the owner's own container and its export, and nowhere else. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import { once } from "node:events"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import { afterAll, beforeAll, expect, it } from "vitest"
import { type Answer, type Ask, request, type Target } from "../support/client.js"
import { eventually } from "../support/eventually.js"
import { anotherKey } from "../support/keys.js"
import { membranesOf, spawnerOf } from "../support/leftovers.js"
import { has, inProcesses, inPs, namespacesOf, onDisk, searching } from "./canaries.js"

const canary = () => `canary-${randomBytes(20).toString("hex")}`
const [first, second] = [canary(), canary()]
/** Its value goes out by the egress proxy alone: not even its own container has it. */
const marked = canary()
const variables = (token: string) => ({ TOKEN: token, MARKED: { value: marked, egress: ["api.example.com"] } })
/** A byte that ends a line would make the raw form of it one that is not looked for. */
const rootKey = (): Buffer => Buffer.from(randomBytes(64).map((byte) => (byte === 10 ? 11 : byte)))
const [rootA, rootB] = [rootKey(), rootKey()]

const data = mkdtempSync(join(tmpdir(), "unsandbox-canaries-"))
let child: ChildProcess
let said = ""
let owner: Target
let other: Target

const started = async (env: Readonly<Record<string, string>>): Promise<string> => {
  const argv = ["serve", "--json", "--port", "0", "--proxy-port", "0", "--data", data, "--pool", "zerotrust=3"]
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("UNSANDBOX_"))
  child = spawn(process.execPath, ["bin/unsandbox.mjs", ...argv], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...Object.fromEntries(inherited), ...env }
  })
  let line = ""
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    line += text
    said += text
  })
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    said += text
  })
  await eventually(`it listens: ${said}`, () => line.includes("\n") || child.exitCode !== null, 60_000)
  return String(JSON.parse(line.split("\n")[0] ?? "").listening)
}

const ended = async (signal: NodeJS.Signals) => {
  const gone = once(child, "exit")
  child.kill(signal)
  await gone
}

const spoken: Array<Answer> = []
const told = async (to: Target, method: string, path: string, more: Ask = {}): Promise<Answer> => {
  const answer = await request(to, method, path, more)
  spoken.push(answer)
  return answer
}

let service = ""
const path = (verb = "") => `/services/${service}${verb === "" ? "" : `/${verb}`}`
const act = async (verb: string, body: object = {}): Promise<Answer> => {
  const answer = await told(owner, "POST", path(verb), { body })
  expect(answer.status, `${verb}: ${answer.text}`).toBeLessThan(300)
  return answer
}

const standing = (state: string) =>
  eventually(`the service is ${state}`, async () => (await request(owner, "GET", path())).json.state === state, 40_000)

const runs = async (command: string, more: object = {}) =>
  String((await act("execute", { command, ...more })).json.stdout)

beforeAll(async () => {
  const url = await started({ UNSANDBOX_ROOT_KEY: rootA.toString("hex") })
  owner = anotherKey({ data, url })
  other = anotherKey({ data, url })
  const kind = { name: "canaries", ports: [8080], bootstrap: "sleep 1000000", network_mode: "semitrusted" }
  const body = { ...kind, env: variables(first) }
  const made = await told(owner, "POST", "/services", { body })
  expect(made.status, made.text).toBe(201)
  service = String(made.json.id)
  await standing("running")
}, 120_000)

afterAll(async () => {
  if (child.exitCode === null && child.signalCode === null) await ended("SIGTERM")
  const spawner = spawnerOf(data)
  if (spawner !== undefined) process.kill(spawner, "SIGTERM")
  await eventually("nothing is left", () => membranesOf(data).length === 0)
  rmSync(data, { recursive: true, force: true })
}, 60_000)

const secrets = () => [first, second, marked, owner.secretKey, other.secretKey].map((text) => Buffer.from(text))
const all = () => [...secrets(), rootA, rootB]

const cli = (...argv: ReadonlyArray<string>): string =>
  execFileSync("node", ["bin/unsandbox.mjs", ...argv, "--data", data], { encoding: "utf8", maxBuffer: 2 ** 28 })

/** Nothing of this host but the owner's own container has any of them. */
const nowhere = async () => {
  expect(onDisk(data, all())).toEqual([])
  expect(has(Buffer.from(said), all()), "what the server said").toBe(false)
  expect(has(Buffer.from(cli("events", "tail", "--once", "--last", "100000", "--json")), all()), "events").toBe(false)
  const own = (await runs("readlink /proc/self/ns/pid")).trim()
  expect(own).toMatch(/^pid:\[\d+\]$/)
  const seen = inProcesses(all())
  expect(
    seen.some(({ namespace }) => namespace === own),
    "not even the owner has it"
  ).toBe(true)
  expect(seen.filter(({ namespace }) => namespace !== own)).toEqual([])
  expect(inProcesses([Buffer.from(marked)])).toEqual([])
  expect(namespacesOf(inPs(all())).filter((namespace) => namespace !== own && namespace !== "")).toEqual([])
  for (const pid of [child.pid, ...membranesOf(data)])
    for (const file of ["environ", "cmdline"])
      expect(has(readFileSync(`/proc/${pid}/${file}`), all()), `${pid} ${file}`).toBe(false)
  for (const { headers, text } of spoken) {
    expect(has(Buffer.from(text), all()), text).toBe(false)
    expect(has(Buffer.from(JSON.stringify(headers)), all()), JSON.stringify(headers)).toBe(false)
  }
}

it("are found by what looks for them, where they are", async () => {
  const planted = join(data, "planted")
  for (const content of [first, `{"x":"${Buffer.from(`12${first}`).toString("base64")}"}`, gzipSync(`...${first}`)]) {
    writeFileSync(planted, content)
    expect(onDisk(data, all())).toEqual([planted])
  }
  writeFileSync(planted, Buffer.concat([Buffer.alloc(3), rootA]))
  expect(onDisk(data, all())).toEqual([planted])
  rmSync(planted)
  const kept = spawn("sleep", ["60"], { env: { X: second } })
  try {
    await eventually("it runs", () => inProcesses(all()).some(({ where }) => where === `/proc/${kept.pid}/environ`))
    expect(inPs(all())).toContain(String(kept.pid))
  } finally {
    kept.kill("SIGKILL")
  }
})

it("are in the owner's own container and export, and nowhere else", async () => {
  const content = Buffer.from(searching(first)).toString("base64")
  const files = { input_files: [{ filename: "look.pl", content }] }
  expect(await runs("perl /tmp/input/look.pl", files)).toMatch(/found \$TOKEN.*found \/proc\/\d+\/environ/s)
  const exported = await request(owner, "POST", path("env/export"))
  expect(exported.text).toContain(first)
  const missed = { input_files: [{ filename: "look.pl", content: Buffer.from(searching(marked)).toString("base64") }] }
  expect(await runs("perl /tmp/input/look.pl", missed)).toMatch(/^read \d{2,} files\n$/)
  await nowhere()
}, 120_000)

it("are nowhere else after it was frozen, thawed, pictured, given another vault, and failed", async () => {
  await act("freeze")
  await standing("frozen")
  await act("unfreeze")
  await standing("running")
  await act("snapshot", { name: "one" })
  await act("execute", { command: "echo out; echo err >&2; exit 3" })
  await act("execute", { command: "kill -9 $$" })
  await act("execute", { command: "sleep 30", timeout: 300 })
  const put = await told(owner, "PUT", path("env"), { body: { env: variables(second) } })
  expect(put.status, put.text).toBe(200)
  await act("redeploy")
  await standing("running")
  expect(await runs('test "$TOKEN" != "" && echo there')).toBe("there\n")
  for (const at of ["", "/env", "/logs?all=true"]) expect((await told(owner, "GET", path() + at)).status).toBe(200)
  for (const at of ["/services", "/jobs", "/snapshots"]) expect((await told(owner, "GET", at)).status).toBe(200)
  await nowhere()
}, 120_000)

it("are not in what it says when they were sent where they do not belong", async () => {
  const secret = owner.secretKey
  const headers = [
    { authorization: `Bearer ${secret}` },
    { authorization: `Basic ${Buffer.from(`x:${secret}`).toString("base64")}` },
    { authorization: secret },
    { "x-signature": secret },
    { "x-signature": first },
    { "x-timestamp": second },
    { "content-type": second },
    { cookie: `token=${first}`, "x-signature": "00" },
    { "x-api-key": secret, "x-signature": "00" }
  ]
  for (const one of headers) {
    const answer = await told(owner, "PUT", path("env"), { body: { env: { A: "b" } }, headers: one })
    expect(answer.status, JSON.stringify(one)).toBeGreaterThanOrEqual(400)
  }
  const bodies = [
    `{"env":{"TOKEN":"${first}"`,
    { env: { TOKEN: { nested: first } } },
    { env: { "bad name": second } },
    { env: { TOKEN: `${first}\0` } },
    { env: { TOKEN: second.repeat(2_000) } },
    { env: second },
    { [first]: 1, env: [second] },
    `"${secret}"`
  ]
  for (const body of bodies) {
    const answer = await told(owner, "PUT", path("env"), { body })
    expect(answer.status, JSON.stringify(body).slice(0, 200)).toBeGreaterThanOrEqual(400)
  }
  const bad = await told(owner, "POST", "/services", { body: { name: "canaries", env: { A: first, "b c": second } } })
  expect(bad.status).toBeGreaterThanOrEqual(400)
  for (const [method, verb] of [
    ["GET", "env"],
    ["POST", "env/export"],
    ["POST", "execute"]
  ] as const)
    expect((await told(other, method, path(verb), method === "GET" ? {} : { body: {} })).status).toBe(404)
  await nowhere()
}, 120_000)

it("are out of another key's reach", async () => {
  for (const text of [first, second, marked, owner.secretKey, rootA.toString("hex")])
    for (const network_mode of ["zerotrust", "semitrusted"]) {
      const body = { language: "perl", code: searching(text), ttl: 60, network_mode }
      const { json, text: answer } = await told(other, "POST", "/execute", { body })
      expect(json.success, answer).toBe(true)
      expect(json.stdout, answer).toMatch(/^read \d{2,} files\n$/)
    }
}, 120_000)

it("are nowhere else after a kill -9, another start, and another root key", async () => {
  await ended("SIGKILL")
  const env = { UNSANDBOX_ROOT_KEY: rootB.toString("base64"), UNSANDBOX_ROOT_KEY_PREVIOUS: rootA.toString("hex") }
  const url = await started(env)
  owner = { ...owner, url }
  other = { ...other, url }
  await standing("running")
  await nowhere()
  expect(JSON.parse(cli("vault", "rotate", "--json"))).toMatchObject({ generation: 2, place: "UNSANDBOX_ROOT_KEY" })
  expect(JSON.parse(cli("vault", "show", "--json"))).toMatchObject({ generation: 2, source: "environment" })
  expect((await request(owner, "POST", path("env/export"))).text).toContain(second)
  expect(cli("events", "show", "node/root-key", "--json")).toContain("VaultRootRotated")
  await nowhere()
}, 120_000)
