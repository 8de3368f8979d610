/** Verifies: D25 from inside real containers: the proxy is the only way out, and it leads where the lists allow. */
import { dirname } from "node:path"
import { Effect, Layer, type Scope } from "effect"
import { describe, expect } from "vitest"
import { EgressPolicies } from "../../actors/egress/EgressPolicies.js"
import * as Outlet from "../../actors/pool/Outlet.js"
import * as LocalSubstrate from "../../src/substrate/local/LocalSubstrate.js"
import { type Container, Substrate } from "../../src/substrate/Substrate.js"
import { limits, running, says } from "../substrate/running.js"
import { eventually } from "../support/eventually.js"
import * as H from "../support/history.js"
import { live } from "../support/it.js"
import { nameserver } from "./nameserver.js"
import { type Outside, outside } from "./outside.js"
import { ann, type Proxied, proxied, refusals } from "./proxied.js"

const change = (verb: "allow" | "deny", ...rules: ReadonlyArray<string>) =>
  Effect.flatMap(EgressPolicies, (policies) => policies.change({ key: null, verb, rules }, "operator"))

const made = (n: number, path: string | undefined) =>
  Effect.acquireRelease(
    Effect.flatMap(Substrate, (substrate) => substrate.create(H.containerId(n), limits)).pipe(
      Effect.flatMap((container) => Outlet.opened(container, path))
    ),
    ({ destroy }) => Effect.ignore(destroy)
  )

/** Somebody outside with a name, a proxy that may know them, and container 1 of the semitrusted pool. */
const inside = <A, E>(
  body: (
    container: Container,
    there: Outside,
    dns: { readonly asked: () => number }
  ) => Effect.Effect<A, E, Proxied | Substrate | Scope.Scope>
) =>
  Effect.gen(function* () {
    const there = yield* outside
    const dns = yield* nameserver((name) => (name === "outside.example" ? [there.address] : []))
    yield* proxied({ resolvers: [dns.address] }, (path) =>
      Effect.gen(function* () {
        const substrate = yield* Layer.build(LocalSubstrate.layer({ data: dirname(path), acceptWeak: false }))
        const kept = Layer.succeedContext(substrate)
        const whole = Effect.flatMap(made(1, path), (container) => body(container, there, dns))
        yield* Effect.provide(running(kept, Effect.provide(whole, kept)), kept)
      })
    )
  })

/** One connection through the proxy, as a program with no library for it makes it. */
const raw = (request: string) =>
  `perl -MIO::Socket::INET -e '$c = IO::Socket::INET->new("127.0.0.1:3128") or die; print $c "${request}"; print while <$c>'`
const connectTo = (to: string) => raw(`CONNECT ${to} HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n`)

const fetching = (url: string) => `if command -v curl >/dev/null; then curl -sS -m 10 ${url}
  else /usr/bin/python3 -c 'import sys, urllib.request as u; print(u.urlopen(sys.argv[1], timeout=10).read().decode())' ${url}; fi`

describe("a semitrusted container", () => {
  live("reaches what is allowed with what programs bring along, by the environment alone", () =>
    inside((container, there) =>
      Effect.gen(function* () {
        yield* change("allow", there.address)
        const said = JSON.parse(yield* says(container, fetching(`http://outside.example:${there.http}/a?b=c`)))
        expect(said).toMatchObject({ method: "GET", url: "/a?b=c", headers: { host: `outside.example:${there.http}` } })
        expect(JSON.stringify(said)).not.toMatch(/forwarded|via|proxy/i)
        const env = yield* says(container, "env | sort | grep -i proxy=")
        expect(env.split("\n")).toHaveLength(8)
        expect(env).toContain("https_proxy=http://127.0.0.1:3128")
        expect(env).toContain("NO_PROXY=localhost,127.0.0.1")
      })
    )
  )

  live("does not reach the host, its networks or anybody's metadata; each refusal is told", () =>
    inside((container, there) =>
      Effect.gen(function* () {
        const closed = [
          "169.254.169.254:80",
          "127.0.0.1:22",
          "localhost:22",
          `${there.address}:${there.http}`,
          "[::1]:80"
        ]
        for (const to of [...closed, `outside.example:${there.http}`, "0x7f.1:80", "[::ffff:127.0.0.1]:80"])
          expect(yield* says(container, connectTo(to))).toMatch(/^HTTP\/1.1 403/)
        const told = yield* refusals(8)
        expect(told.every(({ principal }) => principal === ann)).toBe(true)
        expect(told.map(({ action }) => action)).toContain("reach 169.254.169.254:80")
        expect(there.arrived()).toBe(0)
      })
    )
  )

  live("has no other way: no route, no datagrams, no names, no raw sockets", () =>
    inside((container, there, dns) =>
      Effect.gen(function* () {
        yield* change("allow", there.address)
        const { address, apart, echo, udp } = there
        const nowhere = apart ? /unreachable/ : /refused|status 0/
        const perl = (program: string) => says(container, `perl -MSocket -e '${program}' 2>&1; echo status $?`)
        const to = `sockaddr_in(${echo}, inet_aton("${address}"))`
        expect(yield* perl(`socket(S, AF_INET, SOCK_STREAM, 0); connect(S, ${to}) or die "no way: $!"`)).toMatch(
          nowhere
        )
        const datagram = `sockaddr_in(${udp}, inet_aton("${address}"))`
        expect(
          yield* perl(`socket(S, AF_INET, SOCK_DGRAM, 0); defined send(S, "x", 0, ${datagram}) or die "$!"`)
        ).toMatch(nowhere)
        expect(yield* perl(`socket(S, AF_INET, SOCK_RAW, 6) or die "$!"`)).toMatch(/not permitted|denied/)
        expect(yield* perl(`socket(S, 17, 3, 768) or die "$!"`)).toMatch(/not permitted|denied|not supported/)
        expect(yield* perl(`defined gethostbyname("outside.example") or die "no such host"`)).toMatch(/no such host/)
        expect(dns.asked()).toBe(0)
        expect(there.arrived()).toBe(0)
      })
    )
  )

  live("loses a connection that is under way when the lists say so", () =>
    inside((container, there) =>
      Effect.gen(function* () {
        yield* change("allow", there.address)
        const to = `${there.address}:${there.echo}`
        const talk = `$c = IO::Socket::INET->new("127.0.0.1:3128") or die; $| = 1; $c->autoflush(1);
          print $c "CONNECT ${to} HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n"; print "up\\n" if <$c> =~ / 200 /; <$c>;
          print $c "hello\\n"; print scalar <$c>; print defined <$c> ? "still there" : "cut"`
        const fiber = yield* Effect.fork(says(container, `perl -MIO::Socket::INET -e '${talk}'`))
        yield* Effect.promise(() => eventually("it is there", () => there.arrived() === 1))
        yield* Effect.sleep("200 millis")
        yield* change("deny", there.address)
        expect(yield* fiber).toBe("up\nhello\ncut")
        expect(yield* says(container, connectTo(to))).toMatch(/^HTTP\/1.1 403/)
      })
    )
  )
})

describe("a container without a way out", () => {
  live("has nothing there, and no word of it", () =>
    inside(() =>
      Effect.gen(function* () {
        const container = yield* made(2, undefined)
        expect(yield* says(container, "env | grep -ci proxy=")).toBe("0")
        expect(yield* says(container, `${connectTo("127.0.0.1:80")} 2>&1; echo status $?`)).toMatch(/status [1-9]/)
      })
    )
  )
})
