/** A server that may open few files, and visitors of its services who would have them all: it lives, and answers everybody else. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readdirSync, rmSync } from "node:fs"
import { request as open } from "node:http"
import { connect, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest"
import { home } from "../../src/cli/Home.js"
import { type Ask, request, type Target } from "../support/client.js"
import { eventually } from "../support/eventually.js"
import { cgroupsOf, spawnerOf } from "../support/leftovers.js"

const FILES = 700
/** More than there may be files. */
const CROWD = 900

const data = mkdtempSync(join(tmpdir(), "unsandbox-few-"))
let child: ChildProcess
let server: Target
let said = ""

beforeAll(async () => {
  const argv = ["serve", "--json", "--port", "0", "--proxy-port", "0", "--data", data, "--pool", "zerotrust=2"]
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("UNSANDBOX_")))
  const program = [process.execPath, join(home, "bin", "unsandbox.mjs"), ...argv, "--confirm", "off"]
  child = spawn("sh", ["-c", `ulimit -n ${FILES}; exec "$@"`, "sh", ...program], {
    stdio: ["ignore", "pipe", "pipe"],
    env
  })
  let line = ""
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    line += text
  })
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-8_192)
  })
  await eventually("it listens", () => line.includes("\n") || child.exitCode !== null, 60_000)
  const { listening, public_key, secret_key } = JSON.parse(line)
  server = { url: listening, publicKey: public_key, secretKey: secret_key }
}, 90_000)

afterAll(async () => {
  if (child.exitCode === null && child.signalCode === null) {
    const gone = once(child, "exit")
    child.kill("SIGTERM")
    await gone
  }
  const spawner = spawnerOf(data)
  if (spawner !== undefined) process.kill(spawner, "SIGTERM")
  await eventually("nothing is left", () => cgroupsOf(data).length === 0)
  rmSync(data, { recursive: true, force: true })
}, 60_000)

const ask = (method: string, path: string, more: Ask = {}) => request(server, method, path, more)

const bootstrap = `exec perl -MIO::Socket::INET -e '
  my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => $ENV{PORT}, Listen => 99, ReuseAddr => 1) or die $!;
  while (my $c = $s->accept) { while (<$c>) { last if /^\\r?$/ } print $c "HTTP/1.0 200 OK\\r\\n\\r\\nhello"; close $c }'`

/** What it answers, or why nothing came. */
const visit = ({ host, port }: URL): Promise<string> =>
  new Promise((resolve) => {
    const sent = open({ host: "127.0.0.1", port, path: "/", headers: { host }, agent: false }, (answer) => {
      let text = ""
      answer.setEncoding("utf8").on("data", (more: string) => {
        text += more
      })
      answer.on("end", () => resolve(text))
    })
    sent.on("error", (error) => resolve(error.message)).end()
  })

/** Idle ones, each opened anew when it is closed; the result ends them. */
const crowd = (port: number) => {
  const sockets = new Set<Socket>()
  const closed = { times: 0 }
  let over = false
  const come = () => {
    if (over) return
    const socket = connect({ host: "127.0.0.1", port }).on("error", () => undefined)
    sockets.add(socket)
    socket.on("close", () => {
      sockets.delete(socket)
      closed.times += 1
      setTimeout(come, 100)
    })
  }
  for (let nth = 0; nth < CROWD; nth += 1) come()
  const leave = () => {
    over = true
    for (const socket of sockets) socket.destroy()
  }
  onTestFinished(leave)
  return { closed, leave }
}

const openFiles = () => readdirSync(`/proc/${child.pid}/fd`).length

it("does not end by them, and serves on", async () => {
  const made = await ask("POST", "/services", { body: { name: "few", ports: [8080], bootstrap } })
  expect(made.status, made.text).toBe(201)
  const url = new URL(String(made.json.url))
  await eventually("it is visited", async () => (await visit(url)) === "hello", 20_000)
  const { closed, leave } = crowd(Number(url.port))
  await eventually("they are too many", () => closed.times > 3 * CROWD, 20_000)
  expect(openFiles()).toBeLessThan(FILES * 0.75)
  expect((await ask("GET", "/health", { sign: false })).status).toBe(200)
  const ran = await ask("POST", "/execute", { body: { language: "bash", code: "echo fine" } })
  expect(ran.json, said).toMatchObject({ stdout: "fine\n" })
  // A tool of the host packs what it is a snapshot of.
  const snapshot = await ask("POST", `/services/${String(made.json.id)}/snapshot`, { body: {} })
  expect(snapshot.status, snapshot.text).toBeLessThan(300)
  leave()
  await eventually("it is visited again", async () => (await visit(url)) === "hello", 20_000)
  expect(child.exitCode).toBeNull()
}, 90_000)
