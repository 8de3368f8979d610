// Ports inside: dialled from outside, and leading outside; bytes both ways, as they are, as fast as both sides take them.
import { createHash, randomBytes } from "node:crypto"
import { once } from "node:events"
import { readdirSync, readFileSync } from "node:fs"
import { createConnection, createServer, type Socket } from "node:net"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { build, cgroupsOf, eventually, failure, gone, Membrane, str, Type, u16, u32 } from "./wire.js"

let membrane: Membrane
let next = 0

beforeAll(async () => {
  build()
  membrane = await Membrane.start()
  await membrane.hello()
})

afterAll(async () => {
  expect(await membrane.stop()).toBe(0)
  expect(cgroupsOf(membrane.name)).toEqual([])
})

const fresh = async (): Promise<number> => {
  await membrane.created(++next)
  return next
}

const destroyed = async (container: number): Promise<void> => {
  membrane.send(Type.DESTROY, container)
  expect(gone((await membrane.next(Type.GONE, container)).body)).toMatchObject({ left: 0 })
}

// The socket, after the answer's four bytes; a refusal is its errno.
const dial = async (container: number, port: number): Promise<Socket | number> => {
  const socket = createConnection({ path: join(membrane.directory, "dial"), allowHalfOpen: true })
  socket.on("error", () => undefined)
  socket.write(Buffer.concat([u32(container), u16(port)]))
  const answer = await new Promise<Buffer>((resolve, reject) => {
    socket.once("close", () => reject(new Error("closed without an answer")))
    const read = () => {
      const bytes: Buffer | null = socket.read(4)
      if (bytes === null) return void socket.once("readable", read)
      resolve(bytes)
    }
    read()
  })
  if (answer.readUInt32LE(0) === 0) return socket
  socket.destroy()
  return answer.readUInt32LE(0)
}

const dialled = async (container: number, port: number): Promise<Socket> => {
  const socket = await dial(container, port)
  if (typeof socket === "number") throw new Error(`errno ${socket}`)
  return socket
}

const received = async (socket: Socket): Promise<Buffer> => {
  const chunks: Array<Buffer> = []
  for await (const chunk of socket) chunks.push(chunk)
  return Buffer.concat(chunks)
}

const digest = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex")

// Echoes what comes, until its end, for any number of connections at a time.
const echo = (family: string, address: string) => `
import socket, threading
s = socket.socket(socket.${family}, socket.SOCK_STREAM)
s.bind(("${address}", 8000))
s.listen(1024)
print("ready", flush=True)
def serve(c):
    while True:
        d = c.recv(65536)
        if not d: break
        c.sendall(d)
    c.shutdown(socket.SHUT_WR)
    c.close()
while True:
    c, _ = s.accept()
    threading.Thread(target=serve, args=(c,), daemon=True).start()
`

const running = async (container: number, program: string): Promise<number> => {
  const number = membrane.exec(container, ["python3", "-c", program], { timeout: 0 })
  await membrane.match((f) => f.type === Type.OUT && f.container === container && f.body.includes("ready"))
  return number
}

describe("a dialled port", () => {
  it("echoes 10 MiB both ways at once, and hands the end on", async () => {
    const container = await fresh()
    await running(container, echo("AF_INET", "127.0.0.1"))
    const socket = await dialled(container, 8000)
    const bytes = randomBytes(10 << 20)
    socket.end(bytes)
    expect(digest(await received(socket))).toBe(digest(bytes))
    await destroyed(container)
  })

  it("is found on ::1, too", async () => {
    const container = await fresh()
    await running(container, echo("AF_INET6", "::1"))
    const socket = await dialled(container, 8000)
    socket.end("six")
    expect(String(await received(socket))).toBe("six")
    await destroyed(container)
  })

  it("refuses by errno: nobody listens, no such container, frozen, port 0", async () => {
    const container = await fresh()
    expect(await dial(container, 81)).toBe(111)
    expect(await dial(container, 0)).toBe(22)
    expect(await dial(4_000_000, 80)).toBe(3)
    membrane.send(Type.FREEZE, container)
    await membrane.next(Type.FROZEN, container)
    expect(await dial(container, 81)).toBe(16)
    await destroyed(container)
    expect(await dial(container, 81)).toBe(3)
  })

  it("waits while the reader outside does not read, and loses nothing", async () => {
    const container = await fresh()
    const flood = `
import socket
s = socket.socket(); s.bind(("127.0.0.1", 8000)); s.listen()
print("ready", flush=True)
c, _ = s.accept()
for i in range(30): c.sendall(bytes([i]) * (1 << 20))
c.close()
`
    await running(container, flood)
    const socket = await dialled(container, 8000)
    socket.pause()
    await new Promise((resolve) => setTimeout(resolve, 300))
    const memory = readFileSync(`/proc/${membrane.process.pid}/status`, "utf8").match(/VmRSS:\s*(\d+)/)?.[1]
    expect(Number(memory)).toBeLessThan(16_000)
    const all = await received(socket)
    expect([all.length, all[0], all.at(-1)]).toEqual([30 << 20, 0, 29])
    await destroyed(container)
  })

  it("stalls while the container is frozen, and goes on after", async () => {
    const container = await fresh()
    await running(container, echo("AF_INET", "127.0.0.1"))
    const socket = await dialled(container, 8000)
    membrane.send(Type.FREEZE, container)
    await membrane.next(Type.FROZEN, container)
    socket.end("late")
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(socket.readableLength).toBe(0)
    membrane.send(Type.UNFREEZE, container)
    expect(String(await received(socket))).toBe("late")
    await destroyed(container)
  })

  it("ends with its container, and leaves no descriptor", async () => {
    const descriptors = () => readdirSync(`/proc/${membrane.process.pid}/fd`).length
    const before = descriptors()
    const container = await fresh()
    await running(container, echo("AF_INET", "127.0.0.1"))
    const sockets = await Promise.all(Array.from({ length: 50 }, () => dialled(container, 8000)))
    const ends = sockets.map((socket) => received(socket).catch(() => undefined))
    await destroyed(container)
    await Promise.all(ends)
    for (const socket of sockets) socket.destroy()
    await eventually("the descriptors' end", () => descriptors() === before)
  })

  it("is had at most 1,024 times at once in a container, and again after", async () => {
    const container = await fresh()
    const deaf =
      'import socket; s = socket.create_server(("127.0.0.1", 8000), backlog=2000); print("ready", flush=True); input()'
    membrane.exec(container, ["python3", "-c", deaf], { flags: 2 })
    await membrane.match((f) => f.type === Type.OUT && f.container === container && f.body.includes("ready"))
    const all: Array<Socket | number> = []
    for (let i = 0; i < 26; i++)
      all.push(...(await Promise.all(Array.from({ length: 40 }, () => dial(container, 8000)))))
    const sockets = all.filter((one): one is Socket => typeof one !== "number")
    expect(sockets.length).toBe(1024)
    expect(new Set(all.filter((one) => typeof one === "number"))).toEqual(new Set([11]))
    for (const socket of sockets) socket.destroy()
    await eventually("room again", async () => {
      const one = await dial(container, 8000)
      if (typeof one !== "number") one.destroy()
      return typeof one !== "number"
    })
    await destroyed(container)
  })

  it("closes on who says nothing, and survives who leaves early", async () => {
    const container = await fresh()
    await running(container, echo("AF_INET", "127.0.0.1"))
    for (let i = 0; i < 50; i++) {
      const socket = createConnection(join(membrane.directory, "dial"))
      await once(socket, "connect")
      socket.write(Buffer.concat([u32(container), u16(8000)]).subarray(0, i % 7))
      socket.destroy()
    }
    const silent = createConnection(join(membrane.directory, "dial"))
    silent.resume()
    await once(silent, "close")
    const socket = await dialled(container, 8000)
    socket.end("fine")
    expect(String(await received(socket))).toBe("fine")
    await destroyed(container)
  })

  it("works without a control connection", async () => {
    const container = await fresh()
    await running(container, echo("AF_INET", "127.0.0.1"))
    await membrane.keep(container, "x")
    // What runs for the control plane dies with it: this one runs by itself.
    const itself = `import subprocess; subprocess.Popen(["python3", "-c", ${JSON.stringify(
      echo("AF_INET", "127.0.0.1").replace("8000", "8001")
    )}], start_new_session=True, stdout=subprocess.DEVNULL); print("ready", flush=True)`
    await running(container, itself)
    await eventually("its port", async () => {
      const one = await dial(container, 8001)
      if (typeof one !== "number") one.destroy()
      return typeof one !== "number"
    })
    const socket = await dialled(container, 8001)
    membrane = await membrane.again()
    socket.end("still")
    expect(String(await received(socket))).toBe("still")
    await destroyed(container)
  })
})

describe("an egress port", () => {
  const listening = async (handle: (socket: Socket) => void) => {
    const path = join(membrane.directory, `egress-${++next}`)
    const server = createServer({ allowHalfOpen: true }, handle)
    server.listen(path)
    await once(server, "listening")
    return { path, server }
  }

  const egress = async (container: number, port: number, path: string) => {
    membrane.send(Type.EGRESS, container, u16(port), str(path))
    const { type, body } = await membrane.match(
      (f) => f.container === container && (f.type === Type.LISTENING || f.type === Type.FAILED)
    )
    return type === Type.FAILED ? failure(body).errno : 0
  }

  const ask = `exec 3<>/dev/tcp/127.0.0.1/3128; echo hello >&3; cat <&3`

  it("says whose connection it is, and carries both ways", async () => {
    const container = await fresh()
    const { path, server } = await listening((socket) => {
      let text = ""
      socket.on("data", (bytes) => {
        text += String(bytes)
        if (text.endsWith("hello\n")) socket.end(text.toUpperCase())
      })
    })
    expect(await egress(container, 3128, path)).toBe(0)
    expect((await membrane.shell(container, ask)).stdout).toBe("CONTAINER BOX -\nHELLO\n")
    await membrane.keep(container, "the label")
    expect((await membrane.shell(container, ask)).stdout).toBe("CONTAINER BOX THE LABEL\nHELLO\n")
    membrane = await membrane.again()
    expect((await membrane.shell(container, ask)).stdout).toBe("CONTAINER BOX THE LABEL\nHELLO\n")
    await destroyed(container)
    server.close()
  })

  it("closes what has nowhere to go, and finds a server that comes later", async () => {
    const container = await fresh()
    const path = join(membrane.directory, "later")
    expect(await egress(container, 3128, path)).toBe(0)
    expect((await membrane.shell(container, `${ask}; echo closed`)).stdout).toBe("closed\n")
    const server = createServer((socket) => socket.end("there")).listen(path)
    await once(server, "listening")
    expect((await membrane.shell(container, ask)).stdout).toBe("there")
    server.close()
    await destroyed(container)
  })

  it("refuses by errno: taken, privileged, port 0, a relative path, too many", async () => {
    const container = await fresh()
    expect(await egress(container, 3128, "/x")).toBe(0)
    expect(await egress(container, 3128, "/x")).toBe(98)
    expect(await egress(container, 80, "/x")).toBe(13)
    expect(await egress(container, 0, "/x")).toBe(22)
    expect(await egress(container, 3129, "x")).toBe(22)
    for (let port = 4001; port <= 4015; port++) expect(await egress(container, port, "/x")).toBe(0)
    expect(await egress(container, 4016, "/x")).toBe(11)
    await destroyed(container)
  })
})
