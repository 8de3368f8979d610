/**
 * Everybody who is at a terminal: what it shows goes into a ring, from which each reads at a pace of their own. When somebody
 * is a whole ring behind, whoever shows waits; who holds the others up for long is let go.
 */
import { Effect, Option } from "effect"
import { Signal } from "../../src/kernel/Signal.js"
import { Ring } from "./Ring.js"
import { Parting } from "./Sessions.js"

const RING = 1024 * 1024
/** One piece of output is never larger; one read is neither. */
const PIECE = 64 * 1024
const HELD_UP = "10 seconds"

/** Somebody who reads. */
export interface Viewer {
  /** Offset of the next byte that it reads. */
  at: number
  parting: Parting | undefined
  wake: (() => void) | undefined
}

export class Audience {
  private readonly ring = new Ring(RING)
  private readonly viewers = new Set<Viewer>()
  private readonly drained = new Signal()
  /** Rung when somebody comes or goes; for the one who waits for that. */
  readonly presence = new Signal()
  /** Offset up to which somebody has read. */
  private seen = 0
  /** Whether anybody was ever there. */
  visited = false

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

  /** Everybody reads what is left, and this last. */
  dismiss(parting: Parting): void {
    for (const viewer of this.viewers) this.part(viewer, parting)
  }

  private part(viewer: Viewer, parting: Parting): void {
    viewer.parting ??= parting
    viewer.wake?.()
    this.drained.ring()
  }

  /** Whoever comes now has no use for what was there before. */
  protected skip(): void {
    this.seen = this.ring.end
  }

  protected show(bytes: Uint8Array): void {
    this.ring.push(bytes)
    for (const viewer of this.viewers) viewer.wake?.()
  }

  /** What the slowest has yet to read; when nobody is there, what nobody has seen. */
  private behind(): number {
    if (this.viewers.size === 0) return this.ring.end - this.seen
    let slowest = this.ring.end
    for (const { at, parting } of this.viewers) if (parting === undefined) slowest = Math.min(slowest, at)
    return this.ring.end - slowest
  }

  private readonly caughtUp = Effect.repeat(
    Effect.suspend(() => this.drained.wait),
    { while: () => this.isBehind }
  )

  /** Resolves when whoever shows may show more. */
  protected readonly untilRead: Effect.Effect<void> = Effect.suspend(() =>
    this.isBehind
      ? Effect.repeat(
          Effect.map(Effect.timeoutOption(this.caughtUp, HELD_UP), (inTime) => {
            if (Option.isNone(inTime)) this.letGo()
          }),
          { while: () => this.isBehind }
        )
      : Effect.void
  )

  private get isBehind(): boolean {
    return this.behind() > RING - PIECE
  }

  /** One who reads alone may take all the time there is. */
  private letGo(): void {
    const slow = [...this.viewers].filter(({ at }) => this.ring.end - at > RING - PIECE)
    if (slow.length === this.viewers.size) return
    for (const viewer of slow) this.part(viewer, Parting.Detached({ why: "behind" }))
  }
}
