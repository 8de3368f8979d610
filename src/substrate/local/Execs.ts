/** The execs of one container: who takes the frames of each, and which of them still wait for their files. */
import { type SubstrateError, SubstrateFailed } from "../Substrate.js"
import { Malformed } from "./Reader.js"
import type { Exit, Failed, Out, Piece } from "./Reply.js"

/** Who takes the frames of one exec. After `exit` or `failed` it gets nothing more. */
export interface Sink {
  readonly started?: () => void
  readonly out: (out: Out) => void
  readonly file?: (piece: Piece) => void
  readonly room?: (bytes: number) => void
  readonly exit: (exit: Exit) => void
  readonly failed: (error: SubstrateError) => void
}

const FORGOTTEN: Sink = { out: () => {}, exit: () => {}, failed: () => {} }
/** Stages of failures that answer a frame to a running exec, which goes on. */
const PASSING = ["stdin", "signal", "resize"]

export const failure = ({ stage, errno, message }: Failed) => new SubstrateFailed({ stage, errno, message })

export class Execs {
  /** A file could not be put: the next exec must not run without it. */
  private spoiled: SubstrateFailed | undefined
  private readonly sinks = new Map<number, Sink>()
  private unstarted: Set<number> | undefined
  private last = 0

  constructor(private readonly container: number) {}

  /** Why the next one must not run; told once. */
  refusal(): SubstrateFailed | undefined {
    const { spoiled } = this
    this.spoiled = undefined
    return spoiled
  }

  number(): number {
    return ++this.last
  }

  /** `files`: it does not run without those that are put for it. */
  add(exec: number, sink: Sink, files: boolean): void {
    this.sinks.set(exec, sink)
    if (!files) return
    this.unstarted ??= new Set()
    this.unstarted.add(exec)
  }

  /** One of a former connection goes on in this one. */
  adopt(exec: number, sink: Sink): void {
    this.sinks.set(exec, sink)
    this.last = Math.max(this.last, exec)
  }

  has(exec: number): boolean {
    return this.sinks.has(exec)
  }

  find(exec: number): Sink | undefined {
    return this.sinks.get(exec)
  }

  /** One that a frame is for. */
  of(exec: number, tag: string): Sink {
    const sink = this.sinks.get(exec)
    if (sink === undefined) throw new Malformed(`${tag} for exec ${exec} of container ${this.container}`)
    return sink
  }

  forget(exec: number, remains: Sink = FORGOTTEN): void {
    if (this.sinks.has(exec)) this.sinks.set(exec, remains)
  }

  started(exec: number): void {
    this.unstarted?.delete(exec)
    this.of(exec, "Started").started?.()
  }

  exit(exit: Exit): void {
    const sink = this.of(exit.exec, exit._tag)
    this.remove(exit.exec)
    sink.exit(exit)
  }

  failed(reply: Failed): void {
    const sink = this.sinks.get(reply.exec)
    if (sink === undefined || PASSING.some((stage) => reply.stage.startsWith(stage))) return
    this.remove(reply.exec)
    sink.failed(failure(reply))
  }

  /** A file is not there: whatever was to run with it must not count as having run. */
  missing(error: SubstrateFailed): void {
    const without = [...(this.unstarted ?? [])]
    if (without.length === 0) this.spoiled = error
    for (const exec of without) {
      const sink = this.sinks.get(exec)
      this.forget(exec)
      sink?.failed(error)
    }
    this.unstarted = undefined
  }

  /** None of them hears of anything any more. */
  end(why: SubstrateError): void {
    const sinks = [...this.sinks.values()]
    this.sinks.clear()
    for (const sink of sinks) sink.failed(why)
  }

  private remove(exec: number): void {
    this.sinks.delete(exec)
    this.unstarted?.delete(exec)
  }
}
