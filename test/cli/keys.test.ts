/** `unsandbox keys` as an operator uses it: on a data directory alone, and beside a running server. */
import { existsSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Option } from "effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import * as KeyGrants from "../../src/cli/commands/keys/KeyGrants.js"
import { json, unsandbox } from "../support/command.js"
import { type Server, startServer } from "../support/server.js"

const directory = mkdtempSync(join(tmpdir(), "unsandbox-test-"))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const verbs = (data: string) => {
  const at = ["--data", data]
  const make = async (...more: ReadonlyArray<string>): Promise<string> =>
    (await json("keys", "create", ...more, ...at)).public_key
  const show = (key: string) => json("keys", "show", key, ...at)
  return { at, make, show }
}

/** Processes start slowly where others are busy. */
const LONG = 180_000

describe("beside a server", () => {
  let server: Server
  const data = join(directory, "running")
  beforeAll(async () => {
    server = await startServer({ pool: 0, data, confirm: "always" })
  }, LONG)
  afterAll(() => server.stop(), 60_000)

  it(
    "a line is made, drawn, limited and revoked",
    async () => {
      const { at, make, show } = verbs(data)
      const first = await make("--tier", "9", "--label", "build", "--expires", "30d")
      const second = await make("--parent", first, "--scopes", "execute,sessions", "--rpm", "5", "--kept-bytes", "8MiB")
      const third = await make("--parent", second, "--ttl", "5m", "--confirm", "always")
      expect(await show(third)).toMatchObject({
        ...{ public_key: third, parent: second, generation: 2, status: "active", tier: "9", confirm: "always" },
        ...{ given_to: null, limits: { ttl: 300, rpm: null } },
        allowed: { rpm: 5, ttl: 300, concurrency: 3, kept_bytes: 8 * 2 ** 20, scopes: ["execute", "sessions"] }
      })
      expect((await show(third)).expires_at).toBe((await show(first)).expires_at)
      const { stdout } = await unsandbox("keys", "tree", ...at)
      expect(stdout).toContain(
        [
          `${first}  generation 0  active  tier 9  build`,
          `└─ ${second}  generation 1  active  tier 9`,
          `   └─ ${third}  generation 2  active  tier 9`
        ].join("\n")
      )
      const { keys } = await json("keys", "tree", ...at)
      const root = keys.find((one: { readonly public_key: string }) => one.public_key === first)
      expect(root).toMatchObject({ generation: 0, children: [{ generation: 1, children: [{ public_key: third }] }] })
      const limited = await json("keys", "limit", first, "--tier", "2", "--burst", "1", ...at)
      expect(limited).toMatchObject({ tier: "2", limits: { burst: 1 }, allowed: { rpm: 14, burst: 1 } })
      expect((await show(third)).allowed).toMatchObject({ rpm: 5, burst: 1, concurrency: 1 })
      expect(await json("keys", "limit", first, "--burst", "tier", ...at)).toMatchObject({ allowed: { burst: 14 } })
      await json("keys", "revoke", second, "--reason", "leaked", ...at)
      expect((await unsandbox("events", "show", `key/${third}`, ...at)).stdout).toContain("KeyRevoked")
      expect((await show(first)).status).toBe("active")
      expect((await show(third)).status).toBe("revoked")
    },
    LONG
  )

  it(
    "what is too much for a child is refused by name",
    async () => {
      const { at, make } = verbs(data)
      const first = await make("--tier", "1")
      const beyond = async (...more: ReadonlyArray<string>) =>
        (await unsandbox("keys", "create", "--parent", first, ...more, ...at)).stderr
      expect(await beyond("--rpm", "8")).toBe(
        "unsandbox: rpm: 8 is more than the parent has (7). Ask for no more than that.\n"
      )
      expect(await beyond("--tier", "2")).toContain("tier: 2 is more than the parent has (1)")
      const child = await make("--parent", first, "--rpm", "7")
      const more = await unsandbox("keys", "limit", child, "--services", "5", ...at)
      expect([more.code, more.stderr]).toEqual([4, expect.stringContaining("services: 5 is more")])
    },
    LONG
  )

  it(
    "a key is extended, and its confirmations are set, which is explained",
    async () => {
      const { at, make, show } = verbs(data)
      const key = await make("--confirm", "off")
      expect(await json("keys", "extend", key, "--expires", "30d", ...at)).toMatchObject({ public_key: key })
      const left = Date.parse((await show(key)).expires_at) - Date.now()
      expect(left).toBeGreaterThan(29.9 * 86_400_000)
      await json("keys", "extend", key, "--expires", "never", ...at)
      expect(await show(key)).toMatchObject({ expires_at: "never", confirm: "off" })
      const always = await unsandbox("keys", "confirm", key, "always", ...at)
      expect(always.stdout).toBe(`${key}: confirm always\n`)
      expect((await unsandbox("keys", "confirm", key, "off", ...at)).stderr).toMatch(/Nobody is asked.*unattended/)
      expect((await show(key)).confirm).toBe("off")
    },
    LONG
  )

  it("no label drives a terminal", async () => {
    const { at, make } = verbs(data)
    const key = await make("--label", "a\u001b[2Jb\nc\u202ed")
    for (const verb of [["list"], ["tree"], ["show", key]]) {
      const { stdout } = await unsandbox("keys", ...verb, ...at)
      expect(stdout).toContain("a\\u001b[2Jb\\u000ac\\u202ed")
    }
  })

  it(
    "new keys are asked what the server says",
    async () => {
      expect((await verbs(data).show(server.publicKey)).confirm).toBe("always")
      const list = await json("keys", "list", "--data", data)
      expect(list.keys[0]).toMatchObject({ label: "default", generation: 0, parent: null, tier: "unlimited" })
      expect(list.keys.at(-1)).toMatchObject({ confirm: "always" })
    },
    LONG
  )
})

it(
  "without a server, keys are made, limited and drawn on the data itself",
  async () => {
    const data = join(directory, "alone")
    const { at, make } = verbs(data)
    const first = await make("--tier", "2", "--confirm", "off")
    const second = await make("--parent", first, "--label", "ci")
    await json("keys", "limit", second, "--rpm", "1", ...at)
    const lines = (await unsandbox("keys", "tree", ...at)).stdout.trimEnd().split("\n")
    expect(lines).toEqual([`${first}  generation 0  active  tier 2`, `└─ ${second}  generation 1  active  tier 2  ci`])
  },
  LONG
)

describe("what cannot be meant", () => {
  const no = Option.none<string>()
  const none = {
    ...{ tier: no, rpm: no, burst: no, concurrency: no, vcpu: no, ttlSeconds: no, services: no, snapshots: no },
    ...{ images: no, keptBytes: no, scopes: no }
  }
  const given = (more: Readonly<Record<string, Option.Option<string>>>) => ({ ...none, ...more })
  const cases: ReadonlyArray<readonly [string, string, RegExp]> = [
    ["tier", "33", /^--tier: expected free, 1 to 32, or unlimited/],
    ["rpm", "many", /^--rpm: expected a whole number, or tier/],
    ["rpm", "-1", /^--rpm/],
    ["ttlSeconds", "x", /^--ttl: expected a duration/],
    ["keptBytes", "x", /^--kept-bytes: expected a size/],
    ["scopes", "execute,root", /^--scopes: expected some of execute,/],
    ["scopes", "", /^--scopes/]
  ]
  for (const [name, text, said] of cases)
    it(`${name} ${text}`, async () => {
      const failure = await Effect.runPromise(Effect.flip(KeyGrants.wanted(given({ [name]: Option.some(text) }))))
      expect(failure).toMatchObject({ ending: "usage", message: expect.stringMatching(said) })
    })

  it("what can be is read", async () => {
    const all = { tier: "3", rpm: "4", ttlSeconds: "90", keptBytes: "1KiB", burst: "tier", scopes: "all" }
    const said = Object.fromEntries(Object.entries(all).map(([name, text]) => [name, Option.some(text)]))
    expect(await Effect.runPromise(KeyGrants.wanted(given(said)))).toEqual({
      ...{ tier: "3", limits: { rpm: 4, ttlSeconds: 90, keptBytes: 1024, burst: null } },
      scopes: ["execute", "sessions", "services", "snapshots", "images", "semitrusted"]
    })
    expect(await Effect.runPromise(KeyGrants.wanted(given({})))).toEqual({})
  })

  it(
    "ends the command with a usage error, before anything is touched",
    async () => {
      const data = join(directory, "wrong")
      const key = "unsb-pk-none-none-none-none"
      const argvs = [
        ["create", "--confirm", "maybe"],
        ["create", "--parent", "rubbish"],
        ["confirm", key, "maybe"]
      ]
      for (const argv of [...argvs, ["extend", key, "--expires", "soon"], ["limit", key]]) {
        const { code, stderr, stdout } = await unsandbox("keys", ...argv, "--data", data)
        expect([code, stdout], argv.join(" ")).toEqual([2, ""])
        expect(stderr).toMatch(/^unsandbox: .+\n$/)
      }
      expect(existsSync(data)).toBe(false)
    },
    LONG
  )

  it(
    "names the key that is not there",
    async () => {
      const at = ["--data", join(directory, "alone")]
      const key = "unsb-pk-none-none-none-none"
      const shown = await unsandbox("keys", "show", key, ...at)
      expect([shown.code, shown.stderr]).toEqual([1, `unsandbox: there is no key ${key}\n`])
      const child = await unsandbox("keys", "create", "--parent", key, ...at)
      expect([child.code, child.stderr]).toEqual([4, `unsandbox: There is no key ${key}.\n`])
    },
    LONG
  )

  it(
    "help names every verb and option",
    async () => {
      const { stdout } = await unsandbox("keys", "create", "--help")
      for (const option of ["--parent", "--tier", "--rpm", "--kept-bytes", "--scopes", "--confirm", "--expires"])
        expect(stdout).toContain(option)
      const all = (await unsandbox("keys", "--help")).stdout
      for (const verb of [
        "create",
        "list",
        "tree",
        "show",
        "extend",
        "limit",
        "confirm",
        "suspend",
        "resume",
        "revoke"
      ])
        expect(all).toMatch(new RegExp(`^  ${verb} `, "m"))
    },
    LONG
  )
})
