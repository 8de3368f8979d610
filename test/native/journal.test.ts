// Logged commands outlive the control plane and write to bounded files; a window slows a flood down and loses nothing.
import {
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
import { build, cgroupsOf, eventually, exit, failure, gone, Membrane, Type, u32 } from "./wire.js"

const directory = mkdtempSync(join(tmpdir(), "journal-"))
let membrane: Membrane
let next = 0

beforeAll(async () => {
  build()
  membrane = await Membrane.start()
  await membrane.hello()
})

afterAll(async () => {
  expect(await membrane.stop()).toBe(0)
  expect(cgroupsOf(membrane.name)).toEqual([])
  rmSync(directory, { recursive: true })
})

const fresh = async (): Promise<number> => {
  await membrane.created(++next)
  return next
}

const destroyed = async (container: number): Promise<void> => {
  membrane.send(Type.DESTROY, container)
  expect(gone((await membrane.next(Type.GONE, container)).body)).toMatchObject({ left: 0 })
}

const place = (): string => join(directory, `log-${++next}`)

const launch = (container: number, script: string, log: string, logCap = 1 << 20): number =>
  membrane.exec(container, ["bash", "-c", script], { log, logCap, timeout: 0 })

const helpers = (): number =>
  readFileSync(`/proc/${membrane.process.pid}/task/${membrane.process.pid}/children`, "utf8")
    .trim()
    .split(" ")
    .filter((pid) => pid !== "" && readFileSync(`/proc/${pid}/comm`, "utf8").startsWith("membrane-")).length

describe("a logged command", () => {
  it("writes both streams to its file, in order, and all of it before EXIT", async () => {
    const [container, log] = [await fresh(), place()]
    const number = launch(container, "echo one; echo two >&2; echo three; seq 20000; exit 5", log)
    const run = await membrane.finish(container, number)
    const text = readFileSync(log, "utf8")
    expect(text.startsWith("one\ntwo\nthree\n1\n")).toBe(true)
    expect(text.endsWith("20000\n")).toBe(true)
    expect(run.end).toMatchObject({ how: 0, code: 5, stdout: text.length, stderr: 0, flags: 0 })
    expect(run.stdout).toBe("")
    expect(statSync(log).mode & 0o777).toBe(0o600)
    await membrane.finish(container, launch(container, "echo again", log))
    expect(readFileSync(log, "utf8")).toBe(`${text}again\n`)
    expect(helpers()).toBe(0)
    await destroyed(container)
  })

  it("keeps at most two files of the cap, and the newest lines", async () => {
    const [container, log] = [await fresh(), place()]
    const run = await membrane.finish(container, launch(container, "seq 100000", log, 65536))
    expect([statSync(log).size <= 65536, statSync(`${log}.1`).size <= 65536]).toEqual([true, true])
    const text = readFileSync(`${log}.1`, "utf8") + readFileSync(log, "utf8")
    expect(text.endsWith("99999\n100000\n")).toBe(true)
    const lines = text.split("\n").slice(1, -1).map(Number)
    expect(lines.every((line, i) => i === 0 || line === (lines[i - 1] ?? 0) + 1)).toBe(true)
    expect(run.end).toMatchObject({ stdout: 588_895, flags: 1 })
    await destroyed(container)
  })

  it("goes on without a control plane, and its end is remembered", async () => {
    const [container, log, long] = [await fresh(), place(), place()]
    await membrane.keep(container, "service")
    const script = "echo begun; while ! test -e /tmp/go; do sleep 0.05; done; echo done; exit 7"
    const number = launch(container, script, log)
    const other = launch(container, "sleep 1000", long)
    await membrane.next(Type.STARTED, container)
    await membrane.next(Type.STARTED, container)
    await membrane.shell(container, "(setsid sleep 0.3; touch /tmp/go) > /dev/null 2>&1 &")
    membrane.socket.destroy()
    await membrane.ended()
    await eventually("the end", () => readFileSync(log, "utf8") === "begun\ndone\n")
    await new Promise((resolve) => setTimeout(resolve, 100))
    membrane = await membrane.again()
    const listed = (await membrane.list()).get(container)?.execs ?? []
    expect([...listed].sort((a, b) => a.exec - b.exec)).toEqual([
      { exec: number, ended: true, how: 0, code: 7 },
      { exec: other, ended: false, how: 0, code: 0 }
    ])
    expect(exit((await membrane.next(Type.EXIT, container)).body)).toMatchObject({ exec: number, code: 7, stdout: 11 })
    expect((await membrane.list()).get(container)?.execs).toEqual([{ exec: other, ended: false, how: 0, code: 0 }])
    membrane.send(Type.SIGNAL, container, u32(other), u32(15))
    expect((await membrane.finish(container, other)).end).toMatchObject({ how: 1, code: 15 })
    await destroyed(container)
  })

  it("that is still running when its container goes has its lines in the file", async () => {
    const [container, log] = [await fresh(), place()]
    const number = launch(container, "seq 1000; sleep 1000", log)
    await membrane.next(Type.STARTED, container)
    await eventually("its lines", () => readFileSync(log, "utf8").endsWith("1000\n"))
    await destroyed(container)
    expect((await membrane.finish(container, number)).end).toMatchObject({ how: 3, stdout: 3893 })
    expect(helpers()).toBe(0)
  })

  it("does not wait for what it left behind", async () => {
    const [container, log] = [await fresh(), place()]
    const run = await membrane.finish(
      container,
      launch(container, "(while :; do echo x; sleep 0.01; done) & echo y", log)
    )
    expect(run.end.code).toBe(0)
    expect(readFileSync(log, "utf8")).toContain("y\n")
    await destroyed(container)
  })

  it("may flood: its files stay bounded, and the loop is nobody's but the others'", async () => {
    const [container, log] = [await fresh(), place()]
    launch(container, "yes", log, 1 << 20)
    await membrane.next(Type.STARTED, container)
    for (let i = 0; i < 20; i++) {
      await membrane.list()
      await new Promise((resolve) => setTimeout(resolve, 25))
      expect(statSync(log, { throwIfNoEntry: false })?.size ?? 0).toBeLessThanOrEqual(1 << 20)
    }
    expect(statSync(`${log}.1`).size).toBeLessThanOrEqual(1 << 20)
    await destroyed(container)
  })

  it("is refused where its file cannot be had, and no link is followed", async () => {
    const container = await fresh()
    const refused = async (log: string, options: { flags?: number; logCap?: number } = {}) => {
      membrane.exec(container, ["true"], { log, ...options })
      return failure((await membrane.next(Type.FAILED, container)).body)
    }
    expect(await refused(join(directory, "none", "log"))).toMatchObject({ errno: 2, stage: "log" })
    expect(await refused("relative")).toMatchObject({ errno: 22, stage: "log" })
    expect(await refused(`${directory}/..`)).toMatchObject({ errno: 22, stage: "log" })
    expect(await refused(place(), { logCap: 10 })).toMatchObject({ errno: 22, stage: "log" })
    for (const flags of [1, 2]) expect(await refused(place(), { flags })).toMatchObject({ errno: 22, stage: "log" })
    const target = place()
    writeFileSync(target, "untouched")
    const [link, folder] = [place(), place()]
    symlinkSync(target, link)
    mkdirSync(folder)
    expect(await refused(link)).toMatchObject({ errno: 40, stage: "log" })
    expect(await refused(folder)).toMatchObject({ errno: 21, stage: "log" })
    expect(readFileSync(target, "utf8")).toBe("untouched")
    membrane.exec(container, ["no-such-program"], { log: place() })
    expect(failure((await membrane.next(Type.FAILED, container)).body)).toMatchObject({ errno: 2, stage: "execve" })
    await eventually("no helper", () => helpers() === 0)
    // As after any final command that could not start, the container goes.
    expect(await refused(place(), { flags: 4 })).toMatchObject({ errno: 22, stage: "log" })
    await membrane.next(Type.GONE, container)
  })
})

describe("a window", () => {
  const WINDOW = 0xffffffff
  const outs = (container: number) => membrane.match((f) => f.type === Type.OUT && f.container === container)

  it.each([
    ["a pipe", 0],
    ["a terminal", 1]
  ])("holds a flood on %s until it is granted more, and drops nothing", async (_, flags) => {
    const container = await fresh()
    const script = "stty raw 2> /dev/null; head -c 5000000 /dev/zero; echo end >&2; exit 3"
    const number = membrane.exec(container, ["bash", "-c", script], { cap: WINDOW, flags })
    let total = 0
    for (; total < 1 << 20; ) total += (await outs(container)).body.length - 5
    expect(total).toBe(1 << 20)
    await expect(membrane.match((f) => f.container === container && f.type !== Type.STARTED, 300)).rejects.toThrow()
    for (let ended = false; !ended; ) {
      membrane.send(Type.GRANT, container, u32(number), u32(100_000))
      const frame = await membrane.match((f) => f.container === container && f.type !== Type.STARTED)
      ended = frame.type === Type.EXIT
      if (!ended) total += frame.body.length - 5
      else expect(exit(frame.body)).toMatchObject({ code: 3, flags: 0 })
    }
    expect(total).toBe(5_000_000 + "end\n".length)
    await destroyed(container)
  })

  it("waits with EXIT for what is left, and credit beyond it is cut", async () => {
    const container = await fresh()
    const number = membrane.exec(container, ["bash", "-c", "head -c 1100000 /dev/zero"], { cap: WINDOW })
    let total = 0
    for (; total < 1 << 20; ) total += (await outs(container)).body.length - 5
    await expect(membrane.next(Type.EXIT, container, 300)).rejects.toThrow()
    membrane.send(Type.GRANT, container, u32(number), u32(0xffffffff))
    const run = await membrane.finish(container, number)
    expect(total + run.stdout.length).toBe(1_100_000)
    expect(run.end).toMatchObject({ code: 0, stdout: 1_100_000, flags: 0 })
    await destroyed(container)
  })

  it("does not hold up the end of its container", async () => {
    const container = await fresh()
    membrane.exec(container, ["yes"], { cap: WINDOW })
    let total = 0
    for (; total < 1 << 20; ) total += (await outs(container)).body.length - 5
    await destroyed(container)
    expect(exit((await membrane.next(Type.EXIT, container)).body).how).toBe(3)
  })
})

describe("everything", () => {
  it("leaves no descriptor and no helper", async () => {
    const descriptors = () => readdirSync(`/proc/${membrane.process.pid}/fd`).length
    const before = descriptors()
    for (let i = 0; i < 20; i++) {
      const container = await fresh()
      await membrane.finish(container, launch(container, "echo x", place()))
      launch(container, "sleep 1000", place())
      membrane.exec(container, ["yes"], { cap: 0xffffffff })
      await membrane.next(Type.STARTED, container)
      await destroyed(container)
    }
    expect([descriptors(), helpers()]).toEqual([before, 0])
  })
})
