/** A server's whole state, taken along while it works: the machine goes, and another directory goes on where the copy was made. */
import { spawn } from "node:child_process"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest"
import { home } from "../../src/cli/Home.js"
import { type Ask, request, type Target } from "../support/client.js"
import { json, unsandbox } from "../support/command.js"
import { eventually } from "../support/eventually.js"
import { cgroupsOf, membranesOf, spawnerOf } from "../support/leftovers.js"
import { type Server, startServer } from "../support/server.js"

const args = ["--memory-per-vcpu", "256MiB", "--reserve", "256MiB"]
const root = fs.mkdtempSync(join(tmpdir(), "unsandbox-test-"))
const phrase = join(root, "phrase")
fs.writeFileSync(phrase, "a passphrase that is long enough\n", { mode: 0o600 })
afterAll(() => fs.rmSync(root, { recursive: true, force: true }))
const sealed = ["--passphrase-file", phrase]

const gone = async (data: string) => {
  const left = spawnerOf(data)
  if (left !== undefined) process.kill(left, "SIGTERM")
  await eventually("nothing is left", () => membranesOf(data).length === 0 && cgroupsOf(data).length === 0)
}

const on = (target: Target) => {
  const ask = (method: string, path: string, more: Ask = {}) => request(target, method, path, more)
  const fine = async (method: string, path: string, body?: object) => {
    const answer = await ask(method, path, body === undefined ? {} : { body })
    expect(answer.status, answer.text).toBeLessThan(300)
    return answer.json
  }
  const becomes = (id: unknown, wanted: string) =>
    eventually(`it is ${wanted}`, async () => (await fine("GET", `/services/${String(id)}`)).state === wanted)
  const runs = async (id: unknown, command: string) =>
    (await fine("POST", `/services/${String(id)}/execute`, { command })).stdout
  return { ask, fine, becomes, runs }
}

const bash = (code: string) => ({ language: "bash", code })
const LONG = 200_000

describe("a backup of a server at work", () => {
  const data = join(root, "old")
  const restored = join(root, "new")
  const file = join(root, "all.backup")
  let server: Server
  let other: { readonly public_key: string; readonly secret_key: string }
  let job: unknown
  let service: unknown
  let snapshot: unknown
  let image: unknown

  beforeAll(async () => {
    server = await startServer({ data, pool: 2, args })
    other = await json("keys", "create", "--label", "other", "--data", data)
    const { becomes, fine, runs } = on(server)
    // Its output is too long for a row of the database.
    job = (await fine("POST", "/execute/async", bash(`head -c ${LONG} /dev/zero | tr '\\0' x`))).job_id
    await fine("GET", `/jobs/${String(job)}/wait`)
    const bootstrap = 'echo "$TOKEN" >> /srv/tokens; echo printed; sleep 100000'
    service = (await fine("POST", "/services", { bootstrap, env: { TOKEN: "a canary" } })).id
    await becomes(service, "running")
    await eventually("it wrote", async () => (await runs(service, "cat /srv/tokens")) === "a canary\n")
    await runs(service, "echo one > /home/sandbox/note; chmod 640 /home/sandbox/note")
    snapshot = (await fine("POST", `/services/${String(service)}/snapshot`, { name: "before" })).snapshot_id
    image = (await fine("POST", "/images", { source_type: "snapshot", source_id: snapshot, name: "gold" })).id
    await becomes(service, "running")
    await runs(service, "echo two > /home/sandbox/note")
  }, 60_000)
  afterAll(async () => {
    await server?.stop()
    await gone(data)
    await gone(restored)
  }, 30_000)

  it("is made while programs run, tells nothing without its passphrase, and is whole", async () => {
    let working = true
    const load = Promise.all(
      [1, 2].map(async () => {
        let done = 0
        while (working)
          done += (await on(server).ask("POST", "/execute", { body: bash("echo $RANDOM") })).status === 200 ? 1 : 0
        return done
      })
    )
    const made = await json("backup", "create", file, "--data", data, ...sealed)
    working = false
    expect((await load).every((done) => done > 0)).toBe(true)
    expect(made).toMatchObject({ ok: true, layers: 1, volumes: 1, root_key: true, incomplete: [] })
    expect(made.secrets).toBeGreaterThanOrEqual(3)
    expect(made.blobs).toBeGreaterThanOrEqual(1)
    expect(made.bytes).toBe(fs.statSync(file).size)
    expect(fs.statSync(file).mode & 0o777).toBe(0o600)
    const bytes = fs.readFileSync(file)
    for (const word of ["a canary", "unsb-pk-", "printed", "events"]) expect(bytes.includes(word)).toBe(false)
    const { bytes: _, ms: __, ...counts } = made
    expect(await json("backup", "verify", file, ...sealed)).toMatchObject(counts)
  }, 30_000)

  it("becomes a server elsewhere: keys, results, services with their roots and variables, snapshots", async () => {
    await server.kill("SIGKILL")
    await gone(data)
    await server.stop()
    fs.rmSync(data, { recursive: true })
    const counts = await json("backup", "restore", file, "--data", restored, ...sealed)
    expect(await json("verify", "--data", restored)).toMatchObject({ ok: true, events: counts.events })

    server = await startServer({ data: restored, pool: 2, args })
    onTestFinished(() => server.stop())
    const { ask, becomes, fine, runs } = on(server)
    const them = { url: server.url, publicKey: other.public_key, secretKey: other.secret_key }
    expect(await on(them).fine("POST", "/execute", bash("echo $((6*7))"))).toMatchObject({ stdout: "42\n" })
    expect(String((await fine("GET", `/jobs/${String(job)}`)).stdout)).toHaveLength(LONG)

    await becomes(service, "running")
    await eventually("it began again", async () => (await runs(service, "cat /srv/tokens")) === "a canary\na canary\n")
    expect(await runs(service, "cat /home/sandbox/note; stat -c %a /home/sandbox/note")).toBe("two\n640\n")
    expect((await fine("GET", `/services/${String(service)}/logs`)).log).toContain("printed\n")
    await fine("POST", `/snapshots/${String(snapshot)}/restore`, {})
    await becomes(service, "running")
    await eventually("it is as it was", async () => (await runs(service, "cat /home/sandbox/note")) === "one\n")
    expect((await ask("GET", `/images/${String(image)}`)).json).toMatchObject({ name: "gold" })
    expect(await json("verify", "--data", restored)).toMatchObject({ ok: true })
  }, 60_000)
})

describe("a backup that is interrupted", () => {
  const data = join(root, "quiet")
  const file = join(root, "quiet.backup")
  const SIZE = 60_000_000
  beforeAll(async () => {
    const server = await startServer({ data, pool: 0 })
    await server.stop()
    await gone(data)
    const volume = join(data, "volumes", `unsb-service-${"1".repeat(16)}`)
    fs.mkdirSync(volume)
    fs.writeFileSync(join(volume, "large"), Buffer.alloc(SIZE, "large"))
    await json("backup", "create", file, "--data", data, ...sealed)
  }, 60_000)

  /** Killed as soon as that holds; false when it was done before. */
  const killedWhen = async (holds: () => boolean, ...argv: ReadonlyArray<string>): Promise<boolean> => {
    const child = spawn(process.execPath, [join(home, "bin", "unsandbox.mjs"), "backup", ...argv, ...sealed])
    const ended = new Promise((resolve) => child.once("exit", resolve))
    while (child.exitCode === null && !holds()) await sleep(2)
    child.kill("SIGKILL")
    await ended
    return child.signalCode === "SIGKILL"
  }
  const below = (directory: string, prefix: string) =>
    fs.readdirSync(directory).filter((name) => name.startsWith(prefix))

  it("while it is restored leaves no directory of that name, and the next try clears what it left", async () => {
    const parent = fs.mkdtempSync(join(root, "r-"))
    const target = join(parent, "data")
    const begun = () => below(parent, ".data.restoring-").some((name) => fs.existsSync(join(parent, name, "volumes")))
    expect(await killedWhen(begun, "restore", file, "--data", target)).toBe(true)
    const [left = ""] = below(parent, ".data.restoring-")
    expect(fs.readdirSync(parent)).toEqual([left])
    expect(fs.readdirSync(join(parent, left))).not.toContain("unsandbox.sqlite")
    expect((await unsandbox("verify", "--data", join(parent, left))).code).toBe(1)
    expect(await json("backup", "restore", file, "--data", target, ...sealed)).toMatchObject({ ok: true, volumes: 1 })
    expect(fs.readdirSync(parent)).toEqual(["data"])
    expect(fs.statSync(join(target, "volumes", `unsb-service-${"1".repeat(16)}`, "large")).size).toBe(SIZE)
  }, 60_000)

  it("while it is made leaves no file of that name, and the next try clears what it left in the data", async () => {
    const parent = fs.mkdtempSync(join(root, "c-"))
    const target = join(parent, "b")
    const begun = () => below(parent, ".b.unfinished-").some((name) => fs.statSync(join(parent, name)).size > SIZE / 10)
    expect(await killedWhen(begun, "create", target, "--data", data)).toBe(true)
    expect(fs.existsSync(target)).toBe(false)
    expect(below(data, ".backup-")).toHaveLength(1)
    expect(await json("backup", "create", target, "--data", data, ...sealed)).toMatchObject({ ok: true })
    expect(below(data, ".backup-")).toEqual([])
  }, 60_000)
})

describe("how it ends", () => {
  const said = async (...argv: ReadonlyArray<string>) => {
    const { code, stderr, stdout } = await unsandbox("backup", ...argv, "--json")
    expect(stdout).toBe("")
    return { code, ...JSON.parse(stderr) }
  }

  it("is told by its status and a word", async () => {
    const file = join(root, "quiet.backup")
    const wrong = join(root, "wrong")
    fs.writeFileSync(wrong, "another one that is long enough")
    const short = join(root, "short")
    fs.writeFileSync(short, "short\n")
    const quiet = ["--data", join(root, "quiet")]
    const [other, none, unsealed, weak, taken, full] = await Promise.all([
      said("verify", file, "--passphrase-file", wrong),
      said("verify", phrase, ...sealed),
      said("verify", file),
      said("create", join(root, "x"), ...quiet, "--passphrase-file", short),
      said("create", file, ...quiet, ...sealed),
      said("restore", file, "--data", root, ...sealed)
    ])
    expect([other, none]).toMatchObject([
      { code: 1, error: "wrong_passphrase" },
      { code: 1, error: "not_a_backup" }
    ])
    expect([unsealed, weak]).toMatchObject([
      { code: 2, error: "usage" },
      { code: 2, error: "usage" }
    ])
    expect([taken, full]).toMatchObject([
      { code: 1, error: "exists" },
      { code: 1, error: "exists" }
    ])
    expect(fs.existsSync(join(root, "x"))).toBe(false)
  }, 60_000)
})
