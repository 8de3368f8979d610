import { describe, expect, it } from "vitest"
import { Book, type Moment } from "../../../actors/disk/Book.js"
import { ServiceId } from "../../../events/Ids.js"
import type { VolumeId } from "../../../src/store/Volumes.js"

const MiB = 2 ** 20
const LIMIT = 1024 * MiB
const id = (n: number): VolumeId => ServiceId.make(`unsb-service-${n.toString(16).padStart(16, "0")}`)
const [a, b, c] = [id(1), id(2), id(3)]

const at = (now: number, more: Partial<Moment> = {}): Moment => ({ now, tight: false, watched: () => false, ...more })
const weight = (bytes: number, files = 1) => ({ bytes, files })

/** Everything is known, and nothing is in it. */
const known = (...ids: ReadonlyArray<VolumeId>) => {
  const book = new Book(LIMIT)
  book.follow(ids)
  for (let next = book.next("quick", at(0)); next !== undefined; next = book.next("quick", at(0)))
    book.weighed(next, weight(0), 0, 1)
  return book
}

describe("whose turn it is", () => {
  it("is first theirs of whom nothing is known, each once at a time", () => {
    const book = new Book(LIMIT)
    book.follow([a, b])
    expect([book.next("quick", at(0)), book.next("quick", at(0)), book.next("quick", at(0))]).toEqual([a, b, undefined])
    expect(book.weighed(a, weight(5), 10, 3)).toEqual({ id: a, bytes: 4096, first: true })
    expect(book.weighed(a, weight(9_000), 20, 3)).toEqual({ id: a, bytes: 9_000, first: false })
  })

  it("is nobody's while the disk loses nothing, but for a look a minute", () => {
    const book = known(a, b)
    expect(book.next("quick", at(59_000))).toBeUndefined()
    expect(book.next("quick", at(61_000))).toBe(a)
  })

  it("is theirs who may be over by now, the fullest first", () => {
    const book = known(a, b, c)
    book.lost(300 * MiB)
    book.weighed(b, weight(800 * MiB), 100, 1)
    expect(book.next("quick", at(2_000))).toBeUndefined()
    book.lost(300 * MiB)
    expect(book.next("quick", at(2_000))).toBe(b)
    expect(book.next("quick", at(2_000))).toBeUndefined()
    book.lost(500 * MiB)
    expect(book.next("quick", at(2_000))).toBe(a)
  })

  it("is everybody's when the disk is tight, and at once theirs who are to become smaller", () => {
    const book = known(a, b, c)
    const moment = at(2_000, { tight: true, watched: (one) => one === c })
    expect([book.next("quick", moment), book.next("quick", moment), book.next("quick", moment)]).toEqual([c, a, b])
  })

  it("costs no more than a part of a core, but for what must not wait", () => {
    const book = known(a, b)
    // Sixteen seconds of work.
    for (const one of [a, b]) book.weighed(one, weight(MiB), 1_000, 8_000)
    book.lost(2 * LIMIT)
    expect(book.next("slow", at(3_000))).toBeUndefined()
    expect(book.next("slow", at(3_000, { watched: (one) => one === b }))).toBe(b)
    expect(book.next("slow", at(60_000))).toBe(a)
  })

  it("is in the slow lane for whoever takes long", () => {
    const book = known(a)
    book.weighed(a, weight(MiB), 1_000, 4_000)
    book.lost(2 * LIMIT)
    expect([book.next("quick", at(9_000)), book.next("slow", at(9_000))]).toEqual([undefined, a])
    book.missed(a, 20_000, 60_000, true)
    expect(book.missed(a, 90_000, 60_000, true)).toBe(2)
    expect(book.missed(a, 95_000, 10, false)).toBe(0)
  })
})

describe("what a volume counts as", () => {
  it("is at least a block for each file, and what has no name", () => {
    const book = known(a)
    expect(book.total(a, weight(0, 1_000))).toBe(4_096_000)
    book.sees(new Map([[a, 10 * MiB]]))
    expect(book.total(a, weight(MiB))).toBe(11 * MiB)
    expect(book.next("quick", at(2_000))).toBeUndefined()
    book.sees(new Map([[a, LIMIT]]))
    expect(book.next("quick", at(2_000))).toBe(a)
  })
})

describe("who grows fastest", () => {
  const growing = (book: Book, one: VolumeId, by: number) => {
    book.weighed(one, weight(100 * MiB), 1_000, 1)
    book.weighed(one, weight(100 * MiB + by), 3_000, 1)
  }

  it("is told by the last two looks", () => {
    const book = known(a, b, c)
    growing(book, a, MiB)
    growing(book, b, 3 * MiB)
    growing(book, c, -MiB)
    expect(book.fastest(4_000, () => false)).toEqual({ id: b, bytes: 103 * MiB, all: (4 * MiB) / 2_000 })
    expect(book.fastest(4_000, (one) => one === b)?.id).toBe(a)
    expect(book.fastest(4_000, (one) => one !== c)).toBeUndefined()
  })

  it("is nobody when nothing is known of now", () => {
    const book = known(a)
    growing(book, a, MiB)
    expect(book.fastest(60_000, () => false)).toBeUndefined()
    // Grown, but it is not known when.
    book.weighed(a, weight(900 * MiB), 63_000, 1)
    expect(book.fastest(63_000, () => false)).toBeUndefined()
  })
})

it("forgets what is not in use any more", () => {
  const book = known(a, b)
  book.follow([b])
  expect(book.weighed(a, weight(MiB), 1_000, 1)).toBeUndefined()
  expect(book.missed(a, 1_000, 1, true)).toBe(-1)
  book.follow([a, b])
  expect(book.next("quick", at(2_000))).toBe(a)
})
