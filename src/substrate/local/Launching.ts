/** A command that outlives us: its output goes to a file, and its end is told to whoever is connected then. */
import { Deferred, Effect, FiberId } from "effect"
import type { Command, Exited, Launched, LogFile, SubstrateError } from "../Substrate.js"
import * as Bounds from "./Bounds.js"
import type { Channel } from "./Channel.js"
import * as Exec from "./Exec.js"
import type { Sink } from "./Execs.js"
import { isLight, putNow, putSlowly } from "./Files.js"
import { backpressure } from "./Outgoing.js"
import { Malformed } from "./Reader.js"
import type { Exit } from "./Reply.js"

export class Launching implements Sink {
  readonly begun = Deferred.unsafeMake<void, SubstrateError>(FiberId.none)
  private readonly exited = Deferred.unsafeMake<Exited, SubstrateError>(FiberId.none)
  private exec = 0

  constructor(private readonly channel: Channel) {}

  begin(command: Command, log: LogFile): void {
    const way = { stdin: false, log }
    const files = command.files.length > 0
    this.exec = this.channel.open(this, (number) => Exec.request(command, way, number), files) ?? 0
  }

  /** One that a former control plane launched. */
  adopt(exec: number): Launched {
    this.exec = exec
    this.channel.adopt(exec, this)
    return this.launched
  }

  readonly launched: Launched = {
    exited: Deferred.await(this.exited),
    signal: (signo) =>
      Effect.suspend<void, SubstrateError, never>(() => {
        const refused = Bounds.signal(signo) ?? this.channel.end
        if (refused !== undefined) return refused
        return this.channel.send({ _tag: "Signal", exec: this.exec, signo }) ? Effect.void : backpressure()
      })
  }

  started(): void {
    Deferred.unsafeDone(this.begun, Effect.void)
  }

  out(): void {
    throw new Malformed("output that goes to a file")
  }

  exit({ _tag, exec, ...exited }: Exit): void {
    this.over(Effect.succeed(exited))
  }

  failed(error: SubstrateError): void {
    this.over(Effect.fail(error))
  }

  /** SIGKILL to its group: nobody will ever hear of it. */
  drop(): void {
    this.channel.kill(this.exec)
  }

  private over(exited: Effect.Effect<Exited, SubstrateError>): void {
    Deferred.unsafeDone(this.begun, Effect.asVoid(exited))
    Deferred.unsafeDone(this.exited, exited)
  }
}

/** Resolves once it runs; whoever does not wait for that has it killed. */
export const launch = (channel: Channel, command: Command, log: LogFile): Effect.Effect<Launched, SubstrateError> => {
  const begin = (light: boolean) => {
    const launching = new Launching(channel)
    return Effect.suspend<void, SubstrateError, never>(() => {
      if (light && !putNow(channel, command.files)) return channel.end ?? backpressure()
      launching.begin(command, log)
      return Exec.begun(launching.begun)
    }).pipe(
      Effect.onExit((exit) => (exit._tag === "Success" ? Effect.void : Effect.sync(() => launching.drop()))),
      Effect.as(launching.launched)
    )
  }
  return Effect.suspend<Launched, SubstrateError, never>(() => {
    const refused = channel.end ?? Bounds.launch(command, log)
    if (refused !== undefined) return refused
    return isLight(command) ? begin(true) : Effect.zipRight(putSlowly(channel, command.files), begin(false))
  })
}
