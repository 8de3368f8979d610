/** The command line as scripts use it: beside a running server, and on a data directory without one. */
import { execFile, spawn } from "node:child_process"
import { mkdtempSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import * as Client from "../../src/cli/Client.js"
import { home } from "../../src/cli/Home.js"
import { type Server, startServer } from "../support/server.js"

const PROGRAM = join(home, "bin", "unsandbox.mjs")

interface Done {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

const shell = (file: string, argv: ReadonlyArray<string>) =>
  new Promise<Done>((resolve) => {
    execFile(file, [...argv], { timeout: 60_000 }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === "number" ? error.code : error === null ? 0 : -1, stdout, stderr })
    )
  })

const unsandbox = (...argv: ReadonlyArray<string>) => shell(process.execPath, [PROGRAM, ...argv])

const directory = mkdtempSync(join(tmpdir(), "unsandbox-test-"))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

/** The one JSON document on standard output. */
const json = async (...argv: ReadonlyArray<string>) => {
  const { code, stderr, stdout } = await unsandbox(...argv, "--json")
  expect(stdout, stderr).toMatch(/^[^\n]+\n$/)
  return { code, document: JSON.parse(stdout) }
}

const echo = (server: Client.Credentials) =>
  Effect.runPromise(Client.ask(server, { path: "/execute", body: '{"language":"bash","code":"echo $((6*7))"}' }))

describe("where too few files may be open", () => {
  const limited = (...argv: ReadonlyArray<string>) =>
    shell("/bin/sh", ["-c", 'ulimit -n 256; exec "$@"', "sh", process.execPath, PROGRAM, ...argv])

  for (const command of ["serve", "doctor"])
    it(`${command} names the limit and the fix`, async () => {
      const { code, stderr, stdout } = await limited(command, "--data", join(directory, "limited"))
      expect([code, stdout]).toEqual([1, ""])
      expect(stderr).toMatch(/^unsandbox: only 256 files may be open .*LimitNOFILE=.*limits\.conf.*\n$/)
    })

  it("says it as JSON too", async () => {
    const { stderr } = await limited("serve", "--json", "--data", join(directory, "limited"))
    expect(JSON.parse(stderr)).toMatchObject({ error: "too_few_open_files" })
  })
})

describe("beside a running server", () => {
  let server: Server
  const data = join(directory, "running")
  beforeAll(async () => {
    server = await startServer({ pool: 1, data })
  })
  afterAll(() => server.stop())

  it("makes a key that works, suspends, resumes and revokes it", async () => {
    const { document: made } = await json("keys", "create", "--label", "test", "--data", data)
    const key = String(made.public_key)
    const credentials = { url: server.url, publicKey: key, secretKey: String(made.secret_key) }
    const answer = await echo(credentials)
    expect(answer).toMatchObject({ status: 200, body: { success: true, stdout: "42\n" } })
    const statuses: Array<number> = []
    for (const verb of ["suspend", "resume", "revoke"]) {
      expect(await json("keys", verb, key, "--data", data)).toMatchObject({ code: 0, document: { public_key: key } })
      statuses.push((await echo(credentials)).status)
    }
    expect(statuses[0]).toBeGreaterThanOrEqual(401)
    expect(statuses[1]).toBe(200)
    expect(statuses[2]).toBeGreaterThanOrEqual(401)
    const { document } = await json("keys", "list", "--data", data)
    expect(document.keys).toContainEqual(expect.objectContaining({ public_key: key, label: "test", status: "revoked" }))
    expect(JSON.stringify(document)).not.toContain(String(made.secret_key))
  })

  it("tells a revoked key's resumption and an unknown key apart from a success", async () => {
    const { code, stderr } = await unsandbox("keys", "revoke", "unsb-pk-none-none-none-none", "--data", data)
    expect(code).toBe(4)
    expect(stderr).toMatch(/unsb-pk|known|exist/)
  })

  it("draws the tree", async () => {
    const { document } = await json("tree", "--data", data)
    const paths = document.tree.map((node: { readonly path: string }) => node.path)
    expect(paths[0]).toBe("root")
    expect(paths.some((path: string) => path.startsWith("root/substrate/"))).toBe(true)
    expect((await unsandbox("tree", "--data", data)).stdout).toMatch(/^root {2}running/)
  })

  it("shows a stream, a row, and the log's tail", async () => {
    const { document: row } = await json("events", "show", "1", "--data", data)
    const { document: stream } = await json("events", "show", row.events[0].stream, "--data", data)
    expect(stream.events[0]).toEqual(row.events[0])
    const { stdout } = await unsandbox("events", "tail", "--once", "--last", "3", "--json", "--data", data)
    expect(stdout.trimEnd().split("\n")).toHaveLength(3)
    expect((await unsandbox("events", "show", "key/unsb-pk-none", "--data", data)).code).toBe(1)
    expect((await unsandbox("events", "show", "rubbish", "--data", data)).code).toBe(2)
  })

  it("follows the log", async () => {
    const child = spawn(process.execPath, [PROGRAM, "events", "tail", "--last", "0", "--json", "--data", data])
    try {
      const line = await new Promise<string>((resolve, reject) => {
        child.stdout.setEncoding("utf8").once("data", resolve)
        child.once("exit", () => reject(new Error("it ended")))
        const again = () => {
          if (child.exitCode === null && child.signalCode === null && !child.killed)
            void echo(server).then(() => setTimeout(again, 200))
        }
        again()
      })
      expect(JSON.parse(line.split("\n")[0] ?? "")).toMatchObject({
        stream: expect.any(String),
        seq: expect.any(Number)
      })
    } finally {
      child.kill("SIGKILL")
    }
  })

  it("verifies the log while it is written", async () => {
    const { code, document } = await json("verify", "--data", data)
    expect(code).toBe(0)
    expect(document).toEqual({ ok: true, events: expect.any(Number), head: expect.stringMatching(/^[0-9a-f]{64}$/) })
  })

  it("lets only its owner speak to it", () => {
    expect(statSync(join(data, "run", "control.sock")).mode & 0o777).toBe(0o600)
    expect(statSync(join(data, "run")).mode & 0o777).toBe(0o700)
  })

  it("is alone on its data", async () => {
    const { code, stderr, stdout } = await unsandbox("serve", "--json", "--port", "0", "--data", data)
    expect(code).toBe(1)
    expect(stdout).toBe("")
    expect(stderr).toMatch(/another|lock|in use|already/i)
  })
})

describe("without a server", () => {
  it("keeps its key from one start to the next, and ends well when told to", async () => {
    const data = join(directory, "twice")
    const first = await startServer({ pool: 0, data })
    await first.kill("SIGTERM")
    const second = await startServer({ pool: 0, data })
    await second.stop()
    expect([second.publicKey, second.secretKey]).toEqual([first.publicKey, first.secretKey])
    const { document } = await json("keys", "list", "--data", data)
    expect(document).toMatchObject({ count: 1, keys: [{ public_key: first.publicKey, label: "default" }] })
    const { document: made } = await json("keys", "create", "--data", data)
    expect(made).toEqual({
      public_key: expect.stringMatching(/^unsb-pk-/),
      secret_key: expect.stringMatching(/^unsb-sk-/)
    })
    expect((await json("verify", "--data", data)).document.ok).toBe(true)
    expect((await unsandbox("tree", "--data", data)).stderr).toMatch(/no server runs/)
  })

  it("prints, on its first start, a line that works when it is pasted", async () => {
    const child = spawn(process.execPath, [PROGRAM, "serve", "--port", "0", "--data", join(directory, "fresh")])
    try {
      let said = ""
      const line = await new Promise<string>((resolve, reject) => {
        child.once("exit", () => reject(new Error("it ended")))
        child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
          said += chunk
          const found = said.split("\n").find((text) => text.startsWith("PK="))
          if (found !== undefined && said.includes(`${found}\n`)) resolve(found)
        })
      })
      const { stdout } = await shell("/bin/sh", ["-c", line])
      expect(JSON.parse(stdout)).toMatchObject({ success: true, stdout: "42\n" })
    } finally {
      const ended = new Promise((resolve) => child.once("exit", resolve))
      child.kill("SIGTERM")
      await ended
    }
  })

  it("says what is wrong in one line, and with the right status", async () => {
    const empty = join(directory, "nothing")
    expect(await unsandbox("verify", "--data", empty)).toMatchObject({ code: 1, stdout: "" })
    expect(await unsandbox("serve", "--port", "x")).toMatchObject({
      code: 2,
      stdout: "",
      stderr: expect.stringMatching(/^unsandbox: --port/)
    })
    expect(await unsandbox("serve", "--nonsense")).toMatchObject({ code: 2, stdout: "" })
    expect(await unsandbox("nonsense")).toMatchObject({ code: 2, stdout: "" })
    expect((await unsandbox("keys", "revoke", "rubbish")).code).toBe(2)
    expect((await unsandbox("--help")).stdout).toMatch(/serve .*\n/)
    expect((await unsandbox("keys", "create", "--help")).stdout).toMatch(/--expires/)
  })
})
