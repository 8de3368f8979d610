/** What comes in the same piece off the line as the upgrade of a session's terminal: it is the terminal's, and hurts nobody. */
import { randomBytes } from "node:crypto"
import { connect } from "node:net"
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest"
import { request } from "../support/client.js"
import { eventually } from "../support/eventually.js"
import { type Server, startServer } from "../support/server.js"

let server: Server
beforeAll(async () => {
  server = await startServer({ pool: 1 })
}, 60_000)
afterAll(() => server?.stop(), 60_000)

/** Short and masked with zeros, which leave it as it is. */
const typed = (keys: string): Buffer => {
  const payload = Buffer.from(keys)
  return Buffer.concat([Buffer.from([0x82, 0x80 | payload.length, 0, 0, 0, 0]), payload])
}

/** Everything in one write; what came back is told by `heard`. */
const upgradeWith = async (head: Buffer) => {
  const { json } = await request(server, "POST", "/sessions", { body: { shell: "sh" } })
  const { host, hostname, pathname, port } = new URL(String(json.websocket_url))
  const lines = [
    ...[`GET ${pathname} HTTP/1.1`, `Host: ${host}`, "Connection: Upgrade", "Upgrade: websocket"],
    ...["Sec-WebSocket-Version: 13", `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}`, "", ""]
  ]
  const socket = connect({ host: hostname, port: Number(port) }).on("error", () => undefined)
  onTestFinished(() => void socket.destroy())
  let text = ""
  socket.setEncoding("latin1").on("data", (more: string) => {
    text += more
  })
  socket.write(Buffer.concat([Buffer.from(lines.join("\r\n")), head]))
  return { heard: () => text, socket }
}

it("is typed", async () => {
  const { heard } = await upgradeWith(typed("echo $((40 + 2))-arrived\n"))
  await eventually("the command has run", () => heard().includes("42-arrived"))
}, 30_000)

it("ends that line alone when it is no frame", async () => {
  const { heard, socket } = await upgradeWith(Buffer.from("f1816162636419", "hex"))
  await eventually("the line has ended", () => socket.destroyed || socket.readableEnded)
  expect(heard()).toContain("101 Switching Protocols")
  expect((await request(server, "GET", "/health", { sign: false })).status).toBe(200)
}, 30_000)
