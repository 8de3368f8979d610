/** `unsandbox vault` as an operator uses it: without a server, beside one, and with root keys in the environment. */
import { execFile } from "node:child_process"
import { randomBytes } from "node:crypto"
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, it } from "vitest"
import { home } from "../../src/cli/Home.js"
import { request } from "../support/client.js"
import { serverForTest } from "../support/server.js"

interface Done {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

type Environment = Readonly<Record<string, string>>

const directory = mkdtempSync(join(tmpdir(), "unsandbox-test-"))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const vault = (data: string, argv: ReadonlyArray<string>, env: Environment = {}) =>
  new Promise<Done>((resolve) => {
    const all = [join(home, "bin", "unsandbox.mjs"), "vault", ...argv, "--data", data]
    execFile(process.execPath, all, { timeout: 60_000, env: { ...process.env, ...env } }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === "number" ? error.code : error === null ? 0 : -1, stdout, stderr })
    )
  })

const json = async (data: string, verb: string, env: Environment = {}) => {
  const { stderr, stdout } = await vault(data, [verb, "--json"], env)
  expect(stdout, stderr).toMatch(/^[^\n]+\n$/)
  return JSON.parse(stdout)
}

const A = randomBytes(64).toString("hex")

describe("unsandbox vault", () => {
  it("shows and rotates without a server, and into the environment", async () => {
    const data = join(directory, "alone")
    const file = join(data, "root.key")
    expect(await json(data, "show")).toEqual({
      generation: 1,
      secrets: 0,
      source: "file",
      place: file,
      rotating: false
    })
    const former = readFileSync(file)
    expect(await json(data, "rotate")).toEqual({ generation: 2, rewrapped: 0, place: file })
    expect(readFileSync(file).equals(former)).toBe(false)
    const moved = await vault(data, ["rotate"], { UNSANDBOX_ROOT_KEY: A })
    expect(moved).toMatchObject({ code: 0, stdout: expect.stringMatching(/generation 3 .*UNSANDBOX_ROOT_KEY/) })
    expect(existsSync(file)).toBe(false)
    const shown = await vault(data, ["show"], { UNSANDBOX_ROOT_KEY: A })
    expect(shown.stdout).toBe("generation  3\nsecrets     0\nroot key    the environment (UNSANDBOX_ROOT_KEY)\n")
    expect(await vault(data, ["show"])).toMatchObject({ code: 1, stdout: "", stderr: expect.stringMatching(/missing/) })
    const again = await vault(data, ["rotate", "--json"], { UNSANDBOX_ROOT_KEY: A })
    expect(JSON.parse(again.stderr)).toMatchObject({ error: "root_key_in_use" })
    for (const { stdout, stderr } of [moved, shown, again]) expect(stdout + stderr).not.toContain(A)
  }, 120_000)

  it("rotates beside a running server, whose keys go on working, and makes it an event", async () => {
    const data = join(directory, "beside")
    const server = await serverForTest({ pool: 0, data })
    const works = async () => expect((await request(server, "GET", "/jobs")).status).toBe(200)
    await works()
    const { generation, secrets } = await json(data, "show")
    expect([generation, secrets > 0]).toEqual([1, true])
    expect(await json(data, "rotate")).toMatchObject({ generation: 2, rewrapped: secrets })
    await works()
    const taken = await vault(data, ["rotate", "--json"], { UNSANDBOX_ROOT_KEY: A })
    expect([taken.code, JSON.parse(taken.stderr).error]).toEqual([1, "root_key_not_taken"])
    await server.kill("SIGKILL")
    const later = await serverForTest({ pool: 0, data })
    expect(later.secretKey).toBe(server.secretKey)
    expect(await json(data, "show")).toMatchObject({ generation: 2, secrets, source: "file" })
    const events = readFileSync(join(data, "unsandbox.sqlite")).includes("VaultRootRotated")
    expect(events || readFileSync(join(data, "unsandbox.sqlite-wal")).includes("VaultRootRotated")).toBe(true)
  }, 120_000)

  it("says in one line what is wrong with a root key, and starts nothing", async () => {
    const data = join(directory, "wrong")
    await json(data, "show")
    writeFileSync(join(data, "root.key"), randomBytes(64))
    const { code, stderr, stdout } = await vault(data, ["show"])
    expect([code, stdout]).toEqual([1, ""])
    expect(stderr).toMatch(/^unsandbox: .*root\.key: this root key is another store's; .*generation 1.*\n$/)
  }, 120_000)
})
