/**
 * One container's side of the connection.
 *
 *     creating ──Created──▶ live ──Destroy, final exec, timeout──▶ going ──Gone──▶ gone
 *        └──Failed──▶ gone              any state ──connection lost──▶ lost
 */
import { Deferred, Effect, FiberId } from "effect"
import { type Gone, type SubstrateError, SubstrateFailed, type SubstrateLost } from "../Substrate.js"
import { Calls } from "./Calls.js"
import type { Connection, Route } from "./Connection.js"
import { Execs, failure, type Sink } from "./Execs.js"
import { backpressure } from "./Outgoing.js"
import { Malformed } from "./Reader.js"
import type { Reply } from "./Reply.js"
import type { Request } from "./Request.js"

const SIGKILL = 9
/** An undead container means that the spawner cannot be trusted. */
const UNDEAD_MILLIS = 15_000
/** One for all: an error that is made for each end would cost more than the end. */
const OVER = new SubstrateFailed({ stage: "gone", errno: 3, message: "the container is gone" })

export class Channel implements Route {
  readonly gone = Deferred.unsafeMake<Gone>(FiberId.none)
  /** What an end that was asked for comes to. */
  readonly ending = Deferred.unsafeMake<Gone, SubstrateLost>(FiberId.none)
  /** It was asked to survive us, and did not refuse. */
  kept = false
  private readonly calls = new Calls()
  private readonly execs: Execs
  private guard: NodeJS.Timeout | undefined
  private asked = false
  private ended: SubstrateError | undefined

  constructor(
    readonly connection: Connection,
    readonly number = connection.number()
  ) {
    this.execs = new Execs(number)
    this.ended = connection.over
    if (this.ended === undefined) connection.attach(this.number, this)
  }

  get survives(): boolean {
    return this.kept && !this.asked
  }

  /** Why nothing can be asked of it any more. */
  get end(): SubstrateError | undefined {
    return this.ended
  }

  /** Opens an exec whose frames go to `sink`; `request` gets its number. Undefined: `sink.failed` was told. */
  open(sink: Sink, request: (exec: number) => Request, files: boolean): number | undefined {
    const refusal = this.ended ?? this.execs.refusal()
    if (refusal !== undefined) return void sink.failed(refusal)
    const exec = this.execs.number()
    if (!this.connection.send(this.number, request(exec))) return void sink.failed(backpressure())
    this.execs.add(exec, sink, files)
    return exec
  }

  /** An exec of a former connection goes on in this one. */
  adopt(exec: number, sink: Sink): void {
    this.execs.adopt(exec, sink)
  }

  /** Its frames matter to nobody from now on. */
  forget(exec: number, remains?: Sink): void {
    this.execs.forget(exec, remains)
  }

  /** SIGKILL to its group; nothing can keep it back. */
  kill(exec: number, remains?: Sink): void {
    if (this.execs.has(exec)) this.connection.send(this.number, { _tag: "Signal", exec, signo: SIGKILL }, true)
    this.forget(exec, remains)
  }

  send(request: Request): boolean {
    return this.ended === undefined && this.connection.send(this.number, request)
  }

  /** Asks and waits for the answer. Late or interrupted, it still takes the answer that comes. */
  call(request: Request, answer: Reply["_tag"], millis: number): Effect.Effect<Reply, SubstrateError> {
    return Effect.async((resume) => {
      if (this.ended !== undefined) return resume(Effect.fail(this.ended))
      const { leave, send } = this.calls.add(request, answer, millis, resume)
      if (send && !this.send(request)) this.refused(backpressure())
      return Effect.sync(leave)
    })
  }

  /** Asks for the end once, and from then on the container must be gone in time. */
  destroy(): void {
    if (this.ended !== undefined || this.asked) return
    this.connection.send(this.number, { _tag: "Destroy" }, true)
    this.expectGone()
  }

  lost(lost: SubstrateLost): void {
    this.finish(lost)
    Deferred.unsafeDone(this.ending, Effect.fail(lost))
    // What we leave running is not gone.
    if (this.survives && this.connection.left) return
    Deferred.unsafeDone(this.gone, Effect.succeed({ reason: "lost", cpuMicros: 0, peakBytes: 0, left: null }))
  }

  reply(reply: Reply): void {
    switch (reply._tag) {
      case "Out":
        this.execs.of(reply.exec, reply._tag).out(reply)
        break
      case "Started":
        this.execs.started(reply.exec)
        break
      case "Exit":
        if (reply.how === "timed-out") this.expectGone()
        this.execs.exit(reply)
        break
      case "File":
        this.execs.of(reply.exec, reply._tag).file?.(reply)
        break
      case "Room":
        this.execs.find(reply.exec)?.room?.(reply.bytes)
        break
      case "Failed":
        if (reply.exec === 0) this.refused(failure(reply))
        else this.execs.failed(reply)
        break
      case "Gone":
        this.connection.detach(this.number)
        this.finish(OVER)
        this.over(reply.gone)
        break
      default:
        this.answered(reply)
    }
  }

  /** A failure of the container itself: of a file if it says so, else of the request that waits for an answer. */
  private refused(error: SubstrateFailed): void {
    if (error.stage.startsWith("put")) this.execs.missing(error)
    else if (this.calls.first?.request._tag !== "Create") this.next(Effect.fail(error))
    else {
      // A refused creation leaves nothing behind: there will be no Gone.
      this.connection.detach(this.number)
      this.finish(error)
      this.over({ reason: "asked", cpuMicros: 0, peakBytes: 0, left: 0 })
    }
  }

  private answered(reply: Reply): void {
    if (this.calls.first?.answer !== reply._tag) throw new Malformed(`${reply._tag} that nobody asked for`)
    this.next(Effect.succeed(reply))
  }

  private next(outcome: Effect.Effect<Reply, SubstrateError>): void {
    const request = this.calls.next(outcome)
    if (request !== undefined) this.connection.send(this.number, request, true)
  }

  /** Its end is under way: from now on it must be gone in time, or the connection is given up. */
  expectGone(): void {
    this.asked = true
    this.guard ??= setTimeout(
      () =>
        this.connection.lose(`container ${this.number} was not gone ${UNDEAD_MILLIS} ms after its end was asked for`),
      UNDEAD_MILLIS
    )
  }

  private over(gone: Gone): void {
    Deferred.unsafeDone(this.ending, Effect.succeed(gone))
    Deferred.unsafeDone(this.gone, Effect.succeed(gone))
  }

  private finish(why: SubstrateError): void {
    this.ended = why
    clearTimeout(this.guard)
    this.execs.end(why)
    this.calls.end(why)
  }
}
