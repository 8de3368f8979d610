// A volume is the container's to write and nobody else's; what hostile hands left in it leads nowhere.
import { execFileSync } from "node:child_process"
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { build, cgroupsOf, failure, gone, Membrane, str, Type, u8, u32 } from "./wire.js"

const isRoot = process.getuid?.() === 0
const directories: Array<string> = []
let membrane: Membrane
let next = 0

const volume = (): string => {
  const directory = mkdtempSync(join(tmpdir(), "volume-"))
  directories.push(directory)
  return directory
}

const fresh = async (): Promise<number> => {
  await membrane.created(++next)
  return next
}

const destroyed = async (container: number): Promise<void> => {
  membrane.send(Type.DESTROY, container)
  expect(gone((await membrane.next(Type.GONE, container)).body)).toMatchObject({ left: 0 })
}

const refused = async (container: number, directory: string) => {
  membrane.send(Type.ATTACH, container, str(directory))
  return failure((await membrane.next(Type.FAILED, container)).body)
}

beforeAll(async () => {
  build()
  membrane = await Membrane.start({ args: isRoot ? [] : ["--accept-weak"] })
  await membrane.hello()
})

afterAll(async () => {
  expect(await membrane.stop()).toBe(0)
  expect(cgroupsOf(membrane.name)).toEqual([])
  for (const directory of directories) rmSync(directory, { recursive: true, force: true })
})

describe("a volume", () => {
  it("is the container's home, /tmp and /srv, and stays on the host when it is gone", async () => {
    const [container, directory] = [await fresh(), volume()]
    await membrane.attach(container, directory)
    membrane.send(Type.PUT, container, str("/tmp/put"), u32(0o644), u8(0), Buffer.from("put"))
    const script =
      "for d in /home/sandbox /tmp /srv; do echo $d > $d/file; done; cp /bin/true /tmp/run && /tmp/run; echo $?"
    expect((await membrane.shell(container, script)).stdout).toBe("0\n")
    await destroyed(container)
    for (const [name, at] of [
      ["home", "/home/sandbox"],
      ["tmp", "/tmp"],
      ["srv", "/srv"]
    ] as const)
      expect(readFileSync(join(directory, name, "file"), "utf8")).toBe(`${at}\n`)
    expect(readFileSync(join(directory, "tmp", "put"), "utf8")).toBe("put")
    rmSync(directory, { recursive: true })
    expect(readFileSync("/proc/mounts", "utf8")).not.toContain(directory)
  })

  it("is mounted without set-user-id programs and devices, and the rest is not on it", async () => {
    const [container, directory] = [await fresh(), volume()]
    await membrane.attach(container, directory)
    const table = (await membrane.shell(container, "cat /proc/self/mountinfo; touch /run/a /dev/shm/b")).stdout
    for (const at of ["/home/sandbox", "/tmp", "/srv"]) {
      const options =
        table
          .split("\n")
          .filter((line) => line.split(" ")[4] === at)
          .at(-1)
          ?.split(" ") ?? []
      expect(options[5]?.split(",")).toEqual(expect.arrayContaining(["rw", "nosuid", "nodev"]))
      expect(options[3]).toContain(directory.split("/").at(-1))
      expect(options[6]).toBe("-")
    }
    expect(readdirSync(directory).sort()).toEqual(["home", "srv", "tmp"])
    await destroyed(container)
  })

  it("goes to the next container, whatever its user id", async () => {
    const [first, second, directory] = [await fresh(), await fresh(), volume()]
    await membrane.attach(first, directory)
    const script =
      "umask 077; mkdir -p ~/a/b; echo one > ~/a/b/c; ln -s c ~/a/b/link; mkfifo ~/a/fifo; ln ~/a/b/c ~/a/hard"
    await membrane.shell(first, script, { env: ["HOME=/home/sandbox", "PATH=/usr/bin"] })
    const owner = statSync(join(directory, "home")).uid
    await destroyed(first)
    await membrane.attach(second, directory)
    if (isRoot) expect(statSync(join(directory, "home")).uid).not.toBe(owner)
    const again = "cd /home/sandbox/a; echo two >> b/c; cat b/link hard; rm -r b fifo; stat -c %u .; echo end"
    expect((await membrane.shell(second, again)).stdout).toBe("one\ntwo\none\ntwo\n1000\nend\n")
    await destroyed(second)
  })

  it("is attached once, before anything ran, from a directory that is closed to others", async () => {
    const container = await fresh()
    const open = volume()
    chmodSync(open, 0o755)
    expect(await refused(container, open)).toMatchObject({ errno: 1, stage: "attach.open" })
    expect(await refused(container, "/no/such/place")).toMatchObject({ errno: 2, stage: "attach.open" })
    expect(await refused(container, "relative")).toMatchObject({ errno: 22, stage: "attach" })
    const link = join(volume(), "link")
    symlinkSync(volume(), link)
    expect((await refused(container, link)).stage).toBe("attach.open")
    await membrane.attach(container, volume())
    expect(await refused(container, volume())).toMatchObject({ errno: 16 })
    const used = await fresh()
    await membrane.shell(used, "true")
    expect(await refused(used, volume())).toMatchObject({ errno: 16 })
    await Promise.all([destroyed(container), destroyed(used)])
  })

  it("makes whatever comes before ATTACHED wait its turn", async () => {
    const [container, directory] = [await fresh(), volume()]
    // In one write, so that the loop reads both before the helper can have ended.
    membrane.socket.cork()
    membrane.send(Type.ATTACH, container, str(directory))
    membrane.exec(container, ["true"])
    membrane.socket.uncork()
    expect(failure((await membrane.next(Type.FAILED, container)).body)).toMatchObject({ errno: 16, stage: "exec" })
    await membrane.next(Type.ATTACHED, container)
    await destroyed(container)
  })

  it("is let go when its container is destroyed while the walk goes on", async () => {
    const [container, directory] = [await fresh(), volume()]
    execFileSync("bash", [
      "-c",
      `mkdir -p ${directory}/home/{1..40}/{1..50}; touch ${directory}/home/{1..40}/{1..50}/x`
    ])
    membrane.send(Type.ATTACH, container, str(directory))
    membrane.send(Type.DESTROY, container)
    expect(failure((await membrane.next(Type.FAILED, container)).body)).toMatchObject({ errno: 3, stage: "attach" })
    expect(gone((await membrane.next(Type.GONE, container)).body)).toMatchObject({ left: 0 })
    const after = await fresh()
    await membrane.attach(after, directory)
    await membrane.shell(after, "rm -r /home/sandbox/*")
    expect(readdirSync(join(directory, "home"))).toEqual([])
    await destroyed(after)
  })
})

describe.runIf(isRoot)("what hostile hands left in a volume", () => {
  it("never leads the walk outside", async () => {
    const [container, directory, outside] = [await fresh(), volume(), volume()]
    const home = join(directory, "home")
    mkdirSync(home)
    writeFileSync(join(outside, "secret"), "secret", { mode: 0o600 })
    mkdirSync(join(outside, "dir"))
    writeFileSync(join(outside, "dir", "inner"), "x")
    linkSync(join(outside, "secret"), join(home, "hard"))
    symlinkSync("/etc/shadow", join(home, "shadow"))
    symlinkSync(join(outside, "dir"), join(home, "dir"))
    symlinkSync("../../../../../../etc", join(home, "up"))
    symlinkSync(join(outside, "dir"), join(directory, "srv-link"))
    for (const name of ["-rf", "a\nb", "a b", "*", "\\", "ü", "x".repeat(255)]) writeFileSync(join(home, name), "odd")
    writeFileSync(Buffer.concat([Buffer.from(`${home}/`), Buffer.from([0xff, 0xfe])]), "bytes")
    execFileSync("mkfifo", [join(home, "fifo")])
    execFileSync("mknod", [join(home, "null"), "c", "1", "3"])
    execFileSync("cp", ["/bin/bash", join(home, "suid")])
    chmodSync(join(home, "suid"), 0o4755)
    mkdirSync(join(home, "mount"))
    execFileSync("mount", ["--bind", join(outside, "dir"), join(home, "mount")])
    try {
      await membrane.attach(container, directory)
    } finally {
      execFileSync("umount", [join(home, "mount")])
    }
    const shadow = statSync("/etc/shadow")
    expect([shadow.uid, statSync("/etc").uid]).toEqual([0, 0])
    for (const path of ["secret", "dir", "dir/inner"]) expect(statSync(join(outside, path)).uid).toBe(0)
    const owners = readdirSync(home, { encoding: "buffer" })
      .map((name) => Buffer.concat([Buffer.from(`${home}/`), name]))
      .filter((path) => lstatSync(path).uid === 0)
    expect(owners.map(String).sort()).toEqual([join(home, "hard"), join(home, "mount")])
    const tries =
      "cat hard; cat shadow; ls up/shadow; echo > null; ./suid -p -c 'id -u'; find . -mindepth 1 -maxdepth 1 -printf x | wc -c"
    const run = await membrane.shell(container, tries, { cwd: "/home/sandbox" })
    expect(run.stdout).toBe(`1000\n${readdirSync(home).length}\n`)
    expect(run.stderr).not.toContain("root:")
    await destroyed(container)
  })

  it("may be as deep as it likes: a bound is kept, and the rest is still given away", async () => {
    const [container, directory] = [await fresh(), volume()]
    mkdirSync(join(directory, "tmp"))
    const dig = "import os,sys\nos.chdir(sys.argv[1])\nfor i in range(3000):\n os.mkdir('d'); os.chdir('d')"
    execFileSync("python3", ["-c", dig, join(directory, "tmp")])
    writeFileSync(join(directory, "tmp", "z"), "z")
    await membrane.attach(container, directory)
    expect(statSync(join(directory, "tmp", "z")).uid).toBeGreaterThan(1 << 30)
    expect(statSync(join(directory, "tmp", ...Array<string>(400).fill("d"))).uid).toBeGreaterThan(1 << 30)
    expect((await membrane.shell(container, "echo more >> /tmp/z; cat /tmp/z")).stdout).toBe("zmore\n")
    await destroyed(container)
    execFileSync("rm", ["-rf", directory])
  })

  it("may not stand where a part belongs", async () => {
    const [container, directory] = [await fresh(), volume()]
    symlinkSync("/etc", join(directory, "home"))
    expect((await refused(container, directory)).stage).toBe("attach.open")
    rmSync(join(directory, "home"))
    execFileSync("mkfifo", [join(directory, "srv")])
    expect((await refused(container, directory)).stage).toBe("attach.open")
    expect(statSync("/etc").uid).toBe(0)
    await destroyed(container)
  })

  it("takes its time without the loop: 60,000 files are given away while others are served", async () => {
    const [container, other, directory] = [await fresh(), await fresh(), volume()]
    const fill = `cd ${directory} && mkdir -p home/{1..60} && for d in home/*; do (cd $d && touch {1..1000}); done`
    execFileSync("bash", ["-c", fill])
    membrane.send(Type.ATTACH, container, str(directory))
    for (let i = 0; i < 10; i++) await membrane.list()
    expect((await membrane.shell(other, "echo served")).stdout).toBe("served\n")
    await membrane.next(Type.ATTACHED, container)
    expect(statSync(join(directory, "home", "60", "1000")).uid).toBeGreaterThan(1 << 30)
    await Promise.all([destroyed(container), destroyed(other)])
  })
})
