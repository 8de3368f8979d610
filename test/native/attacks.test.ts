// From inside a container: nothing outside can be reached, and init and other containers are out of sight.
import { execFileSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { build, Membrane, root, str, Type, u8, u32 } from "./wire.js"

let membrane: Membrane
let results: ReadonlyMap<string, string>
let scratch: string

const put = (container: number, path: string, bytes: Buffer, mode: number) => {
  for (let at = 0; at < bytes.length; at += 1 << 19)
    membrane.send(Type.PUT, container, str(path), u32(mode), u8(at === 0 ? 0 : 1), bytes.subarray(at, at + (1 << 19)))
}

const attack = async (container: number) => {
  put(container, "/tmp/attacks", readFileSync(join(scratch, "attacks")), 0o755)
  const run = await membrane.shell(container, "/tmp/attacks")
  expect(run.end).toMatchObject({ how: 0, code: 0 })
  const lines = run.stdout.trimEnd().split("\n")
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(" ")), line.slice(line.indexOf(" ") + 1)]))
}

beforeAll(async () => {
  build()
  scratch = mkdtempSync(join(tmpdir(), "attacks-"))
  const source = join(root, "test", "native", "attacks.c")
  execFileSync(process.env.CC ?? "cc", ["-O1", "-static", source, "-o", join(scratch, "attacks")])
  membrane = await Membrane.start()
  await membrane.hello()
  await membrane.created(1)
  await membrane.created(2)
  results = await attack(1)
})

afterAll(async () => {
  rmSync(scratch, { recursive: true, force: true })
  expect(await membrane.stop()).toBe(0)
})

describe("attacks", () => {
  it("find stdio alone open, and no capability", () => {
    expect(results.get("descriptors")).toBe("0 1 2")
    expect(results.get("capabilities")).toBe("0")
  })

  it("never succeed", () => {
    const succeeded = [...results].filter(([, result]) => result === "done").map(([name]) => name)
    expect(succeeded).toEqual(["personality_query"])
    expect(results.size).toBeGreaterThan(120)
  })

  it("are refused by the filter where capabilities would not be in the way of a user namespace", () => {
    for (const space of ["user", "mnt", "pid", "ipc", "uts", "net", "cgroup"]) {
      expect(results.get(`unshare_${space}`)).toBe("EPERM")
      expect(results.get(`clone_${space}`)).toBe("EPERM")
    }
    expect(results.get("clone3")).toBe("ENOSYS")
    for (const call of ["io_uring_setup", "bpf", "keyctl", "add_key", "userfaultfd", "perf_event_open", "socket_alg"])
      expect(results.get(call)).toBe("EPERM")
  })

  it("neither put shared files out of memory nor see whether they are there", () => {
    for (const call of ["evict_fadvise", "evict_pageout"]) expect(results.get(call)).toBe("EBUSY")
    for (const call of ["preadv2_nowait", "preadv2_dontcache"]) expect(results.get(call)).toBe("EOPNOTSUPP")
    expect(results.get("cachestat")).toBe("EPERM")
    expect(results.get("io_setup")).toBe("ENOSYS")
    expect(results.get("advice")).toBeUndefined()
    expect(results.get("preadv2")).toBe("1")
  })

  it("cannot use a foreign ABI", () => {
    if (process.arch !== "x64") return
    expect(results.get("x32")).toBe("ENOSYS")
    // 31 is SIGSYS, the filter's; a kernel without i386 answers with SIGSEGV.
    expect(["signal 31", "signal 11"]).toContain(results.get("int80"))
  })

  it("leave init alive", async () => {
    expect((await membrane.shell(1, "kill -9 -1 2>/dev/null; kill -9 1; echo alive")).stdout).toBe("alive\n")
  })
})

describe("two containers", () => {
  it("share no file, shared memory, queue, process or socket", async () => {
    const listener = `import socket,time
s=socket.socket(); s.bind(("127.0.0.1",4999)); s.listen()
u=socket.socket(socket.AF_UNIX); u.bind("\\0hidden"); u.listen()
print("up",flush=True); time.sleep(60)`
    await membrane.shell(
      1,
      "echo secret | tee /tmp/secret /dev/shm/secret /home/sandbox/secret; ipcmk -Q; ipcmk -M 4096"
    )
    membrane.exec(1, ["python3", "-c", listener])
    await membrane.match((f) => f.container === 1 && f.type === Type.OUT && f.body.toString("utf8", 5) === "up\n")
    const look = `ls -A /tmp /dev/shm /home/sandbox; ipcs -q -m | grep 0x; ls /proc | grep -E '^[0-9]+$' | wc -l
python3 - <<'END'
import socket
for family, address in ((socket.AF_INET, ("127.0.0.1", 4999)), (socket.AF_UNIX, "\\0hidden")):
    try: print("connected", socket.socket(family).connect(address))
    except OSError as e: print(e.strerror)
END`
    const seen = (await membrane.shell(2, look)).stdout
    expect(seen).not.toContain("secret")
    expect(seen).not.toContain("0x")
    expect(seen.match(/Connection refused/g)).toHaveLength(2)
    expect(Number(seen.match(/^\d+$/m)?.[0])).toBeLessThan(8)
  })

  it("see nothing of the host: no process, hostname, environment, mount or file", async () => {
    const look = await membrane.shell(
      1,
      "hostname; cat /proc/mounts; env; cat /etc/passwd; ls /etc /home /root /sys /mnt; cat /proc/net/dev"
    )
    expect(look.stdout.startsWith("box\n")).toBe(true)
    expect(look.stdout).not.toMatch(/shadow|ssh|npmrc|pip\.conf|machine-id|cgroup|eth0/)
    expect(look.stdout).toMatch(/^PATH=/m)
    expect(look.stdout).not.toMatch(/^(HOME|USER|NODE_ENV)=/m)
    const uids = look.stdout.match(/^\w+:x:(\d+)/gm)
    expect(uids).toHaveLength(3)
  })
})
