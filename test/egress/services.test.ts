/** Verifies: marked variables from inside real services, which never have the values; sessions on the same way out. */
import { execFileSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, type Scope } from "effect"
import { describe, expect } from "vitest"
import { home } from "../../src/cli/Home.js"
import { request } from "../support/client.js"
import { eventually } from "../support/eventually.js"
import { live } from "../support/it.js"
import { membranesOf, spawnerOf } from "../support/leftovers.js"
import { type Server, startServer } from "../support/server.js"
import { nameserver } from "./nameserver.js"
import { type Outside, outsideAs } from "./outside.js"
import { identity, roots } from "./secured.js"

const SECRET = "s3cr3t-value/of+the=owner"
const PROGRAM = join(home, "bin", "unsandbox.mjs")

interface There {
  readonly outside: Outside
  /** Those of the API. */
  readonly server: () => Server
  /** Killed, and started again over the same directory. */
  readonly again: Effect.Effect<void>
}

const directory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "unsandbox-test-"))),
  (path) =>
    Effect.promise(async () => {
      const left = spawnerOf(path)
      if (left !== undefined) process.kill(left, "SIGTERM")
      await eventually("nothing is left", () => membranesOf(path).length === 0)
      rmSync(path, { recursive: true, force: true })
    })
)

/** A server whose proxy believes the test's authority, and hosts outside that have certificates of it. */
const there: Effect.Effect<There, never, Scope.Scope> = Effect.gen(function* () {
  const outside = yield* outsideAs(identity("api.example"), identity("other.example"))
  const dns = yield* nameserver((name) => (name.endsWith(".example") ? [outside.address] : []))
  const data = yield* directory
  const believed = join(data, "believed.pem")
  writeFileSync(believed, roots)
  const args = ["--memory-per-vcpu", "256MiB", "--reserve", "256MiB", "--egress-resolvers", dns.address]
  const start = () => startServer({ data, pool: "1,semitrusted=2:6", args, env: { NODE_EXTRA_CA_CERTS: believed } })
  let server = yield* Effect.promise(start)
  yield* Effect.addFinalizer(() => Effect.promise(() => server.stop()))
  execFileSync(process.execPath, [PROGRAM, "egress", "allow", outside.address, "--data", data])
  const again = Effect.promise(async () => {
    await server.kill("SIGKILL")
    server = await start()
  })
  return { outside, server: () => server, again }
})

const on = (server: () => Server) => {
  const ask = (method: string, path: string, body?: object) =>
    request(server(), method, path, body === undefined ? {} : { body })
  const made = async (body: object) => {
    const answer = await ask("POST", "/services", body)
    if (answer.status > 201) throw new Error(answer.text)
    const id = String(answer.json.id)
    await eventually(`${id} runs`, async () => (await ask("GET", `/services/${id}`)).json.state === "running")
    return id
  }
  const runs = async (id: string, command: string) => {
    const answer = await ask("POST", `/services/${id}/execute`, { command })
    return `${String(answer.json.stdout)}${String(answer.json.stderr)}`
  }
  return { ask, made, runs }
}

const marked = (port: number, more: object = {}) => ({
  bootstrap: "env > /srv/started; sleep infinity",
  network_mode: "semitrusted",
  env: { PLAIN: "plain", TOKEN: { value: SECRET, egress: [`api.example:${port}`] } },
  ...more
})

const PLACEHOLDER = /^unsandbox-egress-[0-9a-f]{32}$/

const curl = (url: string, header = "X-Token: $TOKEN") => `curl -sS -m 20 -H "${header}" "${url}" 2>&1`
const python = (url: string) => `/usr/bin/python3 -c '
import os, sys, urllib.request as u
q = u.Request(sys.argv[1], headers={"X-Token": os.environ["TOKEN"]}, data=os.environ["TOKEN"].encode())
print(u.urlopen(q, timeout=20).read().decode())' "${url}" 2>&1`
const node = (url: string) => `node -e '
const tls = require("node:tls"), http = require("node:http"), to = new URL(process.argv[1])
http.request({ host: "127.0.0.1", port: 3128, method: "CONNECT", path: to.host }).on("connect", (_, socket) => {
  const over = tls.connect({ socket, servername: to.hostname }, () =>
    over.write("GET / HTTP/1.1\\r\\nHost: " + to.host + "\\r\\nX-Token: " + process.env.TOKEN + "\\r\\n\\r\\n"))
  over.pipe(process.stdout)
}).end()' "${url}" 2>&1`

describe("a service", () => {
  live(
    "sends what is marked to its host, without ever having it",
    () =>
      Effect.gen(function* () {
        const { again, outside, server } = yield* there
        const { ask, made, runs } = on(server)
        const [mine = 0, other = 0] = outside.https
        const body = async () => {
          const id = await made(marked(mine))
          const token = (await runs(id, "printf %s $TOKEN")).trim()
          expect(token).toMatch(PLACEHOLDER)
          // Nothing of it in what runs there, in what that wrote, or in what a program can look at.
          const inside = await runs(id, "cat /proc/[0-9]*/environ /srv/started; env; grep -r s3cr3t /tmp /srv /home")
          expect(inside).toContain(`TOKEN=${token}`)
          expect(inside).toContain("PLAIN=plain")
          expect(inside).not.toContain("s3cr3t")

          const to = `https://api.example:${mine}`
          for (const [program, command] of [
            ["curl", curl(`${to}/x?t=$TOKEN`)],
            ["/usr/bin/python3", python(to)],
            ["node", node(to)],
            ["curl", curl(`http://api.example:${mine}/`)]
          ] as const) {
            if (!(await runs(id, `command -v ${program}`)).startsWith("/")) continue
            const said = await runs(id, command)
            expect(outside.requests().at(-1)?.headers["x-token"], `${program}: ${said}`).toBe(SECRET)
            expect(said).toContain(token)
            expect(said).not.toContain("s3cr3t")
          }
          expect(outside.requests()[0]?.url).toBe(`/x?t=${encodeURIComponent(SECRET)}`)

          // Another host has its own certificate, which nothing inside believes in this test, and gets a word.
          await runs(id, `${curl(`https://other.example:${other}/$TOKEN`)} -k`)
          expect(outside.requests().at(-1)).toMatchObject({ url: `/${token}`, headers: { "x-token": token } })
          await runs(id, curl(`http://other.example:${outside.http}/$TOKEN`))
          expect(outside.requests().at(-1)).toMatchObject({ url: `/${token}`, headers: { "x-token": token } })

          const neighbour = await made(
            marked(mine, { env: { OWN: { value: "own-secret", egress: [`api.example:${mine}`] } } })
          )
          await runs(neighbour, `export TOKEN=${token}; ${curl(`${to}/$OWN`)}`)
          expect(outside.requests().at(-1)).toMatchObject({ url: "/own-secret", headers: { "x-token": token } })
          return { id, token, to }
        }
        const { id, to, token } = yield* Effect.promise(body)

        yield* again
        const adopted = async () => {
          await eventually("it can be asked", async () => (await runs(id, "echo yes")) === "yes\n")
          expect(await runs(id, "cat /srv/started; cat /proc/[0-9]*/environ")).toContain(`TOKEN=${token}`)
          expect(await runs(id, "printf %s $TOKEN")).toBe(token)
          const said = await runs(id, curl(`${to}/after`))
          expect(outside.requests().at(-1), said).toMatchObject({ url: "/after", headers: { "x-token": SECRET } })
          expect(said).toContain(token)

          // Put anew while it runs: what leaves from now on is that; and taken out, nothing is.
          const env = { TOKEN: { value: "another-value", egress: [`api.example:${mine}`] } }
          expect((await ask("PUT", `/services/${id}/env`, { env })).status).toBe(200)
          await runs(id, `export TOKEN=${token}; ${curl(`${to}/anew`)}`)
          expect(outside.requests().at(-1)).toMatchObject({ url: "/anew", headers: { "x-token": "another-value" } })
          await ask("DELETE", `/services/${id}/env`)
          await runs(id, `export TOKEN=${token}; ${curl(`${to}/out`)} -k`)
          expect(outside.requests().at(-1)).toMatchObject({ url: "/out", headers: { "x-token": token } })
        }
        yield* Effect.promise(adopted)
      }),
    180_000
  )

  live(
    "tells which variables are marked and no value, and is not made where nothing could be put in",
    () =>
      Effect.gen(function* () {
        const { server } = yield* there
        const { ask, made } = on(server)
        const body = async () => {
          const id = await made(marked(443))
          const env = `/services/${id}/env`
          const shown = await ask("GET", env)
          expect(shown.json).toMatchObject({
            names: ["PLAIN", "TOKEN"],
            egress: { TOKEN: ["api.example:443"] },
            env: {}
          })
          expect(shown.text).not.toContain("s3cr3t")
          expect((await ask("POST", `${env}/export`)).json.env).toBe(`PLAIN=plain\nTOKEN=${SECRET}\n`)
          await ask("DELETE", env, { keys: ["PLAIN"] })
          expect((await ask("GET", env)).json).toMatchObject({
            names: ["TOKEN"],
            egress: { TOKEN: ["api.example:443"] }
          })
          const plain = await made({ bootstrap: "sleep infinity" })
          const refused = [
            await ask("POST", "/services", marked(443, { network_mode: "zerotrust" })),
            await ask("PUT", `/services/${plain}/env`, { env: marked(443).env })
          ]
          for (const { status, text } of refused) {
            expect(status, text).toBe(400)
            expect(text).toContain("semitrusted")
          }
          const wrong = { env: { TOKEN: { value: SECRET, egress: ["*"] } } }
          expect((await ask("PUT", env, wrong)).text).toContain("api.example.com")
        }
        yield* Effect.promise(body)
      }),
    120_000
  )
})

describe("the way out", () => {
  live(
    "leads services and sessions to what the operator opened, as it does programs",
    () =>
      Effect.gen(function* () {
        const { outside, server } = yield* there
        const { ask, made, runs } = on(server)
        const url = (path: string) => `http://outside.example:${outside.http}/${path}`
        const body = async () => {
          const boot = `curl -sS -m 20 ${url("bootstrap")} > /srv/said; sleep infinity`
          const id = await made({ bootstrap: boot, network_mode: "semitrusted" })
          await eventually("its bootstrap got an answer", async () =>
            (await runs(id, "cat /srv/said")).includes("/bootstrap")
          )
          expect(await runs(id, `curl -sS -m 20 ${url("service")}`)).toContain(`"url":"/service"`)
          const session = await ask("POST", "/sessions", { network_mode: "semitrusted" })
          expect(session.status, session.text).toBeLessThan(300)
          const command = `curl -sS -m 20 ${url("session")}; curl -sS -m 20 -o /dev/null -w '%{http_code}' http://169.254.169.254/`
          const ran = await ask("POST", `/sessions/${String(session.json.id)}/execute`, { command })
          expect(ran.text).toContain("/session")
          expect(String(ran.json.stdout ?? ran.json.output)).toMatch(/403$/)
          const inside = outside.requests().map(({ url }) => url)
          expect(inside).toEqual(["/bootstrap", "/service", "/session"])
          const closed = await ask("POST", "/sessions", {})
          const none = await ask("POST", `/sessions/${String(closed.json.id)}/execute`, {
            command: `curl -sS -m 5 ${url("no")}`
          })
          expect(none.text).not.toContain(`"url"`)
          expect(outside.requests()).toHaveLength(3)
        }
        yield* Effect.promise(body)
      }),
    120_000
  )
})
