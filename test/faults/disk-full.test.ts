/** A full disk: requests are refused, nothing acknowledged is lost, and service resumes when there is space. */
import { execFileSync } from "node:child_process"
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, it } from "vitest"
import { request } from "../support/client.js"
import { eventually } from "../support/eventually.js"
import { startServer } from "../support/server.js"

const mount = mkdtempSync(join(tmpdir(), "unsandbox-full-"))
const data = join(mount, "data")
const ballast = join(mount, "ballast")

beforeAll(() => void execFileSync("mount", ["-t", "tmpfs", "-o", "size=48m", "tmpfs", mount]))
afterAll(() => {
  execFileSync("umount", [mount])
  rmSync(mount, { recursive: true })
})

/** Until not a page is left. */
const fill = () => {
  const { bavail, bsize } = statfsSync(mount)
  for (let bytes = bavail * bsize; bytes >= 4096; bytes = Math.floor(bytes / 2))
    try {
      writeFileSync(ballast, Buffer.alloc(bytes, 1), { flag: "a" })
    } catch {
      // The last piece did not fit: a smaller one may.
    }
}

it("refuses while the disk is full and goes on when it is not", async () => {
  const server = await startServer({ data, pool: 2 })
  try {
    const acknowledged: Array<readonly [job: string, stdout: string]> = []
    const run = async (text: string) => {
      const code = `echo ${text}; head -c 40000 /dev/urandom | od -An -tx1`
      const { json, status } = await request(server, "POST", "/execute", { body: { language: "bash", code } })
      if (status === 200) acknowledged.push([String(json.job_id), String(json.stdout)])
      return { json, status }
    }
    expect((await run("before")).status).toBe(200)
    fill()
    // The journal has some room of its own: it must end, and then every answer is a refusal that loses nothing.
    await eventually("a request is refused", async () => (await run("filling")).status === 503, 30_000)
    const refused = await run("full")
    expect(refused.status).toBe(503)
    expect(refused.json).toMatchObject({ error: expect.any(String), message: expect.any(String) })
    rmSync(ballast)
    await eventually("service resumes", async () => (await run("after")).status === 200, 30_000)
    for (const [job, stdout] of acknowledged) {
      const { json, status } = await request(server, "GET", `/jobs/${job}`)
      expect(status).toBe(200)
      expect(json).toMatchObject({ status: "completed", stdout })
    }
    const verdict = execFileSync("node", ["bin/unsandbox.mjs", "verify", "--json", "--data", data], {
      encoding: "utf8"
    })
    expect(JSON.parse(verdict)).toMatchObject({ ok: true })
  } finally {
    await server.stop()
  }
}, 120_000)
