// What an ordinary user's spawner gives its containers beyond a sandbox: the same as root's.
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs"
import { createConnection, createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { asOrdinary, build, exit, Membrane, ordinary, root, spawnAs, str, Type, u16, u32 } from "./wire.js"

describe.runIf(ordinary)("an ordinary user's containers", () => {
  const directory = mkdtempSync(join(tmpdir(), "ordinary-"))
  let membrane: Membrane

  beforeAll(async () => {
    build()
    chmodSync(directory, 0o777)
    copyFileSync(join(root, "build", "membrane"), join(directory, "membrane"))
    spawnAs("mkdir", "-m", "700", join(directory, "volume"), join(directory, "logs"))
    const program = join(directory, "membrane")
    membrane = await Membrane.start({ wrap: asOrdinary, program, args: ["--accept-weak"], directory })
    await membrane.hello()
  })

  afterAll(async () => {
    membrane.process.kill("SIGTERM")
    expect(await membrane.stop()).toBe(0)
    rmSync(directory, { recursive: true, force: true })
  })

  it("share a volume", async () => {
    for (const container of [1, 2]) {
      await membrane.created(container)
      await membrane.attach(container, join(directory, "volume"))
      expect((await membrane.shell(container, "echo x >> /srv/x; cat /srv/x")).stdout).toBe("x\n".repeat(container))
    }
    expect(readFileSync(join(directory, "volume", "srv", "x"), "utf8")).toBe("x\nx\n")
  })

  it("log and are kept", async () => {
    const log = join(directory, "logs", "log")
    const number = membrane.exec(1, ["bash", "-c", "echo begun; sleep 0.2; echo done; exit 9"], { log })
    await membrane.next(Type.STARTED, 1)
    await membrane.keep(1, "mine")
    membrane = await membrane.again()
    expect((await membrane.list()).get(1)?.execs.map(({ exec }) => exec)).toEqual([number])
    expect(exit((await membrane.next(Type.EXIT, 1)).body)).toMatchObject({ code: 9, stdout: 11 })
    expect([readFileSync(log, "utf8"), statSync(log).uid]).toEqual([
      "begun\ndone\n",
      statSync(join(directory, "logs")).uid
    ])
  })

  it("are dialled, and reach what they may", async () => {
    const program = `
import socket
s = socket.create_server(("127.0.0.1", 8000))
print("ready", flush=True)
c, _ = s.accept()
out = socket.create_connection(("127.0.0.1", 3128))
out.sendall(c.recv(100))
c.sendall(out.recv(100))
`
    const server = createServer((socket) => {
      let all = ""
      socket.on("data", (bytes) => {
        all += String(bytes)
        if (all.endsWith("hello")) socket.end(all.toUpperCase())
      })
    })
    const gate = join(directory, "gate")
    server.listen(gate)
    membrane.send(Type.EGRESS, 1, u16(3128), str(gate))
    await membrane.next(Type.LISTENING, 1)
    chmodSync(gate, 0o777)
    membrane.exec(1, ["python3", "-c", program])
    await membrane.match((f) => f.type === Type.OUT && f.body.includes("ready"))
    const socket = createConnection(join(directory, "dial"))
    socket.write(Buffer.concat([u32(1), u16(8000), Buffer.from("hello")]))
    const chunks: Array<Buffer> = []
    for await (const chunk of socket) chunks.push(chunk)
    expect(String(Buffer.concat(chunks))).toBe("\0\0\0\0CONTAINER BOX MINE\nHELLO")
    server.close()
  })
})
