/** Callers that ask for large answers and do not read them: the server does not keep them, and nobody else's waits. */
import { readFileSync } from "node:fs"
import { connect, type Socket } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { expect, it } from "vitest"
import { credentials, request } from "../support/client.js"
import { serverForTest } from "../support/server.js"

const UNREAD = 60
const MIB = 2 ** 20

const residentMib = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024

it("keeps no more of what nobody reads than it can carry", async () => {
  const server = await serverForTest({ pool: 2 })
  const body = { language: "bash", code: "head -c 5000000 /dev/urandom > noise", return_artifact: true }
  const ran = await request(server, "POST", "/execute", { body })
  expect(ran.json).toMatchObject({ success: true })
  const path = `/jobs/${String(ran.json.job_id)}`
  const { hostname, port } = new URL(server.url)
  const whole = Buffer.byteLength((await request(server, "GET", path)).text)
  const before = residentMib(server.pid)
  const open = (): Socket => {
    const socket = connect(Number(port), hostname).pause()
    const headers = Object.entries(credentials(server, "GET", path, Buffer.alloc(0)))
    const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join("")
    socket.on("error", () => undefined)
    socket.write(`GET ${path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n${lines}\r\n`)
    return socket
  }
  const unread = Array.from({ length: UNREAD }, open)
  await sleep(4_000)
  // As they are written, they would be three gigabytes.
  expect(UNREAD * whole).toBeGreaterThan(2_000 * MIB)
  expect(residentMib(server.pid) - before).toBeLessThan(512)
  const next = await request(server, "POST", "/execute", { body: { language: "bash", code: "echo next" } })
  expect(next.json).toMatchObject({ stdout: "next\n" })
  const read = await Promise.all(
    unread.map(async (socket) => {
      let bytes = 0
      socket.on("data", (chunk) => {
        bytes += chunk.length
      })
      const closed = new Promise<void>((resolve) => socket.on("close", () => resolve()))
      socket.resume()
      await closed
      return bytes
    })
  )
  expect(read.filter((bytes) => bytes >= whole).length).toBeGreaterThan(0)
  expect((await request(server, "GET", path)).status).toBe(200)
}, 90_000)
