/** Somebody outside: a server in a network namespace of its own, joined to this host by a pair of interfaces. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { Effect } from "effect"

export interface Request {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Of a host: PEM. */
export interface Identity {
  readonly key: string
  readonly cert: string
}

export interface Outside {
  readonly address: string
  /** Answers HTTP with the request line and its headers as JSON. */
  readonly http: number
  /** Gives back what it gets. */
  readonly echo: number
  readonly udp: number
  /** Each answers as `http` does, with the certificate that it was given. */
  readonly https: ReadonlyArray<number>
  /** In a namespace of its own: a container has no route to it. */
  readonly apart: boolean
  /** What `http` and `https` were asked, in order. */
  readonly requests: () => ReadonlyArray<Request>
  /** Every connection and datagram that ever arrived there. */
  readonly arrived: () => number
}

const program = `
const http = require("node:http"), https = require("node:https"), net = require("node:net"), dgram = require("node:dgram")
const [, address, identities] = process.argv
const say = (what) => process.stdout.write(what + "\\n")
const seen = () => say("arrived")
const answer = async (q, a) => {
  let body = ""
  for await (const piece of q.setEncoding("latin1")) body += piece
  const { method, url, headers } = q
  say("request " + JSON.stringify({ method, url, headers, body }))
  a.end(JSON.stringify({ method, url, headers, body }))
}
const web = http.createServer(answer)
const echo = net.createServer((socket) => socket.on("error", () => {}).pipe(socket))
const secure = JSON.parse(identities).map((identity) => https.createServer(identity, answer))
for (const server of [web, echo, ...secure]) server.on("connection", seen)
const udp = dgram.createSocket("udp4").on("message", seen)
const listening = (server) => new Promise((resolve) => server.listen(0, address, () => resolve(server.address().port)))
const main = async () => {
  await new Promise((resolve) => udp.bind(0, address, resolve))
  const ports = { http: await listening(web), echo: await listening(echo), udp: udp.address().port }
  say("ports " + JSON.stringify({ ...ports, https: await Promise.all(secure.map(listening)) }))
}
main()
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

const lines = (said: string, kind: string): ReadonlyArray<string> =>
  said.split("\n").flatMap((line) => (line.startsWith(`${kind} `) ? [line.slice(kind.length + 1)] : []))

type Ports = Pick<Outside, "http" | "https" | "echo" | "udp">

const started = ({ address, within }: Place, identities: ReadonlyArray<Identity>) =>
  Effect.promise(async () => {
    const argv = [...within, process.execPath, "-e", program, address, JSON.stringify(identities)]
    const child = spawn(argv[0] ?? "", argv.slice(1), { stdio: ["pipe", "pipe", "inherit"] })
    let said = ""
    child.stdout.on("data", (bytes: Buffer) => {
      said += bytes.toString()
    })
    while (!/^ports .*\n/m.test(said)) await once(child.stdout, "data", { signal: AbortSignal.timeout(10_000) })
    const ports: Ports = JSON.parse(lines(said, "ports")[0] ?? "")
    const arrived = () => said.split("arrived\n").length - 1
    const requests = () => lines(said, "request").map((one): Request => JSON.parse(one))
    return { child, outside: { address, ...ports, apart: within.length > 0, arrived, requests } satisfies Outside }
  })

const ended = (child: ChildProcess) =>
  Effect.promise(async () => {
    if (child.exitCode !== null) return
    child.kill()
    await once(child, "exit")
  })

/** With a server for each of these identities. */
export const outsideAs = (...identities: ReadonlyArray<Identity>) =>
  Effect.flatMap(place, (found) =>
    Effect.map(
      Effect.acquireRelease(started(found, identities), ({ child }) => ended(child)),
      ({ outside }) => outside
    )
  )

export const outside = outsideAs()
