/** Volumes that may be used for a short while although they are too large, so that somebody can delete what is in them. */
import type { VolumeId } from "../../src/store/Volumes.js"

export const GRACE_MILLIS = 60_000
/** As many in so long: each is a chance to grow a little, too. */
const MOST = 2
const IN_MILLIS = 600_000
/** One that was frozen and that nobody runs again is forgotten. */
const KNOWN_MILLIS = 7 * 24 * 3_600_000
/** What it may grow by, for programs that must write to delete. */
const SLACK = { part: 1 / 256, least: 64 * 1024 }

interface Grace {
  /** The least that it was since this began. */
  bytes: number
  readonly since: number
  over: boolean
}

export class Graces {
  private readonly given = new Map<VolumeId, ReadonlyArray<Grace>>()
  /** Frozen for their size, and when. */
  private readonly frozen = new Map<VolumeId, number>()

  constructor(private readonly limit: number) {}

  private of(id: VolumeId, now: number): ReadonlyArray<Grace> {
    return (this.given.get(id) ?? []).filter(({ since }) => now - since < IN_MILLIS)
  }

  private last(id: VolumeId, now: number): Grace | undefined {
    const grace = this.of(id, now).at(-1)
    return grace === undefined || grace.over || now - grace.since >= GRACE_MILLIS ? undefined : grace
  }

  has(id: VolumeId, now: number): boolean {
    return this.last(id, now) !== undefined
  }

  /** It was too large. */
  froze(id: VolumeId, now: number): void {
    this.end(id, now)
    this.frozen.set(id, now)
  }

  /** It is not, or not any more. */
  fits(id: VolumeId, now: number): void {
    this.end(id, now)
    this.frozen.delete(id)
  }

  /** Started anew with what it had, by somebody who may be about to make room. False: it was never frozen, or had its share. */
  begin(id: VolumeId, bytes: number, now: number): boolean {
    return this.frozen.has(id) && this.give(id, bytes, now)
  }

  /** False: it had its share. */
  give(id: VolumeId, bytes: number, now: number): boolean {
    const before = this.of(id, now)
    if (before.length >= MOST) return false
    this.given.set(id, [...before, { bytes, since: now, over: false }])
    return true
  }

  /** What it is now; true: it has one, and becomes larger instead of smaller. */
  isBroken(id: VolumeId, bytes: number, now: number): boolean {
    const grace = this.last(id, now)
    if (grace === undefined) return false
    grace.bytes = Math.min(grace.bytes, bytes)
    return bytes > grace.bytes + Math.max(SLACK.least, this.limit * SLACK.part)
  }

  private end(id: VolumeId, now: number): void {
    const grace = this.last(id, now)
    if (grace !== undefined) grace.over = true
  }

  /** Milliseconds until it can have another; 0: now. */
  wait(id: VolumeId, now: number): number {
    const oldest = this.of(id, now).at(-MOST)
    return oldest === undefined ? 0 : oldest.since + IN_MILLIS - now
  }

  /** What is long over is forgotten. */
  forget(now: number): void {
    for (const id of this.given.keys()) if (this.of(id, now).length === 0) this.given.delete(id)
    for (const [id, since] of this.frozen) if (now - since > KNOWN_MILLIS) this.frozen.delete(id)
  }
}
