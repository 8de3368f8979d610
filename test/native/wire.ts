// A bare client of the membrane for its own tests: it speaks frames and hides nothing of them.
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { createConnection, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { fileURLToPath } from "node:url"

export const root = fileURLToPath(new URL("../..", import.meta.url))

export const Type = {
  HELLO: 0x01,
  CREATE: 0x02,
  LIMIT: 0x03,
  PUT: 0x04,
  EXEC: 0x05,
  STDIN: 0x06,
  RESIZE: 0x07,
  SIGNAL: 0x08,
  COLLECT: 0x09,
  FREEZE: 0x0a,
  UNFREEZE: 0x0b,
  DESTROY: 0x0c,
  LIST: 0x0d,
  KEEP: 0x0f,
  ATTACH: 0x10,
  EGRESS: 0x12,
  STOP: 0x13,
  SEAL: 0x14,
  GRANT: 0x15,
  CREATED: 0x82,
  FAILED: 0x83,
  LIMITED: 0x84,
  STARTED: 0x85,
  OUT: 0x86,
  EXIT: 0x87,
  FILE: 0x88,
  GONE: 0x89,
  FROZEN: 0x8a,
  THAWED: 0x8b,
  LISTING: 0x8c,
  ERROR: 0x8d,
  ROOM: 0x8e,
  KEPT: 0x8f,
  SEALED: 0x90,
  ATTACHED: 0x91,
  LISTENING: 0x92
} as const

export interface Frame {
  readonly type: number
  readonly container: number
  readonly body: Buffer
}

export const u8 = (n: number): Buffer => Buffer.from([n])

export const u16 = (n: number): Buffer => {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16LE(n)
  return bytes
}

export const u32 = (n: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(n)
  return bytes
}

export const u64 = (n: number): Buffer => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(n))
  return bytes
}

export const str = (text: string | Buffer): Buffer => {
  const bytes = Buffer.from(text)
  return Buffer.concat([u32(bytes.length), bytes])
}

export const list = (items: ReadonlyArray<string>): Buffer => Buffer.concat([u32(items.length), ...items.map(str)])

export const encode = (type: number, container: number, ...parts: ReadonlyArray<Buffer>): Buffer => {
  const body = Buffer.concat(parts)
  return Buffer.concat([u32(5 + body.length), u8(type), u32(container), body])
}

const strAt = (body: Buffer, at: number): string => body.toString("utf8", at + 4, at + 4 + body.readUInt32LE(at))

export const failure = (body: Buffer) => {
  const stage = strAt(body, 8)
  return {
    exec: body.readUInt32LE(0),
    errno: body.readUInt32LE(4),
    stage,
    message: strAt(body, 12 + Buffer.byteLength(stage))
  }
}

export const exit = (body: Buffer) => ({
  exec: body.readUInt32LE(0),
  how: body.readUInt8(4),
  code: body.readUInt32LE(5),
  cpu: Number(body.readBigUInt64LE(9) + body.readBigUInt64LE(17)),
  peak: Number(body.readBigUInt64LE(25)),
  wall: Number(body.readBigUInt64LE(33)),
  stdout: Number(body.readBigUInt64LE(41)),
  stderr: Number(body.readBigUInt64LE(49)),
  flags: body.readUInt8(57)
})

export const gone = (body: Buffer) => ({
  reason: body.readUInt8(0),
  cpu: Number(body.readBigUInt64LE(1)),
  peak: Number(body.readBigUInt64LE(9)),
  left: body.readUInt32LE(17)
})

interface Listed {
  readonly state: number
  readonly kept: boolean
  readonly label: string
  readonly hostname: string
  readonly execs: ReadonlyArray<{
    readonly exec: number
    readonly ended: boolean
    readonly how: number
    readonly code: number
  }>
}

export const listing = (body: Buffer): ReadonlyMap<number, Listed> => {
  let at = 0
  const take = (bytes: number) => {
    at += bytes
    return body.subarray(at - bytes, at)
  }
  const number = (bytes: 1 | 4) => take(bytes).readUIntLE(0, bytes)
  const text = () => take(number(4)).toString()
  const exec = () => ({ exec: number(4), ended: number(1) === 1, how: number(1), code: number(4) })
  const container = (): [number, Listed] => {
    const id = number(4)
    const head = { state: number(1), kept: number(1) === 1, label: text(), hostname: text() }
    return [id, { ...head, execs: Array.from({ length: number(4) }, exec) }]
  }
  return new Map(Array.from({ length: number(4) }, container))
}

export const seal = (body: Buffer): ReadonlyMap<string, string> =>
  new Map(
    strAt(body, 0)
      .trimEnd()
      .split("\n")
      .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)])
  )

export interface Limits {
  readonly memory?: number
  readonly cpu?: number
  readonly pids?: number
  readonly tmp?: number
}

export interface Command {
  readonly flags?: number
  readonly timeout?: number
  readonly cap?: number
  readonly cwd?: string
  readonly env?: ReadonlyArray<string>
  readonly log?: string
  readonly logCap?: number
}

export interface Outcome {
  readonly stdout: string
  readonly stderr: string
  readonly end: ReturnType<typeof exit>
}

export interface Options {
  readonly name?: string
  readonly program?: string
  readonly args?: ReadonlyArray<string>
  // A command that starts the program (as another user), and the directory of its socket.
  readonly wrap?: ReadonlyArray<string>
  readonly directory?: string
}

let made = 0

const deadline = (what: string, ms: number) => {
  const limit = new Promise<never>((_, reject) =>
    setTimeout(() => reject(new Error(`${what} took over ${ms} ms`)), ms).unref()
  )
  // What it guards may have ended long before.
  limit.catch(() => undefined)
  return limit
}

export class Membrane {
  readonly stderr: Array<string> = []
  #waiting: Array<() => void> = []
  #frames: Array<Frame> = []
  #bytes: Array<Buffer> = []
  #size = 0
  #ended = false
  #nextExec = 1

  private constructor(
    readonly name: string,
    readonly directory: string,
    readonly path: string,
    readonly process: ChildProcess,
    readonly socket: Socket
  ) {
    socket.on("data", (bytes: Buffer) => this.#take(bytes))
    socket.on("error", () => undefined)
    socket.on("close", () => {
      this.#ended = true
      this.#wake()
    })
    process.stderr?.on("data", (bytes: Buffer) => this.stderr.push(bytes.toString()))
  }

  static async start(options: Options = {}): Promise<Membrane> {
    const name = options.name ?? `test-${process.pid}-${++made}`
    const directory = options.directory ?? mkdtempSync(join(tmpdir(), "membrane-"))
    const path = join(directory, "control")
    const program = resolve(root, "build", options.program ?? "membrane")
    const [command = "", ...rest] = [...(options.wrap ?? []), program]
    const dial = ["--dial", join(directory, "dial")]
    const args = [...rest, "spawn", "--listen", path, "--name", name, ...dial, ...(options.args ?? [])]
    const child = spawn(command, args, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ASAN_OPTIONS: "detect_leaks=0:exitcode=99", UBSAN_OPTIONS: "print_stacktrace=1" }
    })
    await Promise.race([once(child.stdout, "data"), once(child, "exit"), deadline("starting", 20_000)])
    return Membrane.#connect(name, directory, path, child)
  }

  static async #connect(name: string, directory: string, path: string, child: ChildProcess): Promise<Membrane> {
    const socket = createConnection(path)
    await Promise.race([once(socket, "connect"), deadline("connecting", 5_000)])
    return new Membrane(name, directory, path, child, socket)
  }

  // Connects to a spawner that somebody else started.
  static adopt(name: string, directory: string, child: ChildProcess): Promise<Membrane> {
    return Membrane.#connect(name, directory, join(directory, "control"), child)
  }

  async attach(container: number, directory: string): Promise<void> {
    this.send(Type.ATTACH, container, str(directory))
    const { type, body } = await this.match(
      (f) => f.container === container && (f.type === Type.ATTACHED || f.type === Type.FAILED)
    )
    if (type === Type.FAILED) throw new Error(JSON.stringify(failure(body)))
  }

  // Hangs up and comes again, as another control plane would.
  async again(): Promise<Membrane> {
    this.socket.destroy()
    await this.ended()
    const next = await Membrane.#connect(this.name, this.directory, this.path, this.process)
    next.#nextExec = this.#nextExec
    await next.hello()
    return next
  }

  async list(): Promise<ReturnType<typeof listing>> {
    this.send(Type.LIST, 0)
    return listing((await this.next(Type.LISTING)).body)
  }

  async keep(container: number, label: string): Promise<void> {
    this.send(Type.KEEP, container, str(label))
    await this.next(Type.KEPT, container)
  }

  async hello(): Promise<Buffer> {
    this.send(Type.HELLO, 0, u32(2))
    return (await this.next(0x81)).body
  }

  send(type: number, container: number, ...parts: ReadonlyArray<Buffer>): void {
    this.socket.write(encode(type, container, ...parts))
  }

  create(container: number, limits: Limits = {}): void {
    const { memory = 256 << 20, cpu = 1000, pids = 64, tmp = 64 << 20 } = limits
    this.send(Type.CREATE, container, u64(memory), u32(cpu), u32(pids), u64(tmp), str("box"))
  }

  async created(container: number, limits: Limits = {}): Promise<ReadonlyMap<string, string>> {
    this.create(container, limits)
    return seal((await this.next(Type.CREATED, container)).body)
  }

  exec(container: number, argv: ReadonlyArray<string>, options: Command = {}): number {
    const number = this.#nextExec++
    const {
      flags = 0,
      timeout = 20_000,
      cap = 1 << 20,
      cwd = "/tmp",
      env = ["PATH=/usr/local/bin:/usr/bin:/bin"],
      log,
      logCap = 1 << 20
    } = options
    const tail = log === undefined ? [] : [str(log), u64(logCap)]
    const head = [u32(number), u8(flags | (log === undefined ? 0 : 8)), u32(timeout), u32(cap), u16(80), u16(24)]
    this.send(Type.EXEC, container, ...head, str(cwd), list(argv), list(env), ...tail)
    return number
  }

  // Runs a shell script to its end; a FAILED is an error.
  async shell(container: number, script: string, options: Command = {}): Promise<Outcome> {
    return this.finish(container, this.exec(container, ["bash", "-c", script], options))
  }

  async finish(container: number, number: number): Promise<Outcome> {
    const texts: [string, string] = ["", ""]
    for (;;) {
      const frame = await this.match(
        (f) =>
          f.container === container &&
          f.type !== Type.STARTED &&
          f.body.length >= 4 &&
          f.body.readUInt32LE(0) === number
      )
      if (frame.type === Type.FAILED) throw new Error(JSON.stringify(failure(frame.body)))
      if (frame.type === Type.EXIT) return { stdout: texts[0], stderr: texts[1], end: exit(frame.body) }
      if (frame.type === Type.OUT) texts[frame.body.readUInt8(4) === 1 ? 0 : 1] += frame.body.toString("utf8", 5)
    }
  }

  next(type: number, container?: number, ms = 20_000): Promise<Frame> {
    return this.match((f) => f.type === type && (container === undefined || f.container === container), ms)
  }

  // The first frame, from now or before, that is wanted; the others stay.
  async match(wanted: (frame: Frame) => boolean, ms = 20_000): Promise<Frame> {
    const limit = deadline("waiting for a frame", ms)
    for (;;) {
      const at = this.#frames.findIndex(wanted)
      const [frame] = at < 0 ? [] : this.#frames.splice(at, 1)
      if (frame !== undefined) return frame
      if (this.#ended) throw new Error(`the connection closed; ${this.stderr.join("")}`)
      await this.#news(limit)
    }
  }

  get closed(): boolean {
    return this.#ended
  }

  async ended(): Promise<void> {
    const limit = deadline("closing", 20_000)
    while (!this.#ended) await this.#news(limit)
  }

  // Hangs up and waits for the process: its exit status.
  async stop(): Promise<number | null> {
    this.socket.destroy()
    if (this.process.exitCode === null && this.process.signalCode === null)
      await Promise.race([once(this.process, "exit"), deadline("ending", 30_000)]).catch((cause) => {
        // A kept container that a failed test left behind would keep it for ever.
        this.process.kill("SIGTERM")
        throw cause
      })
    rmSync(this.directory, { recursive: true, force: true })
    return this.process.exitCode
  }

  #take(bytes: Buffer): void {
    this.#bytes.push(bytes)
    this.#size += bytes.length
    let buffer = this.#size > bytes.length ? Buffer.concat(this.#bytes) : bytes
    while (buffer.length >= 4 && buffer.length >= 4 + buffer.readUInt32LE(0)) {
      const end = 4 + buffer.readUInt32LE(0)
      this.#frames.push({ type: buffer.readUInt8(4), container: buffer.readUInt32LE(5), body: buffer.subarray(9, end) })
      buffer = buffer.subarray(end)
    }
    this.#bytes = buffer.length > 0 ? [buffer] : []
    this.#size = buffer.length
    this.#wake()
  }

  #news(limit: Promise<never>): Promise<void> {
    return Promise.race([new Promise<void>((resolve) => this.#waiting.push(resolve)), limit])
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}

// Every cgroup directory of an instance, in whatever hierarchy. Those of others come and go while it looks, and it minds.
export const cgroupsOf = (name: string): ReadonlyArray<string> =>
  spawnSync("find", ["/sys/fs/cgroup", "-maxdepth", "6", "-type", "d"])
    .stdout.toString()
    .split("\n")
    .filter((line) => line.split("/").includes(`unsandbox-${name}`))

// A zombie that its new parent has not reaped yet runs nothing any more.
export const isAlive = (pid: string): boolean => {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"))
  } catch {
    return false
  }
}

export const eventually = async (what: string, holds: () => boolean | Promise<boolean>): Promise<void> => {
  for (let i = 0; i < 200; i++) {
    if (await holds()) return
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error(`${what} did not come true`)
}

const isRoot = process.getuid?.() === 0
export const ordinaryUser = isRoot ? 61_234 : (process.getuid?.() ?? 0)

// Root tries the ordinary user's mode as nobody's neighbour; an ordinary user is one already.
export const asOrdinary: ReadonlyArray<string> = isRoot
  ? ["setpriv", "--reuid", String(ordinaryUser), "--regid", String(ordinaryUser), "--clear-groups"]
  : ["env"]
export const spawnAs = (...command: ReadonlyArray<string>): number | null =>
  spawnSync(asOrdinary[0] ?? "", [...asOrdinary.slice(1), ...command]).status

export const ordinary = spawnAs("unshare", "--user", "true") === 0

export const build = (...args: ReadonlyArray<string>): void => {
  execFileSync(process.execPath, [join(root, "src", "native", "build.mjs"), ...args], { stdio: "pipe" })
}
