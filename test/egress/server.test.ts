/** The way out as an operator and a caller see it: a running server, its command line, its API. */
import { execFile } from "node:child_process"
import { createServer } from "node:http"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { home } from "../../src/cli/Home.js"
import { request } from "../support/client.js"
import { type Server, startServer } from "../support/server.js"

const PROGRAM = join(home, "bin", "unsandbox.mjs")
const HERE = "127.77.0.2"

let server: Server
let port = 0
const outside = createServer((asked, answer) => answer.end(`you asked for ${asked.url}`))

beforeAll(async () => {
  await new Promise<void>((resolve) => outside.listen(0, HERE, resolve))
  const address = outside.address()
  port = typeof address === "object" && address !== null ? address.port : 0
  server = await startServer({ pool: "1,semitrusted=1:4" })
}, 60_000)
afterAll(async () => {
  await server.stop()
  await new Promise((resolve) => outside.close(resolve))
})

interface Done {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

const egress = (...argv: ReadonlyArray<string>) =>
  new Promise<Done>((resolve) => {
    const words = [PROGRAM, "egress", ...argv, "--data", server.data]
    execFile(process.execPath, words, { timeout: 60_000 }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === "number" ? error.code : error === null ? 0 : -1, stdout, stderr })
    )
  })

const json = async (...argv: ReadonlyArray<string>) => JSON.parse((await egress(...argv, "--json")).stdout)

const fetching = () => `exec 3<>/dev/tcp/127.0.0.1/3128
printf 'GET http://${HERE}:${port}/x HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n' >&3; cat <&3`

const execute = (code: string, more: object = {}) =>
  request(server, "POST", "/execute", { body: { language: "bash", code, network_mode: "semitrusted", ...more } })

describe("a server", () => {
  it("runs semitrusted programs, which are told of their way out", async () => {
    const answer = await execute("echo $HTTPS_PROXY $no_proxy")
    expect(answer, answer.text).toMatchObject({
      status: 200,
      json: { success: true, stdout: "http://127.0.0.1:3128 localhost,127.0.0.1,::1\n" }
    })
    const mine = await execute("echo $HTTP_PROXY", { env: { HTTP_PROXY: "mine" } })
    expect(mine.json.stdout).toBe("mine\n")
    const plain = await execute("echo [$HTTP_PROXY]", { network_mode: "zerotrust" })
    expect(plain.json.stdout).toBe("[]\n")
  })

  it("opens, closes and shows where they may go, while it runs", async () => {
    expect((await execute(fetching())).json.stdout).toMatch(/^HTTP\/1.1 403/)
    expect(await json("allow", HERE)).toEqual({ public_key: null, allow: [HERE], deny: [] })
    expect((await execute(fetching())).json.stdout).toMatch(/200 OK[\s\S]*you asked for \/x$/)
    expect(await json("deny", `${HERE}:${port}`, "--key", server.publicKey)).toMatchObject({
      deny: [`${HERE}:${port}`]
    })
    expect((await execute(fetching())).json.stdout).toMatch(/^HTTP\/1.1 403[\s\S]*deny-list/)
    expect(await json("show")).toEqual({
      lists: [
        { public_key: null, allow: [HERE], deny: [] },
        { public_key: server.publicKey, allow: [], deny: [`${HERE}:${port}`] }
      ],
      closed_ports: [25]
    })
    const shown = await egress("show")
    expect(shown.stdout).toContain(`the server`)
    expect(shown.stdout).toContain(`${server.publicKey}  deny   ${HERE}:${port}`)
    await json("clear", "--key", server.publicKey)
    expect((await json("show", "--key", server.publicKey)).lists).toEqual([])
  })

  it("says what is wrong, and what a first entry means", async () => {
    expect(await egress("allow")).toMatchObject({ code: 4, stderr: expect.stringContaining("name what to allow") })
    expect(await egress("deny", "10.1/16")).toMatchObject({ code: 4, stderr: expect.stringContaining("is no rule") })
    expect(await egress("deny", "*", "--key", "nobody")).toMatchObject({ code: 2 })
    expect(await egress("deny", "*", "--key", "unsb-pk-0000-0000-0000-0000")).toMatchObject({ code: 4 })
    await egress("clear")
    const first = await egress("allow", "pypi.org")
    expect(first.stderr).toContain("add '*' for every public address")
    await egress("clear")
  })
})
