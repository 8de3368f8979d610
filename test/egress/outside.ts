/** Somebody outside: a server in a network namespace of its own, joined to this host by a pair of interfaces. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { Effect } from "effect"

export interface Outside {
  readonly address: string
  /** Answers HTTP with the request line and its headers as JSON. */
  readonly http: number
  /** Gives back what it gets. */
  readonly echo: number
  readonly udp: number
  /** In a namespace of its own: a container has no route to it. */
  readonly apart: boolean
  /** Every connection and datagram that ever arrived there. */
  readonly arrived: () => number
}

const program = `
const http = require("node:http"), net = require("node:net"), dgram = require("node:dgram")
const address = process.argv[1]
const seen = () => process.stdout.write("arrived\\n")
const web = http.createServer((q, a) => a.end(JSON.stringify({ method: q.method, url: q.url, headers: q.headers })))
const echo = net.createServer((socket) => socket.on("error", () => {}).pipe(socket))
for (const server of [web, echo]) server.on("connection", seen)
const udp = dgram.createSocket("udp4").on("message", seen)
web.listen(0, address, () => echo.listen(0, address, () => udp.bind(0, address, () =>
  process.stdout.write(JSON.stringify(Object.fromEntries(
    Object.entries({ http: web, echo, udp }).map(([name, server]) => [name, server.address().port]))) + "\\n"))))
process.stdin.on("close", () => process.exit()).resume()
`

const ip = (...words: ReadonlyArray<string>): boolean => spawnSync("ip", words, { stdio: "ignore" }).status === 0

interface Place {
  readonly address: string
  /** What a command is run by, to be there. */
  readonly within: ReadonlyArray<string>
}

const name = `unsb-test-${process.pid}`
const [near, far] = [`ut${process.pid % 10_000_000}a`, `ut${process.pid % 10_000_000}b`]
const subnet = `10.213.${process.pid % 250}`

const leave = () => {
  ip("link", "del", near)
  ip("netns", "del", name)
}

/** Where namespaces cannot be made, another address of the loopback is as closed to containers as a private network. */
const place = Effect.acquireRelease(
  Effect.sync((): Place => {
    const steps = [
      ["netns", "add", name],
      ["link", "add", near, "type", "veth", "peer", "name", far, "netns", name],
      ["addr", "add", `${subnet}.1/30`, "dev", near],
      ["link", "set", near, "up"],
      ["-n", name, "addr", "add", `${subnet}.2/30`, "dev", far],
      ["-n", name, "link", "set", far, "up"]
    ]
    if (steps.every((step) => ip(...step))) return { address: `${subnet}.2`, within: ["ip", "netns", "exec", name] }
    leave()
    return { address: "127.77.0.1", within: [] }
  }),
  () => Effect.sync(leave)
)

const started = ({ address, within }: Place) =>
  Effect.promise(async () => {
    const argv = [...within, process.execPath, "-e", program, address]
    const child = spawn(argv[0] ?? "", argv.slice(1), { stdio: ["pipe", "pipe", "inherit"] })
    let said = ""
    child.stdout.on("data", (bytes: Buffer) => {
      said += bytes.toString()
    })
    while (!said.includes("}\n")) await once(child.stdout, "data", { signal: AbortSignal.timeout(10_000) })
    const ports: Pick<Outside, "http" | "echo" | "udp"> = JSON.parse(/\{.*\}/.exec(said)?.[0] ?? "")
    const arrived = () => said.split("arrived\n").length - 1
    return { child, outside: { address, ...ports, apart: within.length > 0, arrived } satisfies Outside }
  })

const ended = (child: ChildProcess) =>
  Effect.promise(async () => {
    if (child.exitCode !== null) return
    child.kill()
    await once(child, "exit")
  })

export const outside = Effect.flatMap(place, (found) =>
  Effect.map(
    Effect.acquireRelease(started(found), ({ child }) => ended(child)),
    ({ outside }) => outside
  )
)
