/** Tenants who fill the disk: each is stopped where it is and told why, and nobody else notices. */
import { execFileSync } from "node:child_process"
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { expect, it, onTestFinished } from "vitest"
import { request } from "../support/client.js"
import { eventually } from "../support/eventually.js"
import { membranesOf, spawnerOf } from "../support/leftovers.js"
import { startServer } from "../support/server.js"

const MiB = 2 ** 20
const usual = ["--memory-per-vcpu", "128MiB", "--reserve", "128MiB"]

/** A server on a disk of its own that is small. */
const small = async (size: string, args: ReadonlyArray<string>) => {
  const mount = mkdtempSync(join(tmpdir(), "unsandbox-flood-"))
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", mount])
  onTestFinished(() => {
    execFileSync("umount", ["-l", mount])
    rmSync(mount, { recursive: true, force: true })
  })
  const data = join(mount, "data")
  // What services left running would run on without their data.
  onTestFinished(async () => {
    const left = spawnerOf(data)
    if (left !== undefined) process.kill(left, "SIGTERM")
    await eventually("nothing is left", () => membranesOf(data).length === 0)
  })
  const server = await startServer({ data, pool: 2, args: [...usual, ...args] })
  onTestFinished(server.stop)
  const ask = (method: string, path: string, body?: object) =>
    request(server, method, path, body === undefined ? {} : { body })
  const runs = async (code: string) => (await ask("POST", "/execute", { language: "bash", code })).json.stdout
  const service = async (bootstrap: string): Promise<string> => {
    const { json, status, text } = await ask("POST", "/services", { bootstrap_content: bootstrap })
    expect(status, text).toBe(201)
    return `/services/${String(json.id)}`
  }
  const told = async (path: string) => (await ask("GET", path)).json
  const becomes = async (path: string, wanted: object, within = 20_000) => {
    let last: Record<string, unknown> = {}
    await eventually(
      `${path} is ${JSON.stringify(wanted)}`,
      async () => {
        last = await told(path)
        return Object.entries(wanted).every(([key, value]) => last[key] === value)
      },
      within
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}: ${JSON.stringify(last)}`)
    })
    return last
  }
  /** The latest of them, oldest first. */
  const events = (type: string): ReadonlyArray<{ readonly data: object }> => {
    const latest = ["events", "tail", "--once", "--last", "500", "--json", "--data", data]
    const text = execFileSync("node", ["bin/unsandbox.mjs", ...latest], { encoding: "utf8", maxBuffer: 64 * MiB })
    return text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line))
      .filter((row) => row.type === type)
  }
  const free = () => {
    const { bavail, bsize } = statfsSync(mount)
    return bavail * bsize
  }
  return { mount, server, ask, runs, service, told, becomes, events, free }
}

const flooding = (bytes: number) =>
  `while :; do head -c ${bytes} /dev/zero >> /srv/flood; echo again > /tmp/alive; sleep 0.1; done`
const held = { state: "frozen", frozen_cause: "disk" }

it("freezes a service whose files are too many, lets its owner make room, and goes on for everybody", async () => {
  const { ask, becomes, events, free, runs, service, told } = await small("96m", ["--volume", "16MiB"])
  const quiet = await service("while :; do date > /tmp/tick; sleep 0.1; done")
  const flood = await service(flooding(MiB))
  const frozen = await becomes(flood, held)
  expect(frozen.reason).toMatch(/^Its files take \d+ MiB of the 16 MiB that they may\. Unfreeze it and delete files/)
  const left = free()
  expect(left).toBeGreaterThan(32 * MiB)
  const [event] = events("ServiceFrozen")
  expect(event?.data).toMatchObject({ hold: { cause: "disk", reason: frozen.reason } })

  // Everybody else goes on, and nothing more is written.
  for (const text of ["one", "two", "three"]) expect(await runs(`echo ${text}`)).toBe(`${text}\n`)
  await becomes(quiet, { state: "running" })
  await sleep(1_500)
  expect(left - free()).toBeLessThan(2 * MiB)

  // It only grows: it is frozen again, and what the keeper says of it is another thing.
  expect((await ask("POST", `${flood}/unfreeze`, {})).status).toBe(200)
  await eventually("it is frozen again", async () =>
    String((await told(flood)).reason).startsWith("It was unfrozen to")
  )
  expect(await told(flood)).toMatchObject(held)

  // With a script that makes room it runs, and is watched no more than others.
  const cleaning = "rm -f /srv/flood; while :; do date > /tmp/tick; sleep 0.1; done"
  expect((await ask("POST", `${flood}/redeploy`, { bootstrap_content: cleaning })).status).toBe(200)
  await becomes(flood, { state: "running" })
  await sleep(3_000)
  const clean = await told(flood)
  expect(clean).toMatchObject({ state: "running" })
  expect(clean.reason).toBeUndefined()
  expect((await ask("POST", `${flood}/execute`, { command: "ls /srv" })).json.stdout).toBe("")
  expect(free()).toBeGreaterThan(64 * MiB)
}, 120_000)

it("gives who is unfrozen some time to delete, a few times, and then says how much it is", async () => {
  const { ask, becomes, service, told } = await small("96m", ["--volume", "16MiB"])
  const full = await service("[ -f /srv/a ] || head -c 20971520 /dev/zero | tee /srv/a > /srv/b; sleep 1000")
  await becomes(full, held)
  expect((await ask("POST", `${full}/unfreeze`, {})).status).toBe(200)
  // Not made smaller, not grown: it runs for now.
  await sleep(2_500)
  expect(await told(full)).toMatchObject({ state: "running" })
  expect((await ask("POST", `${full}/execute`, { command: "head -c 1048576 /dev/zero >> /srv/a" })).status).toBe(202)
  await becomes(full, held)
  expect((await ask("POST", `${full}/unfreeze`, {})).status).toBe(200)
  expect((await ask("POST", `${full}/execute`, { command: "rm /srv/b; echo $?" })).json.stdout).toBe("0\n")
  await sleep(1_500)
  expect((await ask("POST", `${full}/execute`, { command: "head -c 1048576 /dev/zero >> /srv/a" })).status).toBe(202)
  await becomes(full, held)
  const refused = await ask("POST", `${full}/unfreeze`, {})
  expect(refused.status).toBe(409)
  expect(refused.json).toMatchObject({ code: "DISK_LIMIT", details: { limit_bytes: 16 * MiB } })
  expect(Reflect.get(Object(refused.json.details), "used_bytes")).toBeGreaterThan(16 * MiB)
  expect(Number(refused.headers["retry-after"])).toBeGreaterThan(60)
  expect((await ask("DELETE", full)).status).toBe(200)
}, 120_000)

it("freezes sessions, whatever keeps their programs", async () => {
  const { ask, becomes, events } = await small("160m", ["--volume", "16MiB"])
  for (const more of [{}, { multiplexer: "tmux" }]) {
    const opened = await ask("POST", "/sessions", { shell: "bash", ...more })
    const path = `/sessions/${String(opened.json.id)}`
    const run = (command: string) => ask("POST", `${path}/execute`, { command })
    expect((await run("head -c 25165824 /dev/zero > /home/sandbox/much; echo done")).json.stdout).toBe("done\n")
    const frozen = await becomes(path, held)
    expect(frozen.reason).toMatch(/^Its files take 24 MiB/)
    expect((await run("echo no")).status).toBe(409)
    expect((await ask("POST", `${path}/unfreeze`, {})).status).toBe(200)
    expect((await run("rm /home/sandbox/much; echo gone")).json.stdout).toBe("gone\n")
    await sleep(2_500)
    expect((await run("echo runs")).json.stdout).toBe("runs\n")
    expect((await ask("DELETE", path)).status).toBe(200)
  }
  expect(events("SessionFrozen")).toHaveLength(2)
}, 120_000)

it("finds files that have no name any more", async () => {
  const { becomes, runs, service } = await small("96m", ["--volume", "16MiB"])
  const hidden = await service("exec 3> /srv/f; rm /srv/f; head -c 33554432 /dev/zero >&3; sleep 1000")
  expect((await becomes(hidden, held, 60_000)).reason).toMatch(/^Its files take 32 MiB of the 16 MiB/)
  expect(await runs("echo on")).toBe("on\n")
}, 120_000)

it("keeps a reserve: no more comes onto the disk, and whoever grows fastest is stopped, one by one", async () => {
  const { ask, becomes, events, free, runs, service, told } = await small("128m", ["--disk-reserve", "48MiB"])
  const slow = await service(flooding(MiB / 4))
  const fast = await service(flooding(MiB))
  const still = await service("sleep 1000")
  expect((await becomes(fast, { state: "frozen", frozen_cause: "disk-reserve" }, 60_000)).reason).toMatch(
    /^The disk of this server is short and its files, \d+ MiB, grew fastest\./
  )
  await becomes(slow, { state: "frozen", frozen_cause: "disk-reserve" }, 60_000)
  const frozen = events("ServiceFrozen").map(({ data }) => `/services/${String(Reflect.get(data, "service"))}`)
  expect(frozen).toEqual([fast, slow])
  expect(free()).toBeGreaterThan(16 * MiB)

  for (const [path, body] of [
    ["/services", { bootstrap_content: "sleep 1" }],
    ["/sessions", { shell: "bash" }],
    [`${still}/snapshot`, {}]
  ] as const) {
    const refused = await ask("POST", path, body)
    expect([refused.status, refused.json.code], path).toEqual([503, "DISK_SHORT"])
    expect(Number(refused.headers["retry-after"]), path).toBeGreaterThan(0)
  }
  expect(await runs("echo on")).toBe("on\n")
  expect(await told(still)).toMatchObject({ state: "running" })

  expect((await ask("DELETE", fast)).status).toBe(200)
  await eventually("more is taken again", async () => (await ask("POST", `${still}/snapshot`, {})).status < 300)
  expect((await ask("POST", `${slow}/unfreeze`, {})).status).toBe(200)
  await becomes(slow, { state: "running" })
}, 180_000)

it("stops who fills the disk before the log can say so, and says so when it can", async () => {
  const { becomes, events, free, mount, runs, service } = await small("96m", ["--volume", "24MiB"])
  const ballast = join(mount, "ballast")
  writeFileSync(ballast, Buffer.alloc(24 * MiB))
  const flood = await service("sleep 2; while :; do cat /dev/zero >> /srv/flood 2> /dev/null; done")
  await eventually("nothing is free", () => free() < MiB, 30_000)
  await sleep(4_000)
  rmSync(ballast)
  await becomes(flood, held, 30_000)
  expect(events("ServiceFrozen")).toHaveLength(1)
  expect(free()).toBeGreaterThan(8 * MiB)
  expect(await runs("echo on")).toBe("on\n")
}, 120_000)
