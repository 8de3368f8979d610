/** Callers without a key: refusing them costs the log a bounded number of events a second, however they vary. */
import { execFileSync } from "node:child_process"
import { randomBytes } from "node:crypto"
import { setTimeout as sleep } from "node:timers/promises"
import { expect, it } from "vitest"
import { request } from "../support/client.js"
import { serverForTest } from "../support/server.js"

const REQUESTS = 2_000

const events = (data: string): number =>
  Number(
    JSON.parse(execFileSync("node", ["bin/unsandbox.mjs", "verify", "--json", "--data", data], { encoding: "utf8" }))
      .events
  )

it("cannot fill the log", async () => {
  const server = await serverForTest({ pool: 1 })
  const before = events(server.data)
  const from = performance.now()
  const stranger = async () => {
    for (let turn = 0; turn < REQUESTS / 20; turn += 1) {
      const publicKey = `unsb-pk-${randomBytes(8).toString("hex").match(/.{4}/g)?.join("-")}`
      const { status } = await request(server, "POST", `/execute?${turn}`, { sign: { publicKey } })
      expect(status).toBe(401)
    }
  }
  await Promise.all(Array.from({ length: 20 }, stranger))
  await sleep(2_000)
  const seconds = Math.ceil((performance.now() - from) / 1_000)
  expect(events(server.data) - before).toBeLessThan(100 + 20 * (seconds + 2))
}, 60_000)
