/** `kill -9` of the server at random moments under load: what was acknowledged is there, and nothing is left over. */
import { execFileSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, expect, it } from "vitest"
import { request } from "../support/client.js"
import { eventually } from "../support/eventually.js"
import { cgroupsOf, membranesOf } from "../support/leftovers.js"
import { type Server, startServer } from "../support/server.js"

const KILLS = 20
const CLIENTS = 6

const data = mkdtempSync(join(tmpdir(), "unsandbox-kill-"))
afterAll(() => rmSync(data, { recursive: true, force: true }))

/** What a client was told: the job's id and, where it waited, the output. */
interface Acknowledged {
  readonly job: string
  readonly stdout: string | undefined
}

const load = (server: Server, acknowledged: Array<Acknowledged>) => {
  let going = true
  const client = async (number: number) => {
    for (let turn = 0; going; turn += 1) {
      const waits = (turn + number) % 2 === 0
      const code = `echo ${number}-${turn}; ${turn % 3 === 0 ? "sleep 0.3" : ":"}`
      const path = waits ? "/execute" : "/execute/async"
      const answer = await request(server, "POST", path, { body: { language: "bash", code } }).catch(() => undefined)
      if (answer === undefined || answer.status >= 300) continue
      acknowledged.push({ job: String(answer.json.job_id), stdout: waits ? String(answer.json.stdout) : undefined })
    }
  }
  const clients = Promise.all(Array.from({ length: CLIENTS }, (_, number) => client(number)))
  return async () => {
    going = false
    await clients
  }
}

const verify = () =>
  JSON.parse(execFileSync("node", ["bin/unsandbox.mjs", "verify", "--json", "--data", data], { encoding: "utf8" }))

const terminal = ["completed", "failed", "timeout", "cancelled"]
const causes = ["completed", "control-plane-restart", "node-lost"]

it("survives kill -9 at random moments", async () => {
  const acknowledged: Array<Acknowledged> = []
  for (let kill = 0; kill < KILLS; kill += 1) {
    const server = await startServer({ data, pool: 3 })
    const stop = load(server, acknowledged)
    await sleep(50 + Math.random() * 600)
    await server.kill("SIGKILL")
    await stop()
    await server.stop()
  }
  const server = await startServer({ data, pool: 3 })
  try {
    expect(acknowledged.length).toBeGreaterThan(KILLS)
    for (const { job, stdout } of acknowledged) {
      const { json, status } = await request(server, "GET", `/jobs/${job}`)
      expect(status).toBe(200)
      expect(terminal).toContain(json.status)
      expect(causes).toContain(json.cause)
      if (stdout !== undefined) expect(json).toMatchObject({ status: "completed", stdout })
    }
    const again = await request(server, "POST", "/execute", { body: { language: "bash", code: "echo again" } })
    expect(again.json).toMatchObject({ success: true, stdout: "again\n" })
    expect(verify()).toMatchObject({ ok: true })
  } finally {
    await server.stop()
  }
  await eventually("no process of the membrane is left", () => membranesOf(data).length === 0)
  await eventually("no cgroup is left", () => cgroupsOf(data).length === 0)
  expect(verify()).toMatchObject({ ok: true })
}, 300_000)

it("leaves no container behind even before it is started again", async () => {
  const server = await startServer({ data, pool: 3 })
  const acknowledged: Array<Acknowledged> = []
  const stop = load(server, acknowledged)
  await eventually("something runs", () => acknowledged.length > 3)
  await server.kill("SIGKILL")
  await stop()
  await eventually("every process of the membrane ended", () => membranesOf(data).length === 0)
  await eventually("every cgroup is removed", () => cgroupsOf(data).length === 0)
  await server.stop()
}, 60_000)
