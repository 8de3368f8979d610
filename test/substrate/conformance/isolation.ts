/** What a container can see and touch: itself. */
import { Effect, Stream } from "effect"
import { expect } from "vitest"
import type { Container } from "../../../src/substrate/Substrate.js"
import { box, command, type Suite, says, sh, text } from "../running.js"

const SEAL = ["pid", "uid", "gid", "groups", "capinh", "capprm", "capeff", "capbnd", "capamb", "nonewprivs", "seccomp"]
const NAMESPACES = ["user", "mnt", "pid", "ipc", "uts", "net", "cgroup"]
const MORE = ["uidmap", "gidmap", "net", "cgroup", "memory", "swap", "cpu", "pids"]

/** Starts it and waits for its first word. */
const background = (container: Container, argv: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const process = yield* container.start(command(argv, { timeoutMillis: 0 }), { stdin: false })
    yield* process.output.pipe(Stream.take(1), Stream.runDrain)
  })

const listener = (address: string) => `use Socket; $| = 1; ${address} listen(S, 5) or die; print "up\n"; sleep 1000`

export const isolation: Suite = (test) => {
  test("seals with everything that a guard must know", () =>
    Effect.gen(function* () {
      const { seal } = yield* box()
      const keys = [...SEAL, ...NAMESPACES.flatMap((name) => [`ns.${name}`, `host.${name}`]), ...MORE]
      expect(keys.filter((key) => !seal.has(key))).toEqual([])
      for (const name of NAMESPACES) expect(seal.get(`ns.${name}`)).not.toBe(seal.get(`host.${name}`))
      for (const set of ["capinh", "capprm", "capeff", "capbnd", "capamb"]) expect(seal.get(set)).toMatch(/^0+$/)
      expect([seal.get("nonewprivs"), seal.get("seccomp"), seal.get("net")]).toEqual(["1", "2", "lo"])
    }))

  test("is what its seal says, seen from inside", () =>
    Effect.gen(function* () {
      const container = yield* box()
      const status = yield* says(container, "grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status")
      expect(status.match(/^Cap\w+:\t0+$/gm)).toHaveLength(5)
      expect(status).toMatch(/^NoNewPrivs:\t1$/m)
      expect(status).toMatch(/^Seccomp:\t2$/m)
      expect(
        yield* says(container, "id -u; id -g; id -G; hostname; ls /sys/class/net 2>/dev/null; ls /proc/self/fd")
      ).toBe("1000\n1000\n1000\nbox\n0\n1\n2\n3")
    }))

  test("shares no namespace with another", () =>
    Effect.gen(function* () {
      const [one, two] = yield* Effect.all([box(), box()])
      for (const name of NAMESPACES) expect(one.seal.get(`ns.${name}`)).not.toBe(two.seal.get(`ns.${name}`))
    }))

  test("sees no process of another", () =>
    Effect.gen(function* () {
      const [one, two] = yield* Effect.all([box(), box()])
      yield* background(one, ["sh", "-c", "echo up; exec sleep 98765"])
      const look = "cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -c 'sleep 9876[5]'"
      expect(yield* says(one, look)).toBe("1")
      expect(yield* says(two, look)).toBe("0")
    }))

  for (const place of ["/tmp", "/dev/shm", "/var/tmp", "/run", "/home/sandbox"])
    test(`shares nothing in ${place}`, () =>
      Effect.gen(function* () {
        const [one, two] = yield* Effect.all([box(), box()])
        const wrote = yield* one.run(sh(`echo secret >${place}/secret && cat ${place}/secret`))
        if (wrote.code === 0) expect(text(wrote.stdout)).toBe("secret\n")
        expect(yield* two.run(sh(`cat ${place}/secret`))).toMatchObject({ code: 1 })
      }))

  test("reaches no abstract socket of another", () =>
    Effect.gen(function* () {
      const [one, two] = yield* Effect.all([box(), box()])
      const address = 'pack_sockaddr_un("\\0unsandbox-test")'
      yield* background(one, ["perl", "-e", listener(`socket(S, AF_UNIX, SOCK_STREAM, 0); bind(S, ${address});`)])
      const reach = `use Socket; socket(S, AF_UNIX, SOCK_STREAM, 0); exit(connect(S, ${address}) ? 0 : 1)`
      expect((yield* one.run(command(["perl", "-e", reach]))).code).toBe(0)
      expect((yield* two.run(command(["perl", "-e", reach]))).code).toBe(1)
    }))

  test("reaches no port of another, nor of the host", () =>
    Effect.gen(function* () {
      const [one, two] = yield* Effect.all([box(), box()])
      const address = 'pack_sockaddr_in(7777, inet_aton("127.0.0.1"))'
      yield* background(one, ["perl", "-e", listener(`socket(S, AF_INET, SOCK_STREAM, 0); bind(S, ${address});`)])
      const reach = `use Socket; socket(S, AF_INET, SOCK_STREAM, 0); exit(connect(S, ${address}) ? 0 : 1)`
      expect((yield* one.run(command(["perl", "-e", reach]))).code).toBe(0)
      expect((yield* two.run(command(["perl", "-e", reach]))).code).toBe(1)
      expect((yield* says(two, "tail -n +2 /proc/net/route")).trim()).toBe("")
    }))

  test("writes nowhere but to its own temporary files", () =>
    Effect.gen(function* () {
      const container = yield* box()
      const places = "/ /usr /usr/bin /etc /bin /lib /opt /proc /proc/sys/kernel /sys /root /dev /var"
      const tried = `for d in ${places}; do (: >$d/x) 2>/dev/null && echo $d; done; true`
      expect(yield* says(container, tried)).toBe("")
    }))

  test("signals nothing outside", () =>
    Effect.gen(function* () {
      const [one, two] = yield* Effect.all([box(), box()])
      yield* background(one, ["sh", "-c", "echo up; exec sleep 98766"])
      yield* two.run(sh("kill -9 -1"))
      expect(yield* says(one, "cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -c 'sleep 9876[6]'")).toBe("1")
    }))
}
