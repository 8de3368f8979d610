/** The API behind its own certificate: who speaks something else, or nothing, is let go of; renewal needs no restart. */
import { execFileSync, spawnSync } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { type RequestOptions, request as secureRequest } from "node:https"
import { connect as plainConnect, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import WebSocket from "ws"
import { type Pair, pairIn, renew } from "../support/certificates.js"
import { type Answer, answerOf, bytesOf, credentials } from "../support/client.js"
import { eventually } from "../support/eventually.js"
import { type Server, startServer } from "../support/server.js"

const directory = mkdtempSync(join(tmpdir(), "unsandbox-test-"))
let server: Server
let pair: Pair
let ca: Buffer

beforeAll(async () => {
  pair = pairIn(directory, "api")
  ca = readFileSync(pair.cert)
  server = await startServer({ pool: 1, args: ["--tls-cert", pair.cert, "--tls-key", pair.key, "--proxy-tls"] })
}, 60_000)
afterAll(async () => {
  await server.stop()
  rmSync(directory, { recursive: true, force: true })
})

const place = () => ({ host: "127.0.0.1", port: Number(new URL(server.url).port) })

const ask = (method: string, path: string, body?: object, more: RequestOptions = {}): Promise<Answer> => {
  const bytes = bytesOf(body)
  const headers = { ...credentials(server, method, path, bytes), "content-length": String(bytes.length) }
  const sent = secureRequest(new URL(path, server.url), { method, headers, ca, agent: false, ...more })
  const answer = answerOf(sent)
  sent.end(bytes)
  return answer
}

/** The connection once hands are shaken, or why they were not. */
const shaken = (options: ConnectionOptions): Promise<TLSSocket | string> =>
  new Promise((resolve) => {
    const socket = connect({ ...place(), ca, ...options }, () => resolve(socket))
    socket.on("error", (error: Error & { readonly code?: string }) => resolve(error.code ?? error.message))
  })

const gone = (socket: Socket): Promise<string> =>
  new Promise((resolve) => {
    let said = ""
    socket.on("data", (chunk) => {
      said += String(chunk)
    })
    socket.on("error", () => undefined)
    socket.on("close", () => resolve(said))
  })

const openFiles = () => readdirSync(`/proc/${server.pid}/fd`).length

describe("over TLS", () => {
  it("a program runs, and the address says how", async () => {
    expect(server.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/)
    const { json, status } = await ask("POST", "/execute", { language: "bash", code: "echo safe" })
    expect([status, json.stdout]).toEqual([200, "safe\n"])
  })

  it("this project's own client works once it trusts the certificate, and not before", () => {
    const code = `import { ask } from "./dist/src/cli/Client.js"; import { Effect } from "effect"
      const [url, publicKey, secretKey] = process.argv.slice(1)
      const told = await Effect.runPromise(Effect.either(ask({ url, publicKey, secretKey }, { method: "GET", path: "/keys/self" })))
      console.log(told._tag === "Right" ? told.right.status : "refused")`
    const told = (env: NodeJS.ProcessEnv) =>
      execFileSync(
        process.execPath,
        ["--input-type=module", "-e", code, server.url, server.publicKey, server.secretKey],
        { env: { ...process.env, ...env }, encoding: "utf8" }
      ).trim()
    expect(told({ NODE_EXTRA_CA_CERTS: pair.cert })).toBe("200")
    expect(told({})).toBe("refused")
  })

  it("a terminal is a WebSocket at wss", async () => {
    const { json } = await ask("POST", "/sessions", { shell: "bash" })
    expect(String(json.websocket_url)).toMatch(/^wss:\/\/127\.0\.0\.1:\d+\//)
    const socket = new WebSocket(String(json.websocket_url), "unsandbox-shell", { ca })
    let shown = ""
    socket.on("message", (data) => {
      shown += String(data)
    })
    await new Promise((resolve, reject) => socket.on("open", resolve).on("error", reject))
    socket.send(Buffer.from("echo $((6*7))x\n"))
    await eventually("it answers", () => shown.includes("42x"))
    socket.close()
    expect((await ask("DELETE", `/sessions/${String(json.id)}`)).status).toBe(200)
  }, 30_000)

  it("only versions and protocols of today are spoken", async () => {
    expect(await shaken({ minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" })).toMatch(/^E/)
    expect(await shaken({ ALPNProtocols: ["h2"] })).toMatch(/^E/)
    for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
      const socket = await shaken({ minVersion: version, maxVersion: version, ALPNProtocols: ["h2", "http/1.1"] })
      if (typeof socket === "string") throw new Error(socket)
      expect([socket.getProtocol(), socket.alpnProtocol]).toEqual([version, "http/1.1"])
      socket.destroy()
    }
  })

  it("visitors of services come in over it too", async () => {
    const { json } = await ask("POST", "/services", { name: "web", ports: [8000], bootstrap: "sleep 60" })
    const url = new URL(String(json.url))
    expect(url.protocol).toBe("https:")
    const sent = secureRequest({ ...place(), port: url.port, path: "/", headers: { host: "nobody.on.localhost" }, ca })
    const answer = answerOf(sent)
    sent.end()
    expect((await answer).status).toBe(404)
  }, 30_000)
})

describe("what is no handshake", () => {
  it("is closed: plain HTTP, noise, and half a handshake that is given up", async () => {
    const noises = [
      "GET /health HTTP/1.1\r\nHost: here\r\n\r\n",
      "\0\0\0\0",
      "\x16\x03\x01\xff\xff",
      "x".repeat(100_000)
    ]
    for (const noise of noises) {
      const socket = plainConnect(place())
      const closed = gone(socket)
      socket.write(noise, "latin1")
      if (noise.startsWith("\x16")) socket.end()
      // An alert at most: nothing that a server of plain HTTP would say.
      expect(await closed).not.toContain("HTTP")
    }
    expect((await ask("GET", "/health")).status).toBe(200)
  }, 30_000)

  it("is waited for no longer than ten seconds, and so is what follows one", async () => {
    const before = openFiles()
    const silent = Array.from({ length: 100 }, () => plainConnect({ ...place(), allowHalfOpen: true }))
    for (const [number, socket] of silent.entries()) {
      socket.on("error", () => undefined)
      if (number % 2 === 0) socket.write(Buffer.from([0x16, 3, 1, 2, 0, 1]))
    }
    const mute = await Promise.all(Array.from({ length: 20 }, () => shaken({})))
    await eventually("they are connected", () => openFiles() >= before + 100)
    await sleep(9_000)
    await eventually("they are gone", () => openFiles() < before + 20, 15_000)
    expect((await ask("GET", "/health")).status).toBe(200)
    for (const socket of [...silent, ...mute]) if (typeof socket !== "string") socket.destroy()
  }, 60_000)
})

it("a renewed certificate is presented without a restart, and a broken one is not", async () => {
  const presented = async () => {
    const socket = await shaken({ rejectUnauthorized: false })
    if (typeof socket === "string") return socket
    const name = String(socket.getPeerCertificate().subject.CN)
    socket.destroy()
    return name
  }
  const kept = await shaken({})
  renew(pair, { ...pairIn(directory, "renewed"), key: pair.key })
  await eventually("it is told", () => server.stderr().includes("stays in force"))
  expect(await presented()).toBe("api")
  renew(pair, { cert: join(directory, "renewed.pem"), key: join(directory, "renewed.key") })
  await eventually("it is presented", async () => (await presented()) === "renewed")
  expect((await ask("GET", "/health", undefined, { ca: readFileSync(pair.cert) })).status).toBe(200)
  if (typeof kept !== "string") kept.destroy()
}, 60_000)

describe("serve", () => {
  const serve = (...args: ReadonlyArray<string>) => {
    const data = join(directory, "never")
    const argv = ["bin/unsandbox.mjs", "serve", "--json", "--port", "0", "--data", data, ...args]
    const { status, stderr, stdout } = spawnSync(process.execPath, argv, { encoding: "utf8", timeout: 20_000 })
    expect(stdout).toBe("")
    return { status, told: JSON.parse(stderr.trim().split("\n").at(-1) ?? "") }
  }

  it("wants both files, and says which is not good before it listens", () => {
    expect(serve("--tls-cert", pair.cert)).toMatchObject({ status: 2, told: { message: /tlsKey.*--tls-cert/ } })
    expect(serve("--tls-key", pair.key)).toMatchObject({ status: 2, told: { message: /tlsCert.*--tls-key/ } })
    expect(serve("--proxy-tls")).toMatchObject({ status: 2, told: { message: /proxyTls/ } })
    const other = pairIn(directory, "another")
    const told = { error: "CertificateRefused", message: expect.stringContaining(`${other.key}: it is not the key`) }
    expect(serve("--tls-cert", pair.cert, "--tls-key", other.key)).toEqual({ status: 1, told })
  }, 60_000)
})
