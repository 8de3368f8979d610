/** A command that runs beside its caller: output as a stream, input in parts. */
import { Chunk, Deferred, Effect, FiberId, Option, type Scope, Stream } from "effect"
import {
  type Command,
  type Exited,
  type Process,
  type ProcessOptions,
  type SubstrateError,
  SubstrateFailed
} from "../Substrate.js"
import { Accumulator } from "./Accumulator.js"
import * as Bounds from "./Bounds.js"
import type { Channel } from "./Channel.js"
import { Credit } from "./Credit.js"
import * as Exec from "./Exec.js"
import type { Sink } from "./Execs.js"
import { isLight, putNow, putSlowly } from "./Files.js"
import { Input } from "./Input.js"
import { backpressure } from "./Outgoing.js"
import type { Exit, Out } from "./Reply.js"
import type { Request } from "./Request.js"

type Output = { readonly stream: "stdout" | "stderr"; readonly bytes: Uint8Array }
type Pull = Effect.Effect<Chunk.Chunk<Output>, Option.Option<SubstrateError>>

/** Capped output that nobody has read yet; beyond it the process is killed. */
const UNREAD_MAX = 8 * 1024 * 1024
/** Small pieces are joined up to it, so that unread output costs what it weighs. */
const JOINED = 32 * 1024

const unread = new SubstrateFailed({ stage: "output", errno: 105, message: "8 MiB of output were not read: killed" })

class Streaming implements Sink {
  readonly begun = Deferred.unsafeMake<void, SubstrateError>(FiberId.none)
  readonly exited = Deferred.unsafeMake<Exited, SubstrateError>(FiberId.none)
  readonly input: Input
  /** Of output that is not capped: whoever reads slowly slows the program down. */
  private readonly credit: Credit | undefined
  exec = 0
  private unread: Array<{ readonly stream: Output["stream"]; readonly bytes: Accumulator }> = []
  private weight = 0
  private handed = 0
  private wake: (() => void) | undefined
  private end: Option.Option<SubstrateError> | undefined

  constructor(
    private readonly channel: Channel,
    private readonly command: Command
  ) {
    this.input = new Input(channel)
    this.credit = command.outputCap === 0 ? new Credit(channel) : undefined
  }

  begin(options: ProcessOptions): void {
    const files = this.command.files.length > 0
    const way = { ...options, granted: this.credit !== undefined }
    const exec = this.channel.open(this, (number) => Exec.request(this.command, way, number), files)
    if (exec === undefined) return
    this.exec = exec
    this.input.attach(exec)
  }

  started(): void {
    Deferred.unsafeDone(this.begun, Effect.void)
  }

  out({ bytes, stream }: Out): void {
    this.weight += bytes.length
    this.credit?.came(bytes.length)
    const last = this.unread.at(-1)
    if (this.weight > UNREAD_MAX) this.kill(unread)
    else if (last?.stream === stream && last.bytes.length + bytes.length <= JOINED) last.bytes.append(bytes)
    else this.unread.push({ stream, bytes: new Accumulator(bytes) })
    this.wake?.()
  }

  room(bytes: number): void {
    if (!this.input.room(bytes)) this.kill(backpressure())
  }

  exit({ _tag, exec, ...exited }: Exit): void {
    if (this.command.final) this.channel.expectGone()
    this.over(Option.none(), Effect.succeed(exited))
  }

  failed(error: SubstrateError): void {
    this.over(Option.some(error), Effect.fail(error))
  }

  /** SIGKILL to its group, unless it has ended. */
  kill(error: SubstrateError): void {
    if (this.end !== undefined) return
    this.channel.kill(this.exec, this.credit?.waive(this.exec))
    this.failed(error)
  }

  readonly pull: Pull = Effect.async((resume) => {
    const take = () => {
      this.wake = undefined
      resume(this.take())
    }
    // Whoever asks for more is done with what it got.
    if (this.end === undefined) this.credit?.consumed(this.exec, this.handed)
    this.handed = 0
    if (this.unread.length > 0 || this.end !== undefined) return take()
    this.wake = take
    return Effect.sync(() => {
      this.wake = undefined
    })
  })

  private take(): Pull {
    if (this.unread.length === 0) return Effect.fail(this.end ?? Option.none())
    const pieces = this.unread
    this.unread = []
    this.handed = this.weight
    this.weight = 0
    return Effect.succeed(Chunk.unsafeFromArray(pieces.map(({ bytes, stream }) => ({ stream, bytes: bytes.bytes }))))
  }

  private over(end: Option.Option<SubstrateError>, exited: Effect.Effect<Exited, SubstrateError>): void {
    this.end = end
    Deferred.unsafeDone(this.begun, Effect.asVoid(exited))
    Deferred.unsafeDone(this.exited, exited)
    this.wake?.()
  }
}

const closed = new SubstrateFailed({ stage: "exec", errno: 3, message: "its scope was closed" })

const process = (channel: Channel, streaming: Streaming): Process => {
  const send = (request: Request) =>
    Effect.suspend(() => (channel.send(request) ? Effect.void : Effect.fail(channel.end ?? backpressure())))
  return {
    output: Stream.repeatEffectChunkOption(streaming.pull),
    write: (bytes) =>
      Effect.suspend<boolean, SubstrateError, never>(() => channel.end ?? Effect.succeed(streaming.input.part(bytes))),
    resize: (columns, rows) =>
      Bounds.terminal(columns, rows) ?? send({ _tag: "Resize", exec: streaming.exec, columns, rows }),
    signal: (signo) => Bounds.signal(signo) ?? send({ _tag: "Signal", exec: streaming.exec, signo }),
    exited: Deferred.await(streaming.exited)
  }
}

const begin = (channel: Channel, command: Command, options: ProcessOptions) =>
  Effect.suspend<Streaming, SubstrateError, never>(() => {
    const streaming = new Streaming(channel, command)
    if (isLight(command) && !putNow(channel, command.files)) return channel.end ?? backpressure()
    streaming.begin(options)
    return Effect.succeed(streaming)
  })

/** Resolves once it runs. */
export const start = (
  channel: Channel,
  command: Command,
  options: ProcessOptions
): Effect.Effect<Process, SubstrateError, Scope.Scope> =>
  Effect.gen(function* () {
    const { columns, rows } = options.tty ?? { columns: 0, rows: 0 }
    const refused = channel.end ?? Bounds.command(command) ?? Bounds.terminal(columns, rows)
    if (refused !== undefined) return yield* refused
    if (!isLight(command)) yield* putSlowly(channel, command.files)
    const streaming = yield* Effect.acquireRelease(begin(channel, command, options), (streaming) =>
      Effect.sync(() => streaming.kill(closed))
    )
    yield* Exec.begun(streaming.begun)
    return process(channel, streaming)
  })
