/**
 * What is known of the volumes that programs write to now: how much they hold, how fast they grow, whose turn it is to
 * be weighed. The whole disk is looked at all the time, which costs nothing: as much as it has lost, a volume may have
 * gained, and no more. So one is weighed when it could be over its limit by now, and otherwise once a minute.
 */
import type { Weight } from "../../src/store/Scales.js"
import type { Unseen } from "../../src/store/Unseen.js"
import type { VolumeId } from "../../src/store/Volumes.js"
import { Effort } from "./Effort.js"

/** Long walks have a process of their own, so that nobody hides behind them. */
export type Lane = "quick" | "slow"

export interface Moment {
  /** Monotonic milliseconds. */
  readonly now: number
  /** The disk is short, or is going to be. */
  readonly tight: boolean
  /** Those that are to become smaller just now. */
  readonly watched: (id: VolumeId) => boolean
}

interface Entry {
  readonly id: VolumeId
  lane: Lane
  /** When it was weighed last; undefined: never. */
  at: number | undefined
  /** What has a name. */
  named: number
  bytes: number
  /** What the disk had lost in all by then. */
  fallen: number
  /** Bytes a millisecond between the last two times, when these were not long apart. */
  rate: number
  /** How often it could not be counted in time, at a stretch. */
  missed: number
  /** Somebody weighs it. */
  busy: boolean
}

export interface Weighed {
  readonly id: VolumeId
  readonly bytes: number
  /** Nothing was known of it before. */
  readonly first: boolean
}

interface Growth {
  readonly id: VolumeId
  readonly bytes: number
  /** Bytes a millisecond of all that grow. */
  readonly all: number
}

/** An empty file takes no block, and yet room that others cannot have. */
const FILE_BYTES = 4096

const GAP = 1_000
const ROUTINE = 60_000
/** A rate over a longer time says little of now. */
const FRESH = 15_000
/** Where longer, it is weighed in the slow lane. */
const QUICK = 1_000
/** Milliseconds of work in advance, for what may be over, and for what is looked at anyway. */
const ADVANCE = { suspect: 15_000, routine: 500 }

export class Book {
  private readonly entries = new Map<VolumeId, Entry>()
  private unseen: Unseen = new Map()
  private fallen = 0
  private readonly effort = new Effort()

  constructor(private readonly limit: number) {}

  /** The volumes in use; what is known of others is forgotten. */
  follow(inUse: ReadonlyArray<VolumeId>): void {
    const there = new Set(inUse)
    for (const id of this.entries.keys()) if (!there.has(id)) this.entries.delete(id)
    for (const id of there) if (!this.entries.has(id)) this.entries.set(id, this.begin(id))
  }

  private begin(id: VolumeId): Entry {
    return { id, lane: "quick", at: undefined, named: 0, bytes: 0, fallen: 0, rate: 0, missed: 0, busy: false }
  }

  /** The disk has lost so much since it was looked at last. */
  lost(bytes: number): void {
    this.fallen += Math.max(0, bytes)
  }

  /** What its programs keep open without a name. */
  sees(unseen: Unseen): void {
    this.unseen = unseen
  }

  private hidden(id: VolumeId): number {
    return this.unseen.get(id) ?? 0
  }

  /** What it counts as. */
  total(id: VolumeId, { bytes, files }: Weight): number {
    return Math.max(bytes, files * FILE_BYTES) + this.hidden(id)
  }

  /** Whose turn it is, taken: to be answered by `weighed` or `missed`. */
  next(lane: Lane, moment: Moment): VolumeId | undefined {
    let best: Entry | undefined
    let most = 0
    for (const entry of this.entries.values()) {
      const urgency = entry.lane === lane && !entry.busy ? this.urgency(entry, moment) : 0
      if (urgency > most) [best, most] = [entry, urgency]
    }
    if (best !== undefined) best.busy = true
    return best?.id
  }

  /** 0: not now. 2 and more: it must not wait; 1 and more: it may be over; below: it is time. */
  private urgency(entry: Entry, { now, tight, watched }: Moment): number {
    const age = entry.at === undefined ? Number.POSITIVE_INFINITY : now - entry.at
    if (age < GAP) return 0
    const fill = (entry.named + this.hidden(entry.id) + this.fallen - entry.fallen) / this.limit
    if (watched(entry.id)) return 3
    if (tight) return 2 + Math.min(0.9, fill / 10)
    if (entry.at === undefined || fill >= 1)
      return this.effort.allows(ADVANCE.suspect, now) ? 1 + Math.min(0.9, fill / 10) : 0
    return age >= ROUTINE && this.effort.allows(ADVANCE.routine, now) ? Math.min(0.9, age / ROUTINE / 1_000) : 0
  }

  /** Undefined: it is not in use any more. */
  weighed(id: VolumeId, weight: Weight, now: number, cost: number): Weighed | undefined {
    const entry = this.done(id, cost)
    if (entry === undefined) return undefined
    const total = this.total(id, weight)
    const first = entry.at === undefined
    const span = entry.at === undefined ? Number.POSITIVE_INFINITY : now - entry.at
    entry.rate = span <= FRESH ? (total - entry.bytes) / Math.max(1, span) : 0
    entry.named = total - this.hidden(id)
    entry.bytes = total
    entry.at = now
    entry.fallen = this.fallen
    entry.missed = 0
    return { id, bytes: total, first }
  }

  /** How often at a stretch it was too late; -1: it is not in use any more. What failed for another reason does not count. */
  missed(id: VolumeId, now: number, cost: number, late: boolean): number {
    const entry = this.done(id, cost)
    if (entry === undefined) return -1
    entry.at ??= now
    entry.missed = late ? entry.missed + 1 : 0
    return entry.missed
  }

  private done(id: VolumeId, cost: number): Entry | undefined {
    this.effort.spend(cost)
    const entry = this.entries.get(id)
    if (entry === undefined) return undefined
    entry.busy = false
    entry.lane = cost > QUICK ? "slow" : "quick"
    return entry
  }

  /** Of those that were seen to grow just now and that nothing is being done about. */
  fastest(now: number, except: (id: VolumeId) => boolean): Growth | undefined {
    let best: Entry | undefined
    let all = 0
    for (const entry of this.entries.values()) {
      if (entry.at === undefined || now - entry.at > FRESH || entry.rate <= 0 || except(entry.id)) continue
      all += entry.rate
      if (entry.rate > (best?.rate ?? 0)) best = entry
    }
    return best === undefined ? undefined : { id: best.id, bytes: best.bytes, all }
  }
}
