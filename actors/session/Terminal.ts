/**
 * A session's terminal: what its programs show goes into a ring, from which everybody connected reads at a pace of their
 * own. When somebody is a whole ring behind, the programs wait; who holds the others up for long is let go.
 */
import { Effect, Option, Stream } from "effect"
import { Signal } from "../../src/kernel/Signal.js"
import type { StoreUnavailable } from "../../src/store/Blobs.js"
import type { Recording } from "../../src/store/Recordings.js"
import type { Process, SubstrateError } from "../../src/substrate/Substrate.js"
import { Ring } from "./Ring.js"
import { Parting } from "./Sessions.js"

interface Size {
  readonly columns: number
  readonly rows: number
}

const RING = 1024 * 1024
/** One piece of output is never larger; one read is neither. */
const PIECE = 64 * 1024
const HELD_UP = "10 seconds"
const REPAINT = "50 millis"
const LARGEST = 1_000

/** Somebody who reads. */
export interface Viewer {
  /** Offset of the next byte that it reads. */
  at: number
  parting: Parting | undefined
  wake: (() => void) | undefined
}

export class Terminal {
  private readonly ring = new Ring(RING)
  private readonly viewers = new Set<Viewer>()
  private readonly drained = new Signal()
  /** Rung when somebody comes or goes; for the one who waits for that. */
  readonly presence = new Signal()
  private process: Process | undefined
  /** Offset up to which somebody has read. */
  private seen = 0
  /** What whoever is tall and wide last said. */
  size: Size = { columns: 80, rows: 24 }
  /** Whether anybody was ever there. */
  visited = false

  /** Undefined: nothing of it is recorded. */
  recording: { readonly into: Recording; readonly typed: boolean } | undefined

  /** Those who have not been told to go. */
  get connected(): number {
    let count = 0
    for (const { parting } of this.viewers) if (parting === undefined) count += 1
    return count
  }

  /** Those who are there, told to go or not. */
  get present(): number {
    return this.viewers.size
  }

  /** Shows what the process writes, until it ends; it takes what is typed meanwhile. */
  serve(process: Process): Effect.Effect<void, SubstrateError | StoreUnavailable> {
    return Effect.acquireUseRelease(
      Effect.sync(() => {
        this.process = process
        // It paints the screen anew: what was there before is of no use to who comes now.
        this.seen = this.ring.end
      }),
      () => Stream.runForEach(process.output, ({ bytes }) => this.show(bytes)),
      () =>
        Effect.sync(() => {
          this.process = undefined
        })
    )
  }

  /** From that offset, as far as it is still there; otherwise from what nobody has seen yet. */
  join(since: number | undefined): Viewer {
    const unseen = this.viewers.size === 0 ? this.seen : this.ring.end
    const at = Math.min(this.ring.end, Math.max(since ?? unseen, this.ring.start))
    const viewer: Viewer = { at, parting: undefined, wake: undefined }
    this.viewers.add(viewer)
    this.visited = true
    this.presence.ring()
    return viewer
  }

  leave(viewer: Viewer): void {
    if (!this.viewers.delete(viewer)) return
    this.seen = Math.max(this.seen, viewer.at)
    this.drained.ring()
    this.presence.ring()
  }

  /** What is there, and waits when there is nothing; the parting comes after the last byte. */
  read(viewer: Viewer): Effect.Effect<Uint8Array | Parting> {
    return Effect.async((resume) => {
      const take = () => {
        viewer.wake = undefined
        resume(Effect.sync(() => this.take(viewer)))
      }
      if (viewer.parting !== undefined || viewer.at < this.ring.end) return take()
      viewer.wake = take
      return Effect.sync(() => {
        viewer.wake = undefined
      })
    })
  }

  private take(viewer: Viewer): Uint8Array | Parting {
    // Nobody waited for one who was let go.
    if (viewer.parting !== undefined && viewer.at < this.ring.start) return viewer.parting
    const bytes = this.ring.read(viewer.at, PIECE)
    if (bytes.length === 0 && viewer.parting !== undefined) return viewer.parting
    viewer.at += bytes.length
    this.drained.ring()
    return bytes
  }

  /** False: nobody takes it now. */
  type(bytes: Uint8Array): Effect.Effect<boolean, StoreUnavailable> {
    return Effect.suspend(() => {
      // An empty piece would end the input for good.
      if (bytes.length === 0) return Effect.succeed(true)
      if (this.process === undefined) return Effect.succeed(false)
      // Of a process that is going, its end tells more than this.
      const written = Effect.orElseSucceed(this.process.write(bytes), () => true)
      const typed = this.recording?.typed === true ? this.recording.into.input(bytes) : Effect.void
      return Effect.tap(written, (taken) => (taken ? typed : Effect.void))
    })
  }

  resize(columns: number, rows: number): Effect.Effect<void, StoreUnavailable> {
    const sane = (value: number) => Number.isInteger(value) && value > 0 && value <= LARGEST
    return Effect.suspend(() => {
      // Clients without a terminal of their own send 0 by 0.
      if (!sane(columns) || !sane(rows)) return Effect.void
      this.size = { columns, rows }
      const told = this.recording?.into.resize(columns, rows) ?? Effect.void
      return Effect.zipRight(told, Effect.ignore(this.process?.resize(columns, rows) ?? Effect.void))
    })
  }

  /** What a multiplexer shows is on nobody's screen when nobody was there: a change of size has it shown again. */
  readonly repaint: Effect.Effect<void> = Effect.suspend(() => {
    const { columns, rows } = this.size
    const resized = (rows: number) => Effect.ignore(this.process?.resize(columns, Math.max(1, rows)) ?? Effect.void)
    return resized(rows - 1).pipe(
      // Noticed only when it is read before the next change.
      Effect.zipRight(Effect.sleep(REPAINT)),
      Effect.zipRight(Effect.suspend(() => resized(this.size.rows)))
    )
  })

  /** Everybody reads what is left, and this last. */
  dismiss(parting: Parting): void {
    for (const viewer of this.viewers) this.part(viewer, parting)
  }

  private part(viewer: Viewer, parting: Parting): void {
    viewer.parting ??= parting
    viewer.wake?.()
    this.drained.ring()
  }

  private show(bytes: Uint8Array): Effect.Effect<void, StoreUnavailable> {
    return Effect.suspend(() => {
      this.ring.push(bytes)
      for (const viewer of this.viewers) viewer.wake?.()
      const recorded = this.recording?.into.output(bytes) ?? Effect.void
      return this.behind() > RING - PIECE ? Effect.zipRight(recorded, this.untilRead()) : recorded
    })
  }

  /** What the slowest has yet to read; when nobody is there, what nobody has seen. */
  private behind(): number {
    if (this.viewers.size === 0) return this.ring.end - this.seen
    let slowest = this.ring.end
    for (const { at, parting } of this.viewers) if (parting === undefined) slowest = Math.min(slowest, at)
    return this.ring.end - slowest
  }

  private untilRead(): Effect.Effect<void> {
    const caughtUp = Effect.repeat(this.drained.wait, { while: () => this.behind() > RING - PIECE })
    return Effect.gen(this, function* () {
      while (this.behind() > RING - PIECE) {
        const inTime = yield* Effect.timeoutOption(caughtUp, HELD_UP)
        if (Option.isNone(inTime)) this.letGo()
      }
    })
  }

  /** One who reads alone may take all the time there is. */
  private letGo(): void {
    const slow = [...this.viewers].filter(({ at }) => this.ring.end - at > RING - PIECE)
    if (slow.length === this.viewers.size) return
    for (const viewer of slow) this.part(viewer, Parting.Detached({ why: "behind" }))
  }
}
