/** Bytes that no honest client sends, or sends so slowly: each line is told what is wrong or let go of, and nobody else waits. */
import { connect, type Socket } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { credentials, request } from "../support/client.js"
import { type Server, startServer } from "../support/server.js"

let server: Server
beforeAll(async () => {
  server = await startServer({ pool: 2 })
}, 60_000)
afterAll(() => server.stop())

interface Line {
  readonly socket: Socket
  readonly said: () => string
  readonly closed: Promise<string>
}

const line = (...first: ReadonlyArray<string>): Line => {
  const { hostname, port } = new URL(server.url)
  const socket = connect(Number(port), hostname)
  let said = ""
  socket.setEncoding("latin1").on("data", (text: string) => {
    said += text
  })
  socket.on("error", () => undefined)
  for (const piece of first) socket.write(piece, "latin1")
  return { socket, said: () => said, closed: new Promise((resolve) => socket.on("close", () => resolve(said))) }
}

const lines = (headers: Readonly<Record<string, string>>) =>
  Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join("")

/** A signed request as bytes; `more` stands among its headers, unless it replaces one. */
const signed = (method: string, path: string, body: string | Buffer, more = "", length = true): string => {
  const bytes = Buffer.from(body)
  const headers = lines(credentials(server, method, path, bytes))
  const counted = length && bytes.length > 0 ? `Content-Length: ${bytes.length}\r\n` : ""
  return `${method} ${path} HTTP/1.1\r\nHost: here\r\n${headers}${counted}${more}\r\n${bytes.toString("latin1")}`
}

const statuses = (said: string): ReadonlyArray<number> =>
  [...said.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status))

const close = "Connection: close\r\n"
const program = JSON.stringify({ language: "bash", code: "echo ran" })

describe("what is too much", () => {
  const head = (more: string) => `GET /health HTTP/1.1\r\nHost: here\r\n${more}\r\n`
  const cases: ReadonlyArray<readonly [string, () => string, number]> = [
    ["a request line of 20 KB", () => head("").replace("/health", `/${"a".repeat(20_000)}`), 431],
    ["a header of 20 KB", () => head(`X-Long: ${"a".repeat(20_000)}\r\n`), 431],
    ["a name of 20 KB", () => head(`X-${"a".repeat(20_000)}: 1\r\n`), 431],
    ["500 headers", () => head("A: 1\r\n".repeat(500)), 431],
    ["3,000 headers", () => head("A:\r\n".repeat(3_000)), 431],
    [
      "a body said to be of 11 MiB",
      () => signed("POST", "/execute", "").replace("\r\n\r\n", "\r\nContent-Length: 11534336\r\n\r\n"),
      413
    ]
  ]
  for (const [what, bytes, status] of cases)
    it(`${what} is told so`, async () => {
      const said = await line(bytes()).closed
      expect(statuses(said)).toEqual([status])
      expect(said).toMatch(/connection: close/i)
    })

  it("a hundred headers are not", async () => {
    expect(statuses(await line(head(`${"A: 1\r\n".repeat(98)}${close}`)).closed)).toEqual([200])
  })
})

describe("a body whose end can be read in two ways", () => {
  const smuggled = "GET /health HTTP/1.1\r\nHost: here\r\n\r\n"
  const post = (more: string, body: string) => `POST /execute HTTP/1.1\r\nHost: here\r\n${more}\r\n${body}`
  const forms = {
    "length and chunks": post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", `0\r\n\r\n${smuggled}`),
    "chunks and length": post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", `0\r\n\r\n${smuggled}`),
    "two lengths": post("Content-Length: 0\r\nContent-Length: 40\r\n", smuggled),
    "a list of lengths": post("Content-Length: 0, 40\r\n", smuggled),
    "a signed length": post("Content-Length: +40\r\n", smuggled),
    "a negative length": post("Content-Length: -1\r\n", smuggled),
    "a hexadecimal length": post("Content-Length: 0x28\r\n", smuggled),
    "a length beyond all numbers": post("Content-Length: 18446744073709551617\r\n", smuggled),
    "an unknown coding after chunks": post("Transfer-Encoding: chunked, identity\r\n", `0\r\n\r\n${smuggled}`),
    "a coding with a tab before it": post("Transfer-Encoding:\tchunked, x\r\n", `0\r\n\r\n${smuggled}`),
    "a space before the colon": post("Transfer-Encoding : chunked\r\n", `0\r\n\r\n${smuggled}`),
    "a folded header": post("Transfer-Encoding:\r\n chunked\r\nContent-Length: 5\r\n", `0\r\n\r\n${smuggled}`),
    "a chunk size that is none": post("Transfer-Encoding: chunked\r\n", `zz\r\n\r\n${smuggled}`),
    "a chunk size beyond all numbers": post("Transfer-Encoding: chunked\r\n", `fffffffffffffffff\r\n${smuggled}`),
    "a bare line feed after a chunk size": post("Transfer-Encoding: chunked\r\n", `1\nx\r\n0\r\n\r\n${smuggled}`),
    "a bare carriage return in a header": post("X-A: b\rContent-Length: 40\r\n", smuggled),
    "a NUL in a header": post("X-A: b\0c\r\n", smuggled)
  }
  for (const [what, bytes] of Object.entries(forms))
    it(`(${what}) is refused, and what it hides is not answered`, async () => {
      const one = line(bytes)
      await Promise.race([one.closed, sleep(3_000)])
      const told = statuses(one.said())
      one.socket.destroy()
      // What was hidden in it would be answered with 200.
      expect(told.filter((status) => status < 400)).toEqual([])
      expect(told.length).toBeGreaterThan(0)
    })

  it("(none of these) is two requests", async () => {
    const both = signed("GET", "/keys/self", "") + signed("POST", "/execute", program, close)
    const said = await line(both).closed
    expect(statuses(said)).toEqual([200, 200])
    expect(said).toContain("ran\\n")
  })
})

describe("a header that stands twice", () => {
  const twice = (name: string, value: string) => signed("GET", "/keys/self", "", `${name}: ${value}\r\n${close}`)
  it("is neither of both when it says who calls", async () => {
    const other = credentials(server, "GET", "/keys/self", Buffer.alloc(0))
    for (const [name, value] of Object.entries(other)) {
      expect(statuses(await line(twice(name, value)).closed), name).toEqual([401])
      expect(statuses(await line(twice(name, "x")).closed), name).toEqual([401])
    }
    expect(statuses(await line(twice("X-Other", "x")).closed)).toEqual([200])
  })
})

describe("a body that is no text", () => {
  const sent = (body: string | Buffer, type = "application/json") =>
    request(server, "POST", "/execute", { body: Buffer.from(body), headers: { "content-type": type } })

  it("or is too deep, is refused with its place", async () => {
    const bad = await sent(Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]))
    expect([bad.status, bad.json.error]).toEqual([400, "invalid_encoding"])
    for (const [open, shut] of [
      ["[", "]"],
      ['{"a":', "}"]
    ] as const)
      for (const depth of [65, 100_000, 1_000_000]) {
        const { json, status } = await sent(`${open.repeat(depth)}1${shut.repeat(depth)}`)
        expect([status, json.error]).toEqual([400, "malformed_json"])
        expect(String(json.message)).toMatch(/nested deeper than 64 levels at position \d+/)
      }
    const deepEnv = `{"language":"bash","code":"echo ran","env":${"[".repeat(60)}${"]".repeat(60)}}`
    expect((await sent(deepEnv)).status).toBe(400)
  })

  it("that would change what every object has changes nothing", async () => {
    const evil = `{"__proto__":{"code":"echo evil","admin":true},"constructor":{"prototype":{"x":1}},
      "language":"bash","code":"printenv __proto__","env":{"__proto__":"kept","constructor":"kept too"}}`
    const ran = await sent(evil)
    expect(ran.json).toMatchObject({ success: true, stdout: "kept\n" })
    const without = await sent('{"__proto__":{"language":"bash","code":"echo evil"}}')
    expect(without.status).toBe(400)
    expect((await request(server, "GET", "/health", { sign: false })).json).not.toHaveProperty("admin")
  })
})

describe("a target", () => {
  const strange: ReadonlyArray<readonly [string, ReadonlyArray<number>]> = [
    ["/jobs/..%2f..%2fkeys%2fself", [404]],
    ["/jobs/%2e%2e/keys/self", [404]],
    ["/jobs/a%00b", [404]],
    ["/jobs/%0d%0aX-Injected:%20yes", [404]],
    ["/logs/%0aevent:%20x/stream", [404]],
    ["//keys/self", [404]],
    ["/keys/self/../../health", [404]],
    ["*", [404]],
    ["http://[::1/keys/self", [401]],
    ["http://u:p@elsewhere/nowhere", [404]],
    ["/%f0%28%8c%28", [404]],
    ["/jobs?limit=%ff", [200, 400]]
  ]
  for (const [target, allowed] of strange)
    it(`${target} is no way round`, async () => {
      const said = await line(signed("GET", target, "", close)).closed
      const [status = 0] = statuses(said)
      expect(allowed).toContain(status)
      expect(said).not.toMatch(/^X-Injected/im)
    })

  it("of a method that opens tunnels, or of another protocol, is closed", async () => {
    for (const bytes of ["CONNECT 169.254.169.254:80 HTTP/1.1\r\nHost: a\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"])
      expect(statuses(await line(bytes).closed).filter((status) => status < 400)).toEqual([])
  })

  it("without a host, or of HTTP/0.9, is told so", async () => {
    expect(statuses(await line("GET /health HTTP/1.1\r\n\r\n").closed)).toEqual([400])
    expect(statuses(await line("GET /health\r\n\r\n").closed)).toEqual([400])
  })
})

describe("a line that is slow", () => {
  /** A byte a moment, until it is closed. */
  const dripping = (one: Line, byte: string, everyMillis = 500) => {
    const drip = setInterval(() => one.socket.write(byte), everyMillis)
    return one.closed.finally(() => clearInterval(drip))
  }

  it("at its headers, at its body, or silent after a request, is let go of, and others do not notice", async () => {
    const from = performance.now()
    const ended = async (closed: Promise<string>) =>
      [statuses(await closed), (performance.now() - from) / 1_000] as const
    const heads = line("GET /health HTTP/1.1\r\nHost: here\r\nX-Slow: ")
    const body = line(signed("POST", "/execute", program, "Content-Length: 1000\r\n", false).slice(0, -program.length))
    const ends = Promise.all([ended(dripping(heads, "a")), ended(dripping(body, " "))])
    const meanwhile = await request(server, "POST", "/execute", { body: program })
    expect(meanwhile.json).toMatchObject({ stdout: "ran\n" })
    const [[headStatus, headAfter], [bodyStatus, bodyAfter]] = await ends
    expect([headStatus, bodyStatus]).toEqual([[408], [408]])
    expect(headAfter).toBeLessThan(20)
    expect(bodyAfter).toBeLessThan(40)
  }, 60_000)
})

it("more requests under way on one line than anybody sends are the end of that line alone", async () => {
  const sleeping = JSON.stringify({ language: "bash", code: "sleep 5" })
  const many = line(signed("POST", "/execute", sleeping) + "GET /health HTTP/1.1\r\nHost: here\r\n\r\n".repeat(200))
  expect(await many.closed).toBe("")
  const one = "GET /languages HTTP/1.1\r\nHost: here\r\n\r\n"
  const few = line(one.repeat(20) + one.replace("\r\n\r\n", `\r\n${close}\r\n`))
  expect(statuses(await few.closed)).toHaveLength(21)
}, 30_000)
