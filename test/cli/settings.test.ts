/** Flag before environment before file before default, and every wrong value names where it stood. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Either } from "effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { knobs, variableOf } from "../../src/cli/Knobs.js"
import { defaults, names } from "../../src/cli/Settings.js"
import { type Given, settings } from "../../src/cli/Sources.js"

let directory = ""
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "unsandbox-test-"))
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const written = (content: unknown): string => {
  const path = join(directory, `${Math.abs(JSON.stringify(content).length)}-${process.hrtime.bigint()}.json`)
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content))
  return path
}

const given = (over: Partial<Given>) =>
  settings({ flags: { data: directory }, environment: {}, config: undefined, ...over })
const right = (over: Partial<Given>) => Either.getOrThrowWith(given(over), (wrong) => new Error(wrong))
const wrong = (over: Partial<Given>) => Either.getOrThrowWith(Either.flip(given(over)), () => new Error("accepted"))

describe("precedence", () => {
  it("has a default for everything", () => expect(right({})).toEqual({ ...defaults, data: directory }))

  it("takes the file over the default", () => expect(right({ config: written({ port: 1 }) }).port).toBe(1))

  it("takes the environment over the file", () =>
    expect(right({ config: written({ port: 1 }), environment: { UNSANDBOX_PORT: "2" } }).port).toBe(2))

  it("takes the flag over the environment", () =>
    expect(right({ flags: { port: "3" }, environment: { UNSANDBOX_PORT: "2" } }).port).toBe(3))

  it("reads DATA/config.json unasked, and another file when asked by a variable", () => {
    const data = mkdtempSync(join(directory, "data-"))
    writeFileSync(join(data, "config.json"), JSON.stringify({ port: 7 }))
    expect(right({ flags: { data } }).port).toBe(7)
    expect(right({ flags: { data }, environment: { UNSANDBOX_CONFIG: written({ port: 8 }) } }).port).toBe(8)
  })

  it("sizes one pool and leaves the other as the file has it", () => {
    const config = written({ pools: { semitrusted: { target: 1, maximum: 2 }, zerotrust: { target: 3 } } })
    expect(right({ config, flags: { pool: "zerotrust=4:9" } }).pools).toEqual({
      semitrusted: { target: 1, maximum: 2 },
      zerotrust: { target: 4, maximum: 9 }
    })
  })
})

describe("units", () => {
  it.each([
    ["tmp", "64MiB", "tmpBytes", 64 * 1024 ** 2],
    ["tmp", "64m", "tmpBytes", 64 * 1024 ** 2],
    ["memory-per-vcpu", "1.5G", "memoryPerVcpuBytes", 1.5 * 1024 ** 3],
    ["output-cap", "100", "outputCapBytes", 100],
    ["queue", "2m", "queueMillis", 120_000],
    ["queue", "250ms", "queueMillis", 250],
    ["retention", "7d", "retentionMillis", 604_800_000],
    ["job-retention", "12h", "jobRetentionMillis", 43_200_000],
    ["idempotency", "1h", "idempotencyMillis", 3_600_000],
    ["accept-weak", "true", "acceptWeak", true]
  ])("--%s %s", (flag, text, key, value) =>
    expect(right({ flags: { data: directory, [flag]: text } })).toMatchObject({ [key]: value })
  )
})

describe("what is wrong", () => {
  it.each([
    ["an unknown key, with the nearest", { config: () => written({ prot: 1 }) }, /"prot"; did you mean "port"/],
    ["an unknown pool", { config: () => written({ pools: { zerotrst: {} } }) }, /did you mean "zerotrust"/],
    ["an unknown key of a pool", { config: () => written({ pools: { zerotrust: { max: 1 } } }) }, /unknown key "max"/],
    ["a file that is not JSON", { config: () => written("{") }, /not a JSON object/],
    ["a file that is not there", { config: () => join(directory, "none.json") }, /cannot be read/],
    ["a value out of range", { config: () => written({ port: 70_000 }) }, /setting port/],
    [
      "a maximum below the target",
      { config: () => written({ pools: { zerotrust: { target: 5, maximum: 1 } } }) },
      /below target/
    ]
  ])("%s", (_, { config }, expected) => expect(wrong({ config: config() })).toMatch(expected))

  it.each(["many", "-1", "1.5", ""])("a port of %j", (port) => expect(wrong({ flags: { port } })).toMatch(/^--port: /))

  it("names the variable", () =>
    expect(wrong({ environment: { UNSANDBOX_POOL: "8" } })).toMatch(/^UNSANDBOX_POOL: expected POOL=WARM/))
})

it("every setting can be written in every way", () => {
  expect(knobs.map((knob) => knob.key).sort()).toEqual([...names].sort())
  expect(variableOf({ flag: "accept-weak", key: "acceptWeak", kind: "switch", help: "" })).toBe("UNSANDBOX_ACCEPT_WEAK")
})
