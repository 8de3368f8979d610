/** SIGKILL of the spawner under load: the tree restarts it, jobs in flight end for a typed cause, and the next ones run. */
import { setTimeout as sleep } from "node:timers/promises"
import { expect, it } from "vitest"
import { request } from "../support/client.js"
import { spawnerOf } from "../support/leftovers.js"
import { serverForTest } from "../support/server.js"

it("outlives its spawner", async () => {
  const server = await serverForTest({ pool: 4 })
  const run = (code: string) => request(server, "POST", "/execute", { body: { language: "bash", code, ttl: 30 } })
  for (let round = 0; round < 3; round += 1) {
    const inFlight = Array.from({ length: 8 }, () => run("sleep 20; echo survived"))
    await sleep(700)
    const spawner = spawnerOf(server.data)
    expect(spawner).toBeDefined()
    if (spawner !== undefined) process.kill(spawner, "SIGKILL")
    for (const { json, status } of await Promise.all(inFlight)) {
      expect(status).toBe(200)
      expect(json).toMatchObject({ success: false, status: "failed", cause: "node-lost" })
    }
    const next = await run("echo next")
    expect(next.json).toMatchObject({ success: true, stdout: "next\n" })
    expect(spawnerOf(server.data)).not.toBe(spawner)
  }
}, 120_000)
