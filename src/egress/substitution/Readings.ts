/** Where words are in a text whose characters may be written in several ways, each as it likes: all the ways to read it at once. */
import * as Spelling from "./Spelling.js"
import * as Trail from "./Trail.js"
import type { Words } from "./Words.js"

const PLUS = 0x2b
const SPACE = 0x20
/**
 * Most texts are read in one way or two. So many ways at once are only in what is made for that, by who could as well
 * have it in cipher: time and memory count for more then.
 */
const MOST = 8

/** One way to read it that has come to the middle of a word. */
interface Reading {
  state: number
  /** What it reads next. */
  at: number
  /** Characters. */
  count: number
  trail: Trail.Trail | undefined
}

/** A word ends where the walk has come to. */
export type Found = (start: number, end: number, instead: Buffer) => void

export class Readings {
  private readonly readings: Array<Reading> = []
  /** In the whole text. */
  private at = 0

  constructor(
    private readonly words: Words,
    private readonly found: Found
  ) {}

  /** Before it nothing more is found. */
  get settled(): number {
    return this.readings.reduce((least, one) => Math.min(least, this.startOf(one, one.state)), this.at)
  }

  /** `text` begins at `offset` of the whole, and has what is not settled; the last of it may wait for more. */
  read(text: Buffer, offset: number, last: boolean): void {
    const end = offset + text.length
    while (this.at < end) {
      if (this.readings.length === 0) this.at = offset + this.words.pass(text, this.at - offset)
      const byte = text[this.at - offset]
      if (byte === undefined) return
      const spelling = Spelling.at(text, this.at - offset)
      if (spelling === Spelling.UNCERTAIN && !last) return
      const [only] = this.readings
      const isPlain = spelling <= 0 && byte !== PLUS
      if (isPlain && this.readings.length === 1 && only?.at === this.at) this.move(only, 1, byte)
      else this.take(byte, spelling)
      this.at++
      for (const one of this.readings) if (one.at === this.at) this.tell(one)
    }
  }

  private take(byte: number, spelling: number): void {
    const here = this.readings.filter(({ at }) => at === this.at)
    // What begins here is among what those know who have read up to here.
    if (here.length === 0) here.push({ state: 0, at: this.at, count: 0, trail: undefined })
    for (const one of here) {
      if (spelling > 0) this.fork(one, Spelling.lengthOf(spelling), Spelling.charOf(spelling))
      if (byte === PLUS) this.fork(one, 1, SPACE)
      if (one.state === 0) this.fork(one, 1, byte)
      else this.move(one, 1, byte)
    }
  }

  private move(one: Reading, length: number, char: number): void {
    const state = this.words.step(one.state, char)
    const isNew = state !== 0 && !this.has(state, this.at + length)
    if (!isNew) this.readings.splice(this.readings.indexOf(one), 1)
    one.state = state
    one.at = this.at + length
    one.count++
    if (length > 1) one.trail = Trail.add(one.trail, one.count, length - 1, this.words.longest)
  }

  private fork(from: Reading, length: number, char: number): void {
    const state = this.words.step(from.state, char)
    if (state === 0 || this.readings.length >= MOST || this.has(state, this.at + length)) return
    const one = { ...from }
    this.readings.push(one)
    this.move(one, length, char)
  }

  private has(state: number, at: number): boolean {
    return this.readings.some((one) => one.state === state && one.at === at)
  }

  /** Of what has led to the state, as much as the state knows of it. */
  private startOf({ at, count, trail }: Reading, state: number): number {
    const depth = this.words.depthOf(state)
    return at - depth - (trail === undefined ? 0 : trail.extra - Trail.extraAt(trail, count - depth))
  }

  private tell(one: Reading): void {
    const end = this.words.endOf(one.state)
    if (end !== 0) this.found(this.startOf(one, end), one.at, this.words.of(end))
  }
}
