/** D04 under a running server whose clock is set: it destroys nothing by a clock that lies, and does when both agree again. */
import { execFileSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, it, onTestFinished } from "vitest"
import { behind } from "../support/behind.js"
import { request } from "../support/client.js"
import { eventually } from "../support/eventually.js"
import { serverForTest } from "../support/server.js"

/** A server under clocks of its own; they are told apart by what they are of. */
const underClocks = async () => {
  const made = mkdtempSync(join(tmpdir(), "unsandbox-clock-"))
  onTestFinished(() => rmSync(made, { recursive: true, force: true }))
  const [clocks, library] = [join(made, "clocks"), join(made, "clock.so")]
  const set = (wall: number, monotonic = 0) =>
    writeFileSync(clocks, Buffer.from(BigInt64Array.of(BigInt(wall), BigInt(monotonic)).buffer), { flag: "r+" })
  writeFileSync(clocks, Buffer.alloc(16))
  execFileSync("cc", ["-shared", "-fPIC", "-O1", "-o", library, join(import.meta.dirname, "uncertain", "clock.c")])
  const args = ["--memory-per-vcpu", "64MiB", "--reserve", "64MiB"]
  const server = await serverForTest({ pool: 1, args, env: { LD_PRELOAD: library, SET_CLOCKS: clocks } })
  const seconds = () => Math.floor(Date.now() / 1_000)
  const ask = (method: string, path: string, body?: object, ahead = 0) =>
    request(server, method, path, { sign: { timestamp: seconds() + ahead }, ...(body === undefined ? {} : { body }) })
  return { server, set, ask, ...behind(server.data) }
}

const HOUR = 3_600
/** As long as doubt lasts, and some more. */
const SETTLED = 400

it("destroys nothing while its clock is in doubt, tells so, and does it when the clocks have long agreed", async () => {
  const { ask, rows, server, set } = await underClocks()
  const made = await ask("POST", "/services", { name: "treasure", bootstrap_content: "sleep 100000" })
  const service = `/services/${String(made.json.id)}`
  await eventually("it runs", async () => (await ask("GET", service)).json.state === "running")
  const services = () => rows("SELECT * FROM services")
  const before = services()

  for (const [mark, ahead] of [
    ["ahead", HOUR],
    ["back", -HOUR],
    ["right", 0]
  ] as const) {
    set(ahead)
    // Whether the caller goes by its own clock, or by the server's; set right again, it has jumped once more.
    for (const by of new Set([0, ahead])) {
      const refused = await ask("DELETE", `${service}?${mark}`, undefined, by)
      expect(refused.status, refused.text).toBe(503)
      expect(refused.json).toMatchObject({ details: { point: "D04", certainty: "uncertain" } })
    }
  }
  expect(services()).toEqual(before)

  // Both clocks go on alike from here.
  set(SETTLED, SETTLED)
  const words = ["events", "tail", "--once", "--last", "500", "--json", "--data", server.data]
  await eventually("each is told", () => {
    const told = execFileSync("node", ["bin/unsandbox.mjs", ...words], { encoding: "utf8" })
    return ["ahead", "back", "right"].every((mark) =>
      told.split("\n").some((line) => line.includes(`DELETE ${service}?${mark}`) && line.includes('"uncertain"'))
    )
  })
  const destroyed = await ask("DELETE", service, undefined, SETTLED)
  expect(destroyed.status, destroyed.text).toBe(200)
}, 60_000)
