/** A connection to a spawner that says whatever a test wants it to say. */
import { mkdtempSync, rmSync } from "node:fs"
import { createServer, type Server, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Exit } from "effect"
import { afterEach, beforeEach, vi } from "vitest"
import { Connection } from "../../src/substrate/local/Connection.js"
import { create } from "../../src/substrate/local/LocalContainer.js"
import type { Exit as Ended, Reply } from "../../src/substrate/local/Reply.js"
import type { Request } from "../../src/substrate/local/Request.js"
import type { Container, Gone } from "../../src/substrate/Substrate.js"
import { limits } from "./running.js"
import { framesOf, readRequest, writeReply } from "./spawnerSide.js"

/** Real time: what waits here waits for sockets. */
export const until = async (condition: () => boolean) => {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}

export const moment = () => Effect.runPromise(Effect.sleep("20 millis"))

export const fork = <A, E>(effect: Effect.Effect<A, E>) => Effect.runPromiseExit(effect)

/** The error that it failed with, or the whole cause if that was no plain failure. */
export const failure = async <A, E>(exit: Promise<Exit.Exit<A, E>>) =>
  Exit.match(await exit, {
    onSuccess: () => undefined,
    onFailure: (cause) => (cause._tag === "Fail" ? cause.error : cause)
  })

export const ended: Ended = {
  _tag: "Exit",
  exec: 1,
  how: "exited",
  code: 0,
  userMicros: 1,
  systemMicros: 2,
  peakBytes: 3,
  wallMicros: 4,
  stdoutBytes: 2,
  stderrBytes: 0,
  stdoutTruncated: false,
  stderrTruncated: false,
  oom: false
}

export const gone: Gone = { reason: "asked", cpuMicros: 1, peakBytes: 2, left: 0 }

export const out = (bytes: string | Buffer, exec = 1): Reply => ({
  _tag: "Out",
  exec,
  stream: "stdout",
  bytes: Buffer.from(bytes)
})

export class Scripted {
  private constructor(
    private readonly directory: string,
    private readonly server: Server,
    /** The spawner's end. */
    readonly socket: Socket,
    readonly connection: Connection,
    readonly requests: ReadonlyArray<{ readonly container: number; readonly frame: Request }>
  ) {}

  /** `listed`: nothing is left there of a former connection. */
  static async open(listed = true): Promise<Scripted> {
    const directory = mkdtempSync(join(tmpdir(), "unsandbox-test-"))
    const server = createServer()
    const accepted = new Promise<Socket>((resolve) => server.once("connection", resolve).listen(join(directory, "s")))
    const connection = new Connection(join(directory, "s"), join(directory, "dial"))
    if (listed) connection.above(0)
    const socket = await accepted
    const { frames, push } = framesOf(readRequest)
    socket.on("data", (chunk: Buffer) => push(chunk)).on("error", () => {})
    return new Scripted(directory, server, socket, connection, frames)
  }

  close(): void {
    this.connection.lose("the test is over")
    this.socket.destroy()
    this.server.close()
    rmSync(this.directory, { recursive: true })
  }

  sent(tag: Request["_tag"]) {
    return this.requests.filter(({ frame }) => frame._tag === tag)
  }

  asked(tag: Request["_tag"], count = 1) {
    return until(() => this.sent(tag).length >= count)
  }

  say(container: number, reply: Reply): void {
    this.socket.write(writeReply(container, reply))
  }

  /** A container made over this connection. */
  async box(): Promise<Container> {
    const count = this.sent("Create").length + 1
    const making = Effect.runPromise(create(this.connection, "box", limits))
    await this.asked("Create", count)
    this.say(this.sent("Create").at(-1)?.container ?? 0, { _tag: "Created", seal: "pid=1\n" })
    return making
  }
}

/** A fresh one for each test of the file; timers are real again after each. */
export const scripted = (use: (spawner: Scripted) => void) => {
  let current: Scripted | undefined
  beforeEach(async () => {
    current = await Scripted.open()
    use(current)
  })
  afterEach(() => {
    vi.useRealTimers()
    current?.close()
  })
}
