/** How the disk's room changes from one look to the next. */
import type { Disk, Space } from "../../src/store/Disk.js"

const FILE_BYTES = 4096
/** Where it would be within so many looks, it counts as there. */
const AHEAD = 4
/** A part of the reserve: what it loses beyond that while it is short is somebody's doing. */
const NOISE = 1 / 256

export class Level {
  private last: Space | undefined
  private short = false
  private tight = false
  private lost = 0
  private since = 0

  constructor(private readonly disk: Pick<typeof Disk.Service, "reserveBytes" | "isShort">) {}

  /** It is short, or about to be: whose doing that would be must be known by then. */
  get isTight(): boolean {
    return this.tight
  }

  /** What it has lost since the last look: bytes, or files that others cannot have. */
  look(space: Space, now: number): number {
    const before = this.last ?? space
    const bytes = before.freeBytes - space.freeBytes
    const files = (before.freeFiles - space.freeFiles) * FILE_BYTES
    const lost = Math.max(bytes, files)
    const { reserveBytes } = this.disk
    this.last = space
    this.short = this.disk.isShort(space)
    this.tight = this.short || space.freeBytes - Math.max(reserveBytes, AHEAD * lost) < reserveBytes
    this.lost = this.short ? Math.max(0, this.lost + lost) : 0
    if (this.lost === 0) this.since = now
    return Math.max(0, lost)
  }

  /** It is short, and sinks on: so many bytes a millisecond, told once for each piece that it lost. 0: it does not. */
  sinking(now: number): number {
    if (this.lost <= this.disk.reserveBytes * NOISE) return 0
    const rate = this.lost / Math.max(1, now - this.since)
    this.lost = 0
    this.since = now
    return rate
  }
}
