/** `unsandbox images` beside a running server, and the ways in which it is told whose name to call in. */
import { execFile } from "node:child_process"
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Either, Option } from "effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import * as Account from "../../src/cli/Account.js"
import { home } from "../../src/cli/Home.js"
import { request } from "../support/client.js"
import { unsandbox } from "../support/command.js"
import { eventually } from "../support/eventually.js"
import { type Server, startServer } from "../support/server.js"

const directory = mkdtempSync(join(tmpdir(), "unsandbox-test-"))
afterAll(() => rmSync(directory, { recursive: true, force: true }))
const at = (name: string) => join(directory, name)

describe("beside a server", () => {
  let server: Server
  let image: string
  const post = async (path: string, body: object) => {
    const answer = await request(server, "POST", path, { body })
    expect(answer.status, answer.text).toBeLessThan(300)
    return answer.json
  }
  beforeAll(async () => {
    server = await startServer({ pool: 1, args: ["--proxy-port", "0"] })
    const service = String((await post("/services", { bootstrap: "sleep 100000" })).id)
    const state = async () => (await request(server, "GET", `/services/${service}`)).json.state
    await eventually("it runs", async () => (await state()) === "running")
    await post(`/services/${service}/execute`, { command: "head -c 12000000 /dev/urandom > /srv/large" })
    image = String((await post("/images", { source_type: "service", source_id: service, name: "base" })).id)
  }, 120_000)
  afterAll(() => server?.stop(), 60_000)

  const images = (...argv: ReadonlyArray<string>) =>
    unsandbox("images", ...argv, "--url", server.url, "-p", server.publicKey, "-k", server.secretKey)
  const fine = async (...argv: ReadonlyArray<string>) => {
    const { code, stderr, stdout } = await images(...argv, "--json")
    expect(code, stderr).toBe(0)
    expect(stderr).toBe("")
    return JSON.parse(stdout)
  }

  it("one goes out to a file, comes back under another name, and both are listed", async () => {
    const file = at("base.tar")
    const { code, stderr, stdout } = await images("export", image, file)
    expect([code, stderr]).toEqual([0, ""])
    expect(stdout).toMatch(new RegExp(`^${file} is written: ${statSync(file).size} bytes, sha256 [0-9a-f]{64}\n$`))
    expect(statSync(file).size).toBeGreaterThan(12_000_000)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    const back = await fine("import", file, "--name", "back & forth", "--visibility", "unlisted")
    expect(back).toMatchObject({ name: "back & forth", visibility: "unlisted", source_type: "import", skipped: 0 })
    const { count, images: all } = await fine("list")
    expect(count).toBe(2)
    const prints = all.map(({ fingerprint }: { readonly fingerprint: string }) => fingerprint)
    expect(new Set(prints).size).toBe(1)
    expect((await images("list")).stdout).toContain(`${image}  base`)
    expect((await images("import", file)).stdout).toMatch(/^unsb-image-[0-9a-f-]+ is imported from /)
  }, 120_000)

  it("nothing that is there is overwritten unless that is said, and nothing unfinished is left", async () => {
    const file = at("kept.tar")
    writeFileSync(file, "kept")
    const refused = await images("export", image, file)
    expect([refused.code, refused.stderr]).toEqual([1, `unsandbox: ${file} exists; choose another name, or --force\n`])
    expect(readFileSync(file, "utf8")).toBe("kept")
    const unknown = await images("export", "unsb-image-0000-0000-0000-0000", file, "--force")
    expect(unknown.code).toBe(4)
    expect(unknown.stderr).toContain("404")
    expect(readFileSync(file, "utf8")).toBe("kept")
    expect(readdirSync(directory).filter((name) => name.includes("unfinished"))).toEqual([])
    expect(await fine("export", image, file, "--force")).toMatchObject({ ok: true, id: image, file })
    expect(statSync(file).size).toBeGreaterThan(12_000_000)
  }, 120_000)

  it("what is no image is refused in the server's words, also before all of it is sent", async () => {
    const file = at("large")
    writeFileSync(file, Buffer.alloc(40_000_000, "x"))
    const wrong = await images("import", file)
    expect([wrong.code, wrong.stdout]).toEqual([4, ""])
    expect(wrong.stderr).toMatch(/^unsandbox: \/images\/import: 400 .*archive/i)
    expect((await images("import", at("nowhere"))).code).toBe(1)
    expect((await images("import", directory)).stderr).toContain("it is no file")
    const stranger = await unsandbox(
      ...["images", "import", file, "--json", "--url", server.url],
      ...["-p", server.publicKey, "-k", "unsb-sk-wrong"]
    )
    expect(stranger.code).toBe(3)
    expect(JSON.parse(stranger.stderr)).toMatchObject({ message: expect.stringContaining("401") })
  }, 120_000)

  it("the key pair may come of the environment or of a file, and is asked for otherwise", async () => {
    const bare = { PATH: process.env.PATH ?? "", HOME: directory, UNSANDBOX_URL: server.url }
    const listed = (more: Readonly<Record<string, string>>) =>
      new Promise<string>((resolve) => {
        const program = join(home, "bin", "unsandbox.mjs")
        execFile(process.execPath, [program, "images", "list"], { env: { ...bare, ...more } }, (_, stdout, stderr) =>
          resolve(stdout + stderr)
        )
      })
    const { publicKey, secretKey } = server
    expect(await listed({})).toContain("no key pair: set UNSANDBOX_PUBLIC_KEY and UNSANDBOX_SECRET_KEY")
    expect(await listed({ UNSANDBOX_PUBLIC_KEY: publicKey, UNSANDBOX_SECRET_KEY: secretKey })).toContain(image)
    mkdirSync(at(".unsandbox"))
    writeFileSync(at(".unsandbox/accounts.csv"), `# mine\n${publicKey},${secretKey},work\n`)
    expect(await listed({})).toContain(image)
  }, 60_000)
})

it("an answer that ends too early leaves no file", async () => {
  const lying = createServer((_, response) => {
    response.writeHead(200, { "content-length": "1000" }).write("only this")
    setTimeout(() => response.destroy(), 100)
  })
  await new Promise<void>((resolve) => lying.listen(0, "127.0.0.1", resolve))
  const { port } = lying.address() as AddressInfo
  const cut = await unsandbox(
    ...["images", "export", "x", at("cut"), "--url", `http://127.0.0.1:${port}`],
    ...["-p", "unsb-pk-a", "-k", "unsb-sk-a"]
  )
  lying.close()
  expect(cut.code).toBe(4)
  expect(readdirSync(directory).filter((name) => name.includes("cut"))).toEqual([])
})

describe("a key pair", () => {
  const none: Account.Chosen = {
    url: Option.none(),
    publicKey: Option.none(),
    secretKey: Option.none(),
    account: Option.none()
  }
  const around = (environment: Readonly<Record<string, string>> = {}) => ({
    environment,
    home: at("home"),
    directory: at("here")
  })
  beforeAll(() => {
    mkdirSync(at("home/.unsandbox"), { recursive: true })
    mkdirSync(at("here"))
    const rows = "# mine\n\nunsb-pk-0,unsb-sk-0,first\nnonsense\nunsb-pk-1, unsb-sk-1\r\n"
    writeFileSync(at("home/.unsandbox/accounts.csv"), rows)
    writeFileSync(at("here/accounts.csv"), "unsb-pk-2,unsb-sk-2\nunsb-pk-3,unsb-sk-3\nunsb-pk-4,unsb-sk-4\n")
  })
  const found = (chosen: Partial<Account.Chosen>, environment: Readonly<Record<string, string>> = {}) =>
    Either.match(Account.credentials({ ...none, ...chosen }, around(environment)), {
      onLeft: ({ ending, message }) => `${ending}: ${message}`,
      onRight: ({ publicKey, url }) => `${publicKey} at ${url}`
    })
  const environment = { UNSANDBOX_PUBLIC_KEY: "unsb-pk-e", UNSANDBOX_SECRET_KEY: "unsb-sk-e" }
  const flags = { publicKey: Option.some("unsb-pk-f"), secretKey: Option.some("unsb-sk-f") }
  const usual = "at http://127.0.0.1:8080"

  it("is that of the flags, of the account, of the environment or of the first row, in this order", () => {
    expect(found({ ...flags, account: Option.some(1) }, environment)).toBe(`unsb-pk-f ${usual}`)
    expect(found({ account: Option.some(1) }, environment)).toBe(`unsb-pk-1 ${usual}`)
    expect(found({}, { ...environment, UNSANDBOX_ACCOUNT: "1" })).toBe(`unsb-pk-e ${usual}`)
    expect(found({}, { UNSANDBOX_ACCOUNT: "1" })).toBe(`unsb-pk-1 ${usual}`)
    expect(found({}, { UNSANDBOX_URL: "https://api.example:9/" })).toBe("unsb-pk-0 at https://api.example:9")
    expect(found({ account: Option.some(2) })).toBe(`unsb-pk-4 ${usual}`)
  })

  it("is not guessed where half of it is there, or the place is none", () => {
    expect(found({ publicKey: Option.some("unsb-pk-f") }, environment)).toMatch(/^usage: give both/)
    expect(found({}, { UNSANDBOX_SECRET_KEY: "unsb-sk-e" })).toMatch(/^usage: give both/)
    expect(found({ account: Option.some(9) }, environment)).toMatch(/^auth: there is no account 9/)
    expect(found({}, { UNSANDBOX_ACCOUNT: "x" })).toMatch(/^usage: UNSANDBOX_ACCOUNT/)
    expect(found({ url: Option.some("localhost:8080"), ...flags })).toMatch(/^usage: --url/)
  })
})
