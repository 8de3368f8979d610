/** Connections into a container and out of it. */
import { chmodSync } from "node:fs"
import { createServer, type Socket } from "node:net"
import { join } from "node:path"
import { Effect, Stream } from "effect"
import { expect } from "vitest"
import type { Container } from "../../../src/substrate/Substrate.js"
import type { Host } from "../conformance.js"
import { box, command, MIB, type Suite, says, sh } from "../running.js"

const ECONNREFUSED = 111
const EBUSY = 16
const ESRCH = 3

/** Serves `each` (perl, with the client as C) on an address inside, one client a process. */
const serving = (container: Container, each: string, address = "PF_INET, sockaddr_in(8080, inet_aton('127.0.0.1'))") =>
  Effect.gen(function* () {
    const [family = "", name = ""] = address.split(/, (.*)/s)
    const script = `use Socket qw(:all); $| = 1; $SIG{CHLD} = 'IGNORE';
      socket(S, ${family}, SOCK_STREAM, 0); setsockopt(S, SOL_SOCKET, SO_REUSEADDR, 1);
      bind(S, ${name}) or die "bind $!"; listen(S, 64) or die; print "up\\n";
      while (accept(C, S)) { if (!fork) { C->autoflush(1); binmode C; ${each}; exit } close C }`
    const process = yield* container.start(command(["perl", "-MIO::Handle", "-e", script], { timeoutMillis: 0 }), {
      stdin: false
    })
    yield* process.output.pipe(Stream.take(1), Stream.runDrain)
  })

const ECHO = "while (sysread(C, $b, 65536)) { syswrite(C, $b) } syswrite(C, 'bye')"

/** Everything up to its end. */
const rest = (socket: Socket) =>
  Effect.async<Buffer>((resume) => {
    const pieces: Array<Buffer> = []
    socket.on("data", (piece: Buffer) => pieces.push(piece))
    socket.on("end", () => resume(Effect.succeed(Buffer.concat(pieces))))
    socket.on("close", () => resume(Effect.succeed(Buffer.concat(pieces))))
  }).pipe(Effect.timeout("20 seconds"))

export const ports =
  (host: Host): Suite =>
  (test) => {
    test("dials a port inside, both ways, each ended by itself", () =>
      Effect.gen(function* () {
        const container = yield* box()
        yield* serving(container, ECHO)
        const socket = yield* container.dial(8080)
        const hearing = yield* Effect.fork(rest(socket))
        socket.write("hello ")
        socket.end("world")
        expect(String(yield* hearing)).toBe("hello worldbye")
      }))

    test("carries much, byte for byte, on many connections at once", () =>
      Effect.gen(function* () {
        const container = yield* box()
        yield* serving(container, ECHO)
        const sent = Buffer.alloc(3 * MIB, "any bytes \u0000 \u00ff")
        const talk = Effect.gen(function* () {
          const socket = yield* container.dial(8080)
          const hearing = yield* Effect.fork(rest(socket))
          socket.end(sent)
          return (yield* hearing).equals(Buffer.concat([sent, Buffer.from("bye")]))
        })
        const all = yield* Effect.replicateEffect(Effect.scoped(talk), 8).pipe(Effect.withConcurrency(8))
        expect(all.every((same) => same)).toBe(true)
      }))

    test("dials who listens on IPv6 alone", () =>
      Effect.gen(function* () {
        const container = yield* box()
        yield* serving(container, "syswrite(C, 'six')", "PF_INET6, pack_sockaddr_in6(8080, inet_pton(AF_INET6, '::1'))")
        expect(String(yield* rest(yield* container.dial(8080)))).toBe("six")
      }))

    test("says that nobody listens", () =>
      Effect.gen(function* () {
        const container = yield* box()
        expect(yield* Effect.flip(container.dial(8080))).toMatchObject({ stage: "dial", errno: ECONNREFUSED })
        expect(yield* Effect.flip(container.dial(0))).toMatchObject({ stage: "argument" })
      }))

    if (host.freezes)
      test("dials no frozen container, and stalls with one that freezes", () =>
        Effect.gen(function* () {
          const container = yield* box()
          yield* serving(container, ECHO)
          const socket = yield* container.dial(8080)
          yield* container.freeze
          expect(yield* Effect.flip(container.dial(8080))).toMatchObject({ stage: "dial", errno: EBUSY })
          const hearing = yield* Effect.fork(rest(socket))
          socket.end("late")
          yield* Effect.sleep("200 millis")
          expect(socket.bytesRead).toBe(4)
          yield* container.unfreeze
          expect(String(yield* hearing)).toBe("latebye")
        }))

    test("ends a connection with its container, and dials none that is gone", () =>
      Effect.gen(function* () {
        const container = yield* box()
        yield* serving(container, ECHO)
        const socket = yield* container.dial(8080)
        const over = yield* Effect.fork(rest(socket))
        yield* container.destroy
        expect((yield* over).length).toBe(0)
        expect(yield* Effect.flip(container.dial(8080))).toMatchObject({ errno: ESRCH })
      }))

    /** A server outside that answers each line after the first with the first. */
    const outside = (path: string) =>
      Effect.acquireRelease(
        Effect.async<{ readonly heard: Array<string>; readonly close: () => void }>((resume) => {
          const heard: Array<string> = []
          const open = new Set<Socket>()
          const server = createServer((socket) => {
            open.add(socket)
            let said = ""
            socket
              .on("error", () => {})
              .on("data", (bytes) => {
                said += bytes
                if (said.split("\n").length < 3) return
                heard.push(said)
                socket.end(`heard ${said}`)
              })
          })
          const close = () => {
            for (const socket of open) socket.destroy()
            server.close()
          }
          server.listen(path, () => {
            chmodSync(path, 0o777)
            resume(Effect.succeed({ heard, close }))
          })
        }),
        ({ close }) => Effect.sync(close)
      )
    const out = (
      port: number
    ) => `use IO::Socket::INET; $c = IO::Socket::INET->new("127.0.0.1:${port}") or die "no: $!";
      print $c "ping\\n"; print while <$c>`

    test("relays what leaves by a port to a socket outside, and says who it is", () =>
      Effect.gen(function* () {
        const path = join(host.directory(), "proxy")
        const { heard } = yield* outside(path)
        const [container, other] = yield* Effect.all([box(), box()])
        yield* container.egress(3128, path)
        const said = yield* container.run(command(["perl", "-e", out(3128)]))
        expect(String(Buffer.from(said.stdout))).toBe("heard container box -\nping\n")
        expect(heard).toEqual(["container box -\nping\n"])
        expect((yield* other.run(command(["perl", "-e", out(3128)]))).code).not.toBe(0)
        expect(yield* Effect.flip(container.egress(3128, path))).toMatchObject({ _tag: "SubstrateFailed" })
        yield* container.keep("a label")
        yield* container.run(command(["perl", "-e", out(3128)]))
        expect(heard[1]).toBe("container box a label\nping\n")
      }))

    test("closes what leaves by a port when nobody is there outside", () =>
      Effect.gen(function* () {
        const container = yield* box()
        yield* container.egress(3128, join(host.directory(), "nobody"))
        expect(yield* says(container, `perl -e '${out(3128)}'; echo over`)).toBe("over")
        expect(yield* Effect.flip(container.egress(3129, "relative"))).toMatchObject({ stage: "argument" })
        expect((yield* container.run(sh("true"))).code).toBe(0)
      }))
  }
