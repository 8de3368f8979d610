// Hostile bytes on the control connection end it with a reason and never touch memory that is not theirs.
import { execFileSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { createConnection, createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { build, cgroupsOf, encode, list, Membrane, root, str, Type, u8, u16, u32, u64 } from "./wire.js"

// A small generator of its own, so that a failure can be repeated from its seed.
const generator = (seed: number) => {
  let state = seed >>> 0
  return (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

type Random = ReturnType<typeof generator>

const started: Array<Membrane> = []
const directory = mkdtempSync(join(tmpdir(), "fuzz-"))

const start = async (): Promise<Membrane> => {
  const membrane = await Membrane.start({ program: "membrane-asan" })
  started.push(membrane)
  await membrane.hello()
  return membrane
}

const word = (random: Random) =>
  ["", "a", "/tmp/x", "/tmp/../x", "/", "true", "A=1", "é", "x".repeat(3000)][random(9)] ?? ""

const words = (random: Random) => list(Array.from({ length: random(5) }, () => word(random)))

const number = (random: Random) => [0, 1, 7, 255, 4096, 1 << 20, 0x7fffffff, 0xffffffff][random(8)] ?? 0

const requests: Record<string, (random: Random) => readonly [number, ReadonlyArray<Buffer>]> = {
  create: (r) => [Type.CREATE, [u64(number(r)), u32(number(r)), u32(number(r)), u64(number(r)), str(word(r))]],
  limit: (r) => [Type.LIMIT, [u64(number(r)), u32(number(r)), u32(number(r))]],
  put: (r) => [Type.PUT, [str(word(r)), u32(number(r)), u8(r(256)), Buffer.alloc(r(5000))]],
  exec: (r) => [
    Type.EXEC,
    [u32(r(20)), u8(r(4)), u32(r(300)), u32(number(r)), u16(r(65536)), u16(r(65536)), str(word(r)), words(r), words(r)]
  ],
  stdin: (r) => [Type.STDIN, [u32(r(20)), Buffer.alloc(r(70000))]],
  resize: (r) => [Type.RESIZE, [u32(r(20)), u16(r(65536)), u16(r(65536))]],
  signal: (r) => [Type.SIGNAL, [u32(r(20)), u32(number(r))]],
  collect: (r) => [Type.COLLECT, [u32(r(20)), str(word(r)), u32(number(r)), u64(number(r)), words(r)]],
  logged: (r) => [
    Type.EXEC,
    [
      u32(r(20)),
      u8(8 | r(8)),
      u32(r(300)),
      u32(number(r)),
      u32(0),
      str("/tmp"),
      list(["bash", "-c", "echo x; sleep 0.1"]),
      list(["PATH=/usr/bin"]),
      str(r(2) === 0 ? word(r) : join(directory, `log-${r(9)}`)),
      u64(number(r))
    ]
  ],
  windowed: (r) => [
    Type.EXEC,
    [u32(r(20)), u8(r(2)), u32(r(300)), u32(0xffffffff), u32(0), str("/tmp"), list(["seq", "100000"]), list([])]
  ],
  grant: (r) => [Type.GRANT, [u32(r(20)), u32(number(r))]],
  keep: (r) => [Type.KEEP, [str(word(r))]],
  seal: () => [Type.SEAL, []],
  attach: (r) => [Type.ATTACH, [str(r(2) === 0 ? word(r) : join(directory, "volume"))]],
  egress: (r) => [
    Type.EGRESS,
    [u16(r(4) === 0 ? r(65536) : 3128), str(r(2) === 0 ? word(r) : join(directory, "gate"))]
  ],
  freeze: () => [Type.FREEZE, []],
  unfreeze: () => [Type.UNFREEZE, []],
  destroy: () => [Type.DESTROY, []]
}

const makers = Object.values(requests)

const wellFormed = (random: Random): Buffer => {
  const maker = makers[random(makers.length)]
  if (maker === undefined) throw new Error("no maker")
  const [type, parts] = maker(random)
  return encode(type, 1 + random(6), ...parts)
}

const mutated = (random: Random): Buffer => {
  const bytes = wellFormed(random)
  for (let i = 0; i <= random(4); i++) bytes.writeUInt8(random(256), 4 + random(bytes.length - 4))
  if (random(3) === 0) bytes.writeUInt32LE(number(random), 0)
  return random(4) === 0 ? bytes.subarray(0, random(bytes.length)) : bytes
}

// What kept containers keep alive ends, too.
const end = (membrane: Membrane): Promise<number | null> => {
  membrane.process.kill("SIGTERM")
  return membrane.stop()
}

beforeAll(() => {
  mkdirSync(join(directory, "volume"), { mode: 0o700 })
  build("--asan")
}, 180_000)

afterAll(async () => {
  for (const membrane of started) {
    await end(membrane)
    expect(membrane.stderr.join("")).not.toMatch(/Sanitizer|runtime error/)
    expect(cgroupsOf(membrane.name)).toEqual([])
  }
  rmSync(directory, { recursive: true })
})

describe("the frame parser under the sanitizers", () => {
  it.each([1, 2, 3, 4])("survives 150,000 random and mutated frames (seed %i)", (seed) => {
    const counts: unknown = JSON.parse(
      execFileSync(join(root, "build", "fuzz-frame"), [String(seed), "150000"]).toString()
    )
    expect(counts).toMatchObject({ parsed: expect.any(Number), refused: expect.any(Number) })
  })
})

describe("the spawner under the sanitizers", () => {
  it("answers 6,000 well-formed nonsense frames and then still works", async () => {
    const random = generator(11)
    const membrane = await start()
    for (let i = 0; i < 6000; i++) {
      membrane.socket.write(wellFormed(random))
      if (i % 200 === 0) await new Promise((resolve) => setTimeout(resolve, 20))
    }
    for (let container = 1; container <= 6; container++) membrane.send(Type.DESTROY, container)
    await membrane.created(7)
    expect((await membrane.shell(7, "echo works")).stdout).toBe("works\n")
    expect(await end(membrane)).toBe(0)
  })

  it("ends the connection at a malformed frame, says why, and clears everything away", async () => {
    const random = generator(23)
    for (let round = 0; round < 12; round++) {
      const membrane = await start()
      await membrane.created(1)
      membrane.exec(1, ["sleep", "60"])
      await membrane.next(Type.STARTED, 1)
      for (let i = 0; i < 60 && !membrane.closed; i++) membrane.socket.write(mutated(random))
      membrane.socket.write(Buffer.from([5, 0, 0, 0, 0xee, 0, 0, 0, 0]))
      membrane.socket.end()
      await membrane.ended()
      expect(await end(membrane)).toBe(0)
    }
  })

  it("survives control planes that come and go, and nonsense on its other socket", async () => {
    const random = generator(42)
    const gate = createServer((socket) => socket.on("error", () => undefined).end("x".repeat(random(100_000))))
    gate.listen(join(directory, "gate"))
    let membrane = await start()
    const dial = (bytes: Buffer) => {
      const socket = createConnection(join(membrane.directory, "dial"))
      socket.on("error", () => undefined).on("data", () => random(9) === 0 && socket.destroy())
      socket.write(bytes)
      setTimeout(() => socket.destroy(), random(500))
    }
    for (let round = 0; round < 8; round++) {
      for (let container = 1; container <= 6; container++) membrane.create(container)
      await membrane.match(({ type }) => type === Type.CREATED || type === Type.FAILED)
      membrane.send(Type.KEEP, 1 + random(6), str(`round ${round}`))
      for (let i = 0; i < 400; i++) {
        membrane.socket.write(wellFormed(random))
        if (i % 20 > 0) continue
        dial(Buffer.concat([u32(1 + random(6)), u16(3128), Buffer.alloc(random(9999))]))
        dial(Buffer.from(Array.from({ length: random(12) }, () => random(256))))
        const ask = ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/3128; seq 10000 >&3; cat <&3"]
        membrane.exec(1 + random(6), ask, { timeout: 0 })
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
      membrane.create(100 + round)
      await membrane.next(Type.CREATED, 100 + round)
      await membrane.keep(100 + round, "so that it stays")
      membrane = await membrane.again()
      started[started.length - 1] = membrane
      expect((await membrane.list()).get(100 + round)).toMatchObject({ kept: true })
    }
    expect((await membrane.shell(107, "echo works")).stdout).toBe("works\n")
    gate.close()
    expect(await end(membrane)).toBe(0)
  })

  it.each([
    ["a length under the bound", Buffer.from([4, 0, 0, 0, 13, 0, 0, 0])],
    ["a length over the bound", Buffer.from([0xff, 0xff, 0xff, 0xff, 1])],
    ["an unknown type", encode(0x55, 1)],
    ["a short payload", encode(Type.SIGNAL, 1, u32(1))],
    ["trailing bytes", encode(Type.DESTROY, 1, u8(0))],
    ["a NUL in a string", encode(Type.PUT, 1, str("/tmp/a\0b"), u32(0), u8(0))],
    ["a count over the bound", encode(Type.EXEC, 1, Buffer.alloc(17), str("/"), u32(0x7fffffff))],
    ["container 0", encode(Type.DESTROY, 0)],
    ["a version it does not speak", encode(Type.HELLO, 0, u32(1))]
  ])("refuses %s with ERROR", async (_, bytes) => {
    const membrane = await start()
    membrane.socket.write(bytes)
    const error = await membrane.next(Type.ERROR)
    expect(error.body.readUInt32LE(0)).toBe(error.body.length - 4)
    await membrane.ended()
    expect(await membrane.stop()).toBe(0)
  })
})
