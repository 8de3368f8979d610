/** Whatever a caller writes stays one line of a log, one event of a stream, one row of a terminal, and drives none of them. */
import { execFileSync } from "node:child_process"
import { connect } from "node:net"
import { Cause, FiberId, FiberRefs, HashMap, List, LogLevel } from "effect"
import fc from "fast-check"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { stream } from "../../events/Envelope.js"
import { oneLine } from "../../src/cli/commands/Events.js"
import { draw } from "../../src/cli/commands/Tree.js"
import * as Output from "../../src/cli/Output.js"
import { escaped, quote } from "../../src/guards/Quote.js"
import * as EventStream from "../../src/http/wire/EventStream.js"
import { lineOf } from "../../src/projections/LogLine.js"
import { credentials, request } from "../support/client.js"
import { eventually } from "../support/eventually.js"
import * as H from "../support/history.js"
import { type Server, startServer } from "../support/server.js"

const nasty: ReadonlyArray<string> = [
  ...["\r", "\n", "\r\n", "\u2028", "\u2029", "\u0085", "\0", "\u000b", "\u000c", "\u001c", "\u007f", "\u009b31m"],
  ...[
    "\u001b[2J",
    "\u001b]0;title\u0007",
    "\u001b]52;c;ZXZpbA==\u001b\\",
    "\u001bP+q\u001b\\",
    "a\bb",
    "\u202egpj.exe"
  ],
  ...["\ud800", "\udfff", "a\udc00b", "\\", "\\n", "\\u000a", '"', "data: x\n\nevent: y", "id: 1\rretry: 1\r\r"],
  ...[":keepalive\n\n", "level=ERROR\ntimestamp=1", "x".repeat(65_536), `${"y".repeat(65_535)}\n${"z".repeat(10)}`]
]

const any = fc.oneof(
  fc.constantFrom(...nasty),
  fc.string({ unit: "binary", maxLength: 200 }),
  fc
    .array(fc.oneof(fc.constantFrom(...nasty), fc.string({ unit: "binary" })), { maxLength: 6 })
    .map((all) => all.join(""))
)

/** Where somebody's library ends a line: Unicode's places, not only those of the formats. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const ends = /\r\n|[\n\r\u000b\u000c\u001c-\u001e\u0085\u2028\u2029]/
const unseen = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u

const always = (holds: (text: string) => void) => {
  for (const text of nasty) holds(text)
  fc.assert(fc.property(any, holds), { numRuns: 500 })
}

describe("one", () => {
  it("document is one event, and means the same", () =>
    always((text) => {
      const frame = EventStream.event({ source: text, line: text })
      const [data = "", ...rest] = frame.split(ends)
      expect(rest).toEqual(["", ""])
      expect(data.startsWith("data: ")).toBe(true)
      expect(data).not.toMatch(unseen)
      expect(JSON.parse(data.slice(6))).toEqual({ source: text, line: text })
    }))

  it("event is one line of its owner's log", () =>
    always((text) => {
      const refused = { _tag: "Refused", point: "D11", principal: text, action: text, certainty: "refused" } as const
      const lines = [
        lineOf("decision", { ...refused, reason: text, count: 1 }),
        lineOf("key", { _tag: "KeySuspended", key: H.owner("ann-0001"), reason: text }),
        lineOf("job", H.finished(1, { reason: text }))
      ]
      for (const line of lines) expect(line?.text.split(ends)).toHaveLength(1)
    }))

  it("message is one line of the server's, and drives no terminal", () =>
    always((text) => {
      const said = Output.logger.log({
        fiberId: FiberId.none,
        logLevel: LogLevel.Error,
        message: [text, { text }],
        cause: Cause.die(new Error(text)),
        context: FiberRefs.empty(),
        spans: List.empty(),
        annotations: HashMap.make(["path", text], [text, text]),
        date: new Date(0)
      })
      expect(said).not.toMatch(unseen)
    }))

  it("row is one line of a terminal", () =>
    always((text) => {
      const event = { seq: 1, version: 1, schema: 1, at: 1, by: text, cause: text, trace: text, prev: "", hash: "" }
      const row = { ...event, stream: stream("job", "x"), type: "JobFinished", data: { [text]: text } }
      const shown = [
        oneLine(row),
        Output.table(["a"], [[text]])
          .split("\n")
          .slice(2)
          .join("\n")
      ]
      const node = { path: "root", kind: "worker", state: "running", restarts: 0, since: 0, detail: text }
      for (const line of [...shown, draw([node], 0)]) expect(Output.visible(line)).not.toMatch(unseen)
      expect(Output.visible(`${text}`).replace(/[\n\t]/g, "")).not.toMatch(unseen)
      expect(JSON.parse(Output.visible(JSON.stringify({ [text]: text })))).toEqual({ [text]: text })
    }))

  it("quotation is one word of a message", () =>
    always((text) => {
      expect(quote(text)).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]/u)
      expect(escaped(escaped(text))).toBe(escaped(text))
    }))
})

describe("a running server", () => {
  let server: Server
  beforeAll(async () => {
    server = await startServer({ pool: 2 })
  }, 60_000)
  afterAll(() => server.stop())

  const unsandbox = (...args: ReadonlyArray<string>) =>
    execFileSync("node", ["bin/unsandbox.mjs", ...args, "--data", server.data], { encoding: "utf8" })

  /** What comes until enough of it is there. */
  const followed = async (path: string, enough: (got: string) => boolean, meanwhile: () => Promise<unknown>) => {
    const { hostname, port } = new URL(server.url)
    const socket = connect(Number(port), hostname).setEncoding("utf8")
    let got = ""
    socket
      .on("error", () => undefined)
      .on("data", (text: string) => {
        got += text
      })
    const head = Object.entries(credentials(server, "GET", path, Buffer.alloc(0))).map(
      ([name, value]) => `${name}: ${value}`
    )
    socket.write(`GET ${path} HTTP/1.1\r\nhost: here\r\n${head.join("\r\n")}\r\n\r\n`)
    await eventually("it begins", () => got.includes("\r\n\r\n"))
    await meanwhile()
    await eventually(`enough of ${path}`, () => enough(got)).finally(() => socket.destroy())
    return got.slice(got.indexOf("\r\n\r\n") + 4).replace(/(?:^|\r\n)[0-9a-f]+\r\n/g, "")
  }

  const framesOf = (got: string) => {
    const all = got.split("\n\n").slice(0, -1)
    for (const frame of all) expect(frame).toMatch(/^(?::keepalive|data: \{.*\})$/)
    return all.flatMap((frame) => (frame.startsWith("data: ") ? [JSON.parse(frame.slice(6))] : []))
  }

  it("tells what a service prints line by line, whatever is in them", async () => {
    // What a program can print; half a surrogate is no UTF-8.
    const printed = nasty.filter((text) => text.isWellFormed())
    const content = Buffer.from(`${printed.map((text, at) => `${at}<${text}>`).join("\n")}\nlast\n`).toString("base64")
    const made = await request(server, "POST", "/services", {
      body: {
        name: "speaker",
        bootstrap: "sleep 1; cat /tmp/input/said 2>/dev/null || cat said; sleep 600",
        input_files: [{ filename: "said", content }]
      }
    })
    expect(made.status).toBeLessThan(300)
    const path = `/services/${String(made.json.id)}/logs?follow=1`
    const got = await followed(
      path,
      (text) => text.includes('"last"'),
      async () => undefined
    )
    const lines = framesOf(got).map(({ line }) => String(line))
    const wanted = printed
      .map((text, at) => `${at}<${text}>`)
      .join("\n")
      .split("\n")
    expect(lines.slice(0, wanted.length)).toEqual(wanted)
    const whole = await request(server, "GET", path.replace("?follow=1", ""))
    expect(whole.text.split(/[\r\n]/)).toHaveLength(1)
    expect(String(whole.json.log)).toContain(wanted.join("\n"))
  }, 60_000)

  it("tells callers, operators and its own log nothing on more than one line", async () => {
    const spoken = nasty.filter((text) => text.length < 1_000)
    const tried = async () => {
      for (const text of spoken) {
        const path = encodeURIComponent(Buffer.from(text).toString())
        await request(server, "GET", `/jobs/${path}`)
        await request(server, "GET", `/services/${path}`, { headers: { "x-request-id": path, "user-agent": path } })
        await request(server, "POST", "/services", { body: { name: text, bootstrap: "true" } })
        await request(server, "POST", "/execute", { body: { language: text, code: text, env: { [text]: text } } })
        await request(server, "POST", "/sessions", { body: { shell: text, name: text } })
        await request(server, "GET", `/logs?grep=${path}&source=${path}&level=${path}`)
      }
      unsandbox("keys", "create", "--label", "\u001b[2J\u009b31m\r\nunsb-pk-evil\u2028\u202e")
    }
    const got = await followed("/logs/stream", (text) => text.includes("D11"), tried)
    for (const { line } of framesOf(got)) expect(String(line)).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]/u)
    const seen = [
      unsandbox("events", "tail", "--once", "--last", "1000"),
      unsandbox("events", "tail", "--once", "--last", "1000", "--json"),
      unsandbox("tree"),
      unsandbox("keys", "list"),
      unsandbox("keys", "list", "--json"),
      server.stderr()
    ]
    for (const text of seen) expect(text.replaceAll("\n", "")).not.toMatch(unseen)
    expect(seen[0]).toContain("Refused")
    for (const row of (seen[1] ?? "").trim().split("\n")) expect(JSON.parse(row)).toHaveProperty("seq")
    for (const row of server.stderr().trim().split("\n").filter(Boolean)) expect(row).toMatch(/^timestamp=\S+ level=/)
  }, 60_000)

  it("says nothing of a caller's in the head of an answer but a sane request id", async () => {
    for (const text of nasty.filter((one) => one.length < 1_000)) {
      const id = encodeURIComponent(Buffer.from(text).toString())
      const { headers } = await request(server, "GET", `/jobs/${id}`, { headers: { "x-request-id": id } })
      for (const [name, value] of Object.entries(headers)) expect(String(value), name).not.toContain(id)
    }
  }, 60_000)
})
