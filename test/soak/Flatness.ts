/** Whether a server and its spawner are as large at the end of a soak as they were when they were warm. */
import type { Report } from "./Soak.js"

/**
 * Of the heap after collections. Over 7,000 operations it was 2 to 3 MiB, nearly all of it compiled code; an actor or a
 * fiber that is left over holds 2 KiB and more, so a leak at every third of them is beyond it.
 */
const HEAP_MIB = 4
/** The log remembers the version of 65,536 streams: until it is full it grows with each, by its name and its place in a Map. */
const REMEMBERED = { streams: 65_536, bytes: 200 }
/** Pages that the allocators keep: they say less than the heap, but native memory is in nothing else. */
const RSS_MIB = 64
const SPAWNER_MIB = 4
/** Connections, logs and the like that are open at one moment and not at another; a leak has one at each operation. */
const DESCRIPTORS = 16
const TIMERS = 16

/** What grew, in words. */
export const flat = ({ after, before, between }: Report["sizes"]): ReadonlyArray<string> => {
  const bounds = [
    ["heapMib", HEAP_MIB + (Math.min(between, REMEMBERED.streams) * REMEMBERED.bytes) / 2 ** 20],
    ["rssMib", RSS_MIB],
    ["spawnerMib", SPAWNER_MIB],
    ["descriptors", DESCRIPTORS],
    ["spawnerDescriptors", DESCRIPTORS],
    ["timers", TIMERS]
  ] as const
  return bounds
    .filter(([what, most]) => after[what] - before[what] > most)
    .map(([what]) => `${what}: ${before[what]} before and ${after[what]} after ${between} operations`)
}
