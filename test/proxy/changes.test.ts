/** What its owner has just done to a service is what the very next visitor finds, against the real server. */
import { Effect } from "effect"
import { afterAll, beforeAll, expect, it } from "vitest"
import { type Ask, request } from "../support/client.js"
import { eventually } from "../support/eventually.js"
import { type Server, startServer } from "../support/server.js"
import { visit } from "./visitors.js"

let server: Server
beforeAll(async () => {
  server = await startServer({ pool: 3, args: ["--memory-per-vcpu", "256MiB", "--reserve", "256MiB"] })
}, 120_000)
afterAll(() => server?.stop(), 60_000)

const serving = (word: string) => `exec perl -MIO::Socket::INET -e '
  my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => $ENV{PORT}, Listen => 99, ReuseAddr => 1) or die $!;
  while (my $c = $s->accept) {
    while (<$c>) { $hang = m(^GET /hang) if /^GET/; last if /^\\r?$/ }
    if ($hang) { push @hung, $c; next }
    print $c "HTTP/1.0 200 OK\\r\\n\\r\\n${word}"; close $c
  }'`

const ask = async (method: string, path: string, more: Ask = {}) => {
  const answer = await request(server, method, path, more)
  expect([200, 201], answer.text).toContain(answer.status)
  return answer.json
}
const made = (name: string, word: string, more: object = {}) =>
  ask("POST", "/services", { body: { name, ports: [8080], bootstrap: serving(word), ...more } })

it("a name, a domain, a freeze, another program, an end, and a namesake", async () => {
  const { id, url } = await made("shop", "one")
  const [at, path] = [new URL(String(url)), `/services/${String(id)}`]
  const come = async (host: string, way = "/") => {
    const { body, status } = await Effect.runPromise(visit(Number(at.port), { host, path: way }))
    return status === 200 ? body : status
  }
  const named = (name: string) => at.host.replace("shop", name)
  await eventually("it answers", async () => (await come(named("shop"))) === "one")
  expect([await come(named("store")), await come("a.example.com")]).toEqual([404, 404])

  await ask("PATCH", path, { body: { name: "store" } })
  expect([await come(named("store")), await come(named("shop"))]).toEqual(["one", 404])

  await ask("PUT", `${path}/domains`, { body: { domains: ["a.example.com"] } })
  expect(await come("a.example.com")).toBe("one")
  await ask("PUT", `${path}/domains`, { body: { domains: ["b.example.com"] } })
  expect([await come("a.example.com"), await come("b.example.com")]).toEqual([404, "one"])

  const under = Array.from({ length: 5 }, () => come(named("store"), "/hang"))
  expect(await come(named("store"))).toBe("one")
  await ask("POST", `${path}/freeze`, { body: {} })
  expect(await Promise.all(under)).toEqual([502, 502, 502, 502, 502])
  expect(await come(named("store"))).toBe(503)
  await ask("PATCH", path, { body: { unfreeze_on_demand: true } })
  expect(await come(named("store"))).toBe("one")

  await ask("POST", `${path}/redeploy`, { body: { bootstrap: serving("two") } })
  await eventually("its new program answers", async () => (await come(named("store"))) === "two")
  await ask("DELETE", path)
  expect([await come(named("store")), await come("b.example.com")]).toEqual([410, 410])

  await made("store", "three", { domains: ["b.example.com"] })
  await eventually("its namesake answers", async () => (await come(named("store"))) === "three")
  expect(await come("b.example.com")).toBe("three")
}, 120_000)
