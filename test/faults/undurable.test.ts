/** A log that cannot be written: what would destroy a service is refused, and when there is room again it is as it was. */
import { execFileSync } from "node:child_process"
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, it, onTestFinished } from "vitest"
import { request } from "../support/client.js"
import { eventually } from "../support/eventually.js"
import { membranesOf, spawnerOf } from "../support/leftovers.js"
import { startServer } from "../support/server.js"

it("destroys nothing while the event of it cannot be written", async () => {
  const mount = mkdtempSync(join(tmpdir(), "unsandbox-undurable-"))
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=64m", "tmpfs", mount])
  onTestFinished(() => {
    execFileSync("umount", ["-l", mount])
    rmSync(mount, { recursive: true, force: true })
  })
  const [data, ballast] = [join(mount, "data"), join(mount, "ballast")]
  onTestFinished(async () => {
    const left = spawnerOf(data)
    if (left !== undefined) process.kill(left, "SIGTERM")
    await eventually("nothing is left", () => membranesOf(data).length === 0)
  })
  const usual = ["--memory-per-vcpu", "128MiB", "--reserve", "128MiB"]
  const server = await startServer({ data, pool: 1, args: usual })
  onTestFinished(server.stop)
  const ask = (method: string, path: string, body?: object) =>
    request(server, method, path, body === undefined ? {} : { body })

  const made = await ask("POST", "/services", { name: "treasure", bootstrap_content: "sleep 100000" })
  const service = `/services/${String(made.json.id)}`
  await eventually("it runs", async () => (await ask("GET", service)).json.state === "running")
  const before = (await ask("GET", service)).json

  const { bavail, bsize } = statfsSync(mount)
  for (let bytes = bavail * bsize; bytes >= 4096; bytes = Math.floor(bytes / 2))
    try {
      writeFileSync(ballast, Buffer.alloc(bytes, 1), { flag: "a" })
    } catch {
      // The last piece did not fit: a smaller one may.
    }
  // The journal has some room of its own, and a run writes to it.
  const filling = async () =>
    (await ask("POST", "/execute", { language: "bash", code: "head -c 40000 /dev/urandom | od" })).status
  await eventually("nothing can be written", async () => (await filling()) === 503, 30_000)

  const refused = [
    await ask("DELETE", service),
    await ask("POST", `${service}/redeploy`, { bootstrap_content: "echo overwritten" }),
    await ask("DELETE", service)
  ]
  for (const { json, status, text } of refused) {
    expect(status, text).toBe(503)
    expect(json).toMatchObject({ error: expect.any(String), message: expect.any(String) })
  }

  rmSync(ballast)
  await eventually("there is room", async () => (await filling()) === 200, 30_000)
  expect((await ask("GET", service)).json).toMatchObject({
    state: "running",
    container_name: before.container_name,
    name: "treasure"
  })
  const unsandbox = (...argv: ReadonlyArray<string>) =>
    execFileSync("node", ["bin/unsandbox.mjs", ...argv, "--json", "--data", data], {
      encoding: "utf8",
      maxBuffer: 2 ** 26
    })
  expect(JSON.parse(unsandbox("verify"))).toMatchObject({ ok: true })
  expect(unsandbox("events", "tail", "--once", "--last", "500")).not.toContain("ServiceDestroyed")
  expect((await ask("DELETE", service)).status).toBe(200)
}, 120_000)
