/** A command run to its end, its output collected. */
import { Effect } from "effect"
import { type Command, type Ran, type SubstrateError, SubstrateFailed } from "../Substrate.js"
import { Accumulator } from "./Accumulator.js"
import * as Bounds from "./Bounds.js"
import type { Channel } from "./Channel.js"
import * as Exec from "./Exec.js"
import type { Sink } from "./Execs.js"
import { isLight, putNow, putSlowly } from "./Files.js"
import { Input } from "./Input.js"
import { backpressure } from "./Outgoing.js"
import { Malformed } from "./Reader.js"
import type { Exit, Out } from "./Reply.js"

/** What the spawner has beyond the command's own timeout to report its end. */
const GRACE_MILLIS = 10_000
const NOTHING = new Uint8Array(0)

type Resume = (outcome: Effect.Effect<Ran, SubstrateError>) => void

class Running implements Sink {
  exec = 0
  private stdout: Accumulator | undefined
  private stderr: Accumulator | undefined
  private readonly input: Input | undefined
  private readonly timer: NodeJS.Timeout

  constructor(
    private readonly channel: Channel,
    private readonly command: Command,
    private readonly resume: Resume
  ) {
    this.input = command.stdin === undefined ? undefined : new Input(channel)
    this.timer = setTimeout(() => this.late(), command.timeoutMillis + GRACE_MILLIS)
  }

  begin(): void {
    const { channel, command, input } = this
    const options = { stdin: input !== undefined }
    const files = command.files.length > 0
    const exec = channel.open(this, (number) => Exec.request(command, options, number), files)
    if (exec === undefined) return
    this.exec = exec
    input?.attach(exec)
    if (input?.all(command.stdin ?? NOTHING) === false) this.drop(backpressure())
  }

  out({ bytes, stream }: Out): void {
    const kept = this[stream]
    if ((kept?.length ?? 0) + bytes.length > this.command.outputCap)
      throw new Malformed("more output than was asked for")
    if (kept === undefined) this[stream] = new Accumulator(bytes)
    else kept.append(bytes)
  }

  room(bytes: number): void {
    if (this.input?.room(bytes) === false) this.drop(backpressure())
  }

  exit({ _tag, exec, ...exited }: Exit): void {
    clearTimeout(this.timer)
    if (this.command.final) this.channel.expectGone()
    this.resume(
      Effect.succeed({ ...exited, stdout: this.stdout?.bytes ?? NOTHING, stderr: this.stderr?.bytes ?? NOTHING })
    )
  }

  failed(error: SubstrateError): void {
    clearTimeout(this.timer)
    this.resume(Effect.fail(error))
  }

  /** Nobody waits for it any more; the container's owner destroys it. */
  forget(): void {
    clearTimeout(this.timer)
    this.channel.forget(this.exec)
  }

  private drop(error: SubstrateError): void {
    this.forget()
    this.resume(Effect.fail(error))
  }

  private late(): void {
    const message = `the end of the command was not reported ${GRACE_MILLIS} ms after its time was up`
    this.drop(new SubstrateFailed({ stage: "run", errno: 110, message }))
  }
}

const unbounded = new SubstrateFailed({ stage: "argument", errno: 22, message: "run needs a timeout" })

const refusal = (channel: Channel, command: Command): SubstrateError | undefined => {
  if (channel.end !== undefined) return channel.end
  if (command.timeoutMillis === 0) return unbounded
  return Bounds.command(command)
}

/** Interrupting it forgets the command, it does not end it. */
export const run = (channel: Channel, command: Command): Effect.Effect<Ran, SubstrateError> => {
  const attempt = (light: boolean) =>
    Effect.async<Ran, SubstrateError>((resume) => {
      if (light && !putNow(channel, command.files)) return resume(Effect.fail(channel.end ?? backpressure()))
      const running = new Running(channel, command, resume)
      running.begin()
      return Effect.sync(() => running.forget())
    })
  return Effect.suspend(() => {
    const refused = refusal(channel, command)
    if (refused !== undefined) return Effect.fail(refused)
    return isLight(command) ? attempt(true) : Effect.zipRight(putSlowly(channel, command.files), attempt(false))
  })
}
