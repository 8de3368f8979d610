/** The contract's logs, and what no part of this server does, against the real server and real containers. */
import { connect } from "node:net"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type Ask, credentials, request } from "../support/client.js"
import { eventually } from "../support/eventually.js"
import { type Server, startServer } from "../support/server.js"

let server: Server
beforeAll(async () => {
  server = await startServer({ pool: 2 })
}, 120_000)
afterAll(() => server?.stop(), 60_000)

const ask = (method: string, path: string, more: Ask = {}) => request(server, method, path, more)
const bash = async (code: string) => {
  const { json } = await ask("POST", "/execute", { body: { language: "bash", code } })
  return String(json.job_id)
}

describe("logs", () => {
  it("tell what became of a program, in each of their forms", async () => {
    const job = await bash("exit 3")
    const forms = [
      await ask("GET", "/logs?source=api&lines=50&since=5m"),
      await ask("GET", "/paas/logs?source=all"),
      await ask("POST", "/paas/logs", { body: { source: "all", lines: 50, since: "5m", grep: job } })
    ]
    for (const { json, status, text } of forms) {
      expect(status, text).toBe(200)
      const line = expect.stringMatching(
        new RegExp(`^20\\S+Z ERROR job ${job} finished status=failed cause=exit exit_code=3`)
      )
      const timestamp = expect.stringMatching(/^20\S+Z$/)
      expect(json.logs).toContainEqual({ source: "api", line, timestamp, level: "error" })
      expect(json.lines).toEqual(json.logs)
      expect(text).not.toMatch(/:null|": /)
    }
    const filtered = await ask("GET", `/logs?level=error&grep=${job}`)
    expect(filtered.json.count).toBe(1)
  })

  it("of the portal are signed without their query", async () => {
    const all = await ask("GET", "/logs/all?lines=10&since=5m&grep=&level=", { sign: { path: "/logs/all" } })
    expect(all).toMatchObject({ status: 200, json: { sources: ["api", "portal"] } })
    const one = await ask("GET", "/logs/api?lines=10", { sign: { path: "/logs/api" } })
    expect(one.json.lines).toEqual(expect.arrayContaining([expect.stringContaining(" job ")]))
  })

  it("of everybody's containers are an operator's", async () => {
    for (const path of ["/logs/pool/cammy", "/logs/pool/cammy/stream", "/logs?source=pool/cammy"])
      expect(await ask("GET", path), path).toMatchObject({ status: 403, json: { error: "operator_required" } })
    expect((await ask("GET", "/logs/elsewhere")).status).toBe(404)
    expect((await ask("GET", "/logs", { sign: false })).status).toBe(401)
  })

  it("are followed as server-sent events", async () => {
    const path = "/paas/logs/stream?source=api&grep=finished"
    const { hostname, port } = new URL(server.url)
    const socket = connect(Number(port), hostname)
    let got = ""
    socket.on("data", (chunk) => {
      got += chunk.toString()
    })
    const head = Object.entries(credentials(server, "GET", path, Buffer.alloc(0)))
    const lines = head.map(([name, value]) => `${name}: ${value}\r\n`).join("")
    socket.write(`GET ${path} HTTP/1.1\r\nHost: here\r\n${lines}\r\n`)
    try {
      await eventually("it begins", () => got.includes(":keepalive\n\n"))
      expect(got).toMatch(/^HTTP\/1\.1 200 [\s\S]*content-type: text\/event-stream/i)
      const job = await bash("printf 'two\\nlines\\n\\ndata: {}'")
      await eventually("it is told", () => got.includes(job))
      const [event] = [...got.matchAll(/^data: (.*)$/gm)].map(([, data = ""]): unknown => JSON.parse(data))
      expect(event).toMatchObject({ source: "api", line: expect.stringContaining(`${job} finished status=completed`) })
    } finally {
      socket.destroy()
    }
  })
})

describe("what no part of this server does", () => {
  it("is said", async () => {
    const drawn = await ask("POST", "/image", { body: { prompt: "x", size: "1024x1024", quality: "hd", n: 1 } })
    expect(drawn).toMatchObject({
      status: 501,
      json: { error: "not_implemented", code: "NOT_IMPLEMENTED", details: {} }
    })
    const page = await ask("GET", `/keys/extend?pk=${server.publicKey}`, { sign: false })
    expect(page).toMatchObject({ status: 200, text: expect.stringContaining(server.publicKey) })
  })

  it("names the methods that a path does answer", async () => {
    for (const [method, path, allow] of [
      ["DELETE", "/logs", "GET, HEAD"],
      ["PUT", "/paas/logs", "GET, HEAD, POST"],
      ["GET", "/image", "POST"],
      ["POST", "/keys/extend", "GET, HEAD"]
    ] as const) {
      const { headers, json, status } = await ask(method, path)
      expect([status, json.error, headers.allow], path).toEqual([405, "method_not_allowed", allow])
    }
  })
})
