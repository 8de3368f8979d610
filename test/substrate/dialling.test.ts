/** Ports inside, dialled through a spawner that a test plays. */
import { createServer, type Server, type Socket } from "node:net"
import { Effect, Exit, Scope } from "effect"
import { afterEach, expect, it } from "vitest"
import { failure, fork, moment, type Scripted, scripted, until } from "./scripted.js"

let spawner: Scripted
scripted((fresh) => {
  spawner = fresh
})

let server: Server | undefined
afterEach(() => server?.close())

/** Answers each who dials with `say`. */
const answering = (say: (socket: Socket, head: Buffer) => void) =>
  new Promise<void>((resolve) => {
    server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on("error", () => {}).once("data", (head) => say(socket, head))
    }).listen(spawner.connection.dialled, resolve)
  })

const u32 = (value: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

const dialled = async (port: number) => {
  const box = await spawner.box()
  const scope = Effect.runSync(Scope.make())
  const socket = await Effect.runPromise(Scope.extend(box.dial(port), scope))
  return { socket, close: () => Effect.runPromise(Scope.close(scope, Exit.void)) }
}

const refusal = async (port: number) => {
  const box = await spawner.box()
  return failure(fork(Effect.scoped(box.dial(port))))
}

it("names the container and the port, and loses nothing that comes with the answer", async () => {
  const heads: Array<Buffer> = []
  await answering((socket, head) => {
    heads.push(head)
    socket.write(Buffer.concat([u32(0), Buffer.from("early")]))
    socket.on("data", (bytes) => socket.write(bytes)).on("end", () => socket.end("last"))
  })
  const { close, socket } = await dialled(8080)
  await moment()
  const said: Array<Buffer> = []
  let ended = false
  socket
    .on("data", (bytes: Buffer) => said.push(bytes))
    .on("end", () => {
      ended = true
    })
  socket.write("echo")
  await until(() => Buffer.concat(said).toString() === "earlyecho")
  // One way is closed, the other is not.
  socket.end()
  await until(() => ended)
  expect(Buffer.concat(said).toString()).toBe("earlyecholast")
  expect([heads[0]?.readUInt32LE(0), heads[0]?.readUInt16LE(4), heads[0]?.length]).toEqual([1, 8080, 6])
  await close()
  expect(socket.destroyed).toBe(true)
})

it("keeps an answer that comes in pieces together", async () => {
  await answering((socket) => {
    socket.write(u32(0).subarray(0, 1))
    setTimeout(() => socket.write(Buffer.concat([u32(0).subarray(1), Buffer.from("x")])), 10)
  })
  const { close, socket } = await dialled(1)
  const said: Array<Buffer> = []
  socket.on("data", (bytes: Buffer) => said.push(bytes))
  await until(() => Buffer.concat(said).toString() === "x")
  await close()
})

it("ends with the scope, on both sides", async () => {
  let over = false
  await answering((socket) => {
    socket.write(u32(0))
    socket.on("end", () => {
      over = true
    })
  })
  const { close } = await dialled(1)
  await close()
  await until(() => over)
})

it("says why not", async () => {
  await answering((socket) => socket.end(u32(111)))
  expect(await refusal(80)).toMatchObject({
    stage: "dial",
    errno: 111,
    message: expect.stringContaining("ECONNREFUSED")
  })
  expect(await refusal(0)).toMatchObject({ stage: "argument" })
  expect(await refusal(65_536)).toMatchObject({ stage: "argument" })
})

it("fails when the spawner closes without an answer, or is not there", async () => {
  expect(await refusal(80)).toMatchObject({ stage: "dial", message: expect.stringContaining("ENOENT") })
  await answering((socket) => socket.destroy())
  expect(await refusal(80)).toMatchObject({ _tag: "SubstrateFailed", stage: "dial" })
})
