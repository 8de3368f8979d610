/** A spawner that is stopped but not dead: nobody waits for as long as a program might have run, and the tree replaces it. */
import { setTimeout as sleep } from "node:timers/promises"
import { expect, it } from "vitest"
import { request } from "../support/client.js"
import { eventually } from "../support/eventually.js"
import { spawnerOf } from "../support/leftovers.js"
import { serverForTest } from "../support/server.js"

it("replaces a spawner that hangs", async () => {
  const server = await serverForTest({ pool: 2 })
  const run = (code: string) => request(server, "POST", "/execute", { body: { language: "bash", code, ttl: 600 } })
  expect((await run("echo before")).json).toMatchObject({ stdout: "before\n" })
  const running = run("sleep 500")
  await sleep(500)
  const hung = spawnerOf(server.data)
  expect(hung).toBeDefined()
  if (hung !== undefined) process.kill(hung, "SIGSTOP")
  const { json, status } = await running
  expect(status).toBe(200)
  expect(json).toMatchObject({ success: false, status: "failed", cause: "node-lost" })
  await eventually("it serves again", async () => (await run("echo after")).json.stdout === "after\n", 30_000)
  expect(spawnerOf(server.data)).not.toBe(hung)
}, 90_000)
