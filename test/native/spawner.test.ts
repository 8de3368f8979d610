// The spawner's own life: one of a name, nothing left behind by a sudden end, and an ordinary user's mode.
import { execFileSync, spawnSync } from "node:child_process"
import { chmodSync, copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { beforeAll, describe, expect, it } from "vitest"
import {
  asOrdinary,
  build,
  cgroupsOf,
  eventually,
  gone,
  isAlive,
  Membrane,
  ordinary,
  ordinaryUser,
  root,
  Type
} from "./wire.js"

beforeAll(() => build())

describe("the spawner", () => {
  it("destroys everything and removes its traces when the connection closes", async () => {
    const membrane = await Membrane.start()
    await membrane.hello()
    const pid = (await membrane.created(1)).get("pid") ?? ""
    membrane.exec(1, ["sleep", "100"])
    await membrane.next(Type.STARTED, 1)
    expect(cgroupsOf(membrane.name).length).toBeGreaterThan(0)
    expect(await membrane.stop()).toBe(0)
    expect(isAlive(pid)).toBe(false)
    expect(cgroupsOf(membrane.name)).toEqual([])
    expect(existsSync(membrane.path)).toBe(false)
  })

  it("says GONE of every container when it is told to stop", async () => {
    const membrane = await Membrane.start()
    await membrane.hello()
    await membrane.created(1)
    membrane.process.kill("SIGTERM")
    expect(gone((await membrane.next(Type.GONE, 1)).body)).toMatchObject({ reason: 4, left: 0 })
    expect(await membrane.stop()).toBe(0)
  })

  it("ends at once when the connection is cut with answers under way", async () => {
    for (let round = 0; round < 10; round++) {
      const membrane = await Membrane.start()
      await membrane.hello()
      await membrane.created(1)
      membrane.send(Type.DESTROY, 1)
      await membrane.next(Type.GONE, 1)
      for (let i = 0; i < 50; i++) membrane.send(Type.DESTROY, 1)
      const since = performance.now()
      expect(await membrane.stop()).toBe(0)
      expect(performance.now() - since).toBeLessThan(10_000)
    }
  })

  it("leaves no process when it is killed, and its successor removes what stayed", async () => {
    const first = await Membrane.start()
    await first.hello()
    const pid = (await first.created(1)).get("pid") ?? ""
    first.exec(1, ["bash", "-c", "setsid sleep 100 & sleep 100"])
    await first.next(Type.STARTED, 1)
    first.process.kill("SIGKILL")
    await first.stop()
    await eventually("the container's end", () => !isAlive(pid))
    expect(cgroupsOf(first.name).length).toBeGreaterThan(0)
    const second = await Membrane.start({ name: first.name })
    await second.hello()
    await second.created(1)
    expect((await second.shell(1, "echo ok")).stdout).toBe("ok\n")
    expect(await second.stop()).toBe(0)
    expect(cgroupsOf(first.name)).toEqual([])
  })

  it("kills what a dead spawner's frozen containers left", async () => {
    const first = await Membrane.start()
    await first.hello()
    const pid = (await first.created(1)).get("pid") ?? ""
    first.exec(1, ["sleep", "100"])
    await first.next(Type.STARTED, 1)
    first.send(Type.FREEZE, 1)
    await first.next(Type.FROZEN, 1)
    first.process.kill("SIGKILL")
    await first.stop()
    const second = await Membrane.start({ name: first.name })
    await second.hello()
    await eventually("the container's end", () => !isAlive(pid))
    expect(await second.stop()).toBe(0)
    expect(cgroupsOf(first.name)).toEqual([])
  })

  it("takes one control connection at a time and a name once", async () => {
    const membrane = await Membrane.start()
    await membrane.hello()
    const path = join(membrane.directory, "other")
    const second = spawnSync("timeout", [
      "1",
      join(root, "build", "membrane"),
      "spawn",
      "--listen",
      path,
      "--name",
      membrane.name
    ])
    expect(second.stdout.toString()).toBe("")
    expect(await membrane.stop()).toBe(0)
  })

  it("says precisely what is wrong with its arguments", () => {
    const refused = (...args: ReadonlyArray<string>) => spawnSync(join(root, "build", "membrane"), [...args])
    expect(refused().status).toBe(1)
    expect(refused("spawn", "--name", "../x", "--listen", "/tmp/x").stderr.toString()).toContain("--name must be")
    const name = `refused-${process.pid}`
    const long = refused("spawn", "--name", name, "--listen", `/tmp/${"x".repeat(200)}`)
    expect(long.stderr.toString()).toContain("over 107 bytes")
    expect(cgroupsOf(name)).toEqual([])
  })

  it("probes the machine into facts and reasons", () => {
    const probe = spawnSync(join(root, "build", "membrane"), ["probe", "--name", `probe-${process.pid}`])
    const found: unknown = JSON.parse(probe.stdout.toString())
    expect(found).toMatchObject({
      ok: expect.any(Boolean),
      facts: { version: 2, seccomp: true },
      reasons: expect.any(Array)
    })
    expect(cgroupsOf(`probe-${process.pid}`)).toEqual([])
  })
})

describe("an ordinary user's spawner", () => {
  it.runIf(ordinary)("refuses to start without limits, names the fix, and runs once that is accepted", async () => {
    const directory = mkdtempSync(join(tmpdir(), "ordinary-"))
    chmodSync(directory, 0o777)
    copyFileSync(join(root, "build", "membrane"), join(directory, "membrane"))
    const probe = spawnSync(asOrdinary[0] ?? "", [...asOrdinary.slice(1), join(directory, "membrane"), "probe"])
    expect(JSON.parse(probe.stdout.toString())).toMatchObject({ facts: { privileged: false, uid_range: 1 } })
    const strict = [
      ...asOrdinary.slice(1),
      join(directory, "membrane"),
      "spawn",
      "--listen",
      join(directory, "s"),
      "--name",
      "ordinary"
    ]
    const refused = spawnSync(asOrdinary[0] ?? "", strict)
    expect(refused.status).toBe(1)
    expect(refused.stderr.toString()).toContain("run as root")
    const membrane = await Membrane.start({
      wrap: asOrdinary,
      program: join(directory, "membrane"),
      args: ["--accept-weak"],
      directory
    })
    await membrane.hello()
    const seal = await membrane.created(1, { pids: 30 })
    expect([seal.get("uid"), seal.get("uidmap")]).toEqual([
      Array(4).fill(ordinaryUser).join(","),
      `1000 ${ordinaryUser} 1`
    ])
    expect([seal.get("capeff"), seal.get("seccomp"), seal.get("nonewprivs"), seal.get("net")]).toEqual([
      "0".repeat(16),
      "2",
      "1",
      "lo"
    ])
    expect((await membrane.shell(1, "id -u; touch /usr/x 2>&1 | grep -o Read-only")).stdout).toBe("1000\nRead-only\n")
    const late = await membrane.shell(1, "while :; do :; done", { timeout: 300 })
    expect(late.end.how).toBe(2)
    expect(gone((await membrane.next(Type.GONE, 1)).body)).toMatchObject({ reason: 2, left: 0 })
    expect(await membrane.stop()).toBe(0)
    rmSync(directory, { recursive: true, force: true })
  })
})

describe("the build", () => {
  it("names the package when there is no compiler", () => {
    const touched = join(root, "src", "native", "membrane.c")
    execFileSync("touch", [touched])
    const run = spawnSync(process.execPath, [join(root, "src", "native", "build.mjs")], {
      env: { CC: "no-such-cc", PATH: "" }
    })
    expect(run.status).toBe(1)
    expect(run.stderr.toString()).toContain("apt-get install gcc libc6-dev")
    build()
  })
})
