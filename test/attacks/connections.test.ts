/** Connections that never say anything, and never close: they are gone in time, whatever their other end does. */
import { readdirSync } from "node:fs"
import { connect } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { expect, it } from "vitest"
import { request } from "../support/client.js"
import { eventually } from "../support/eventually.js"
import { serverForTest } from "../support/server.js"

const SILENT = 300

it("are not kept by the silent", async () => {
  const server = await serverForTest({ pool: 1 })
  const open = () => readdirSync(`/proc/${server.pid}/fd`).length
  const before = open()
  const { hostname, port } = new URL(server.url)
  // Half of it says something that is no request: both are told, and neither listens.
  const silent = Array.from({ length: SILENT }, (_, number) => {
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true }).pause()
    socket.on("error", () => undefined)
    if (number % 2 === 0) socket.write("nonsense\r\n\r\n")
    return socket
  })
  await eventually("they are connected", () => open() >= before + SILENT / 2)
  await sleep(10_000)
  await eventually("they are gone", () => open() < before + 20, 15_000)
  expect((await request(server, "GET", "/health", { sign: false })).status).toBe(200)
  for (const socket of silent) socket.destroy()
}, 60_000)
