/** Words that are looked for all at once, character by character and never back (Aho and Corasick). */
import { createHash } from "node:crypto"
import * as Spelling from "./Spelling.js"

/** No word has more than ASCII. */
const ALPHABET = 128
const PLUS = 0x2b
const SPACE = 0x20
const NOTHING = Buffer.alloc(0)

export class Words {
  readonly longest: number
  private readonly depth: Int32Array
  private readonly ends: Int32Array
  private readonly root = new Int32Array(ALPHABET)
  private readonly first: Int32Array
  private readonly sibling: Int32Array
  private readonly char: Uint8Array
  /** Where to go on when a character does not: states that lead nowhere else are left out, so that it is never far. */
  private readonly link: Int32Array
  /** By two bytes: a word may begin with them. */
  private readonly begins = new Uint8Array(65_536)
  private readonly instead = new Map<number, Buffer>()
  private states = 1

  constructor(words: ReadonlyMap<string, string>) {
    const most = [...words.keys()].reduce((sum, { length }) => sum + length, 1)
    this.depth = new Int32Array(most)
    this.ends = new Int32Array(most)
    this.first = new Int32Array(most)
    this.sibling = new Int32Array(most)
    this.link = new Int32Array(most)
    this.char = new Uint8Array(most)
    for (const [word, instead] of words) this.add(word, instead)
    this.longest = this.depth.reduce((one, other) => Math.max(one, other), 0)
    this.connect()
    this.begin()
  }

  /** How many characters of a word the state has seen; state 0 has seen none. */
  depthOf(state: number): number {
    return this.depth[state] ?? 0
  }

  /** The longest word that ends in the state, as the state that has seen just that; 0: none does. */
  endOf(state: number): number {
    return this.ends[state] ?? 0
  }

  /** Over what no word begins with, however it is written: most of most texts. */
  pass(text: Buffer, from: number): number {
    const { begins } = this
    const last = text.length - 1
    let at = from
    while (at < last && begins[((text[at] ?? 0) << 8) | (text[at + 1] ?? 0)] === 0) at++
    return at
  }

  /** What the word that ends in the state is to be replaced by. */
  of(end: number): Buffer {
    return this.instead.get(end) ?? NOTHING
  }

  step(state: number, char: number): number {
    for (let at = state; at !== 0; at = this.link[at] ?? 0) {
      const next = this.child(at, char)
      if (next !== 0) return next
    }
    return this.root[char] ?? 0
  }

  private child(state: number, char: number): number {
    if (state === 0) return this.root[char] ?? 0
    let at = this.first[state] ?? 0
    while (at !== 0 && this.char[at] !== char) at = this.sibling[at] ?? 0
    return at
  }

  private add(word: string, instead: string): void {
    let state = 0
    for (let n = 0; n < word.length; n++) {
      const char = word.charCodeAt(n)
      state = this.child(state, char) || this.grow(state, char)
    }
    this.ends[state] = state
    this.instead.set(state, Buffer.from(instead, "latin1"))
  }

  private grow(state: number, char: number): number {
    const made = this.states++
    if (state === 0) this.root[char] = made
    this.char[made] = char
    this.depth[made] = (this.depth[state] ?? 0) + 1
    this.sibling[made] = this.first[state] ?? 0
    this.first[state] = made
    return made
  }

  /** From the shallow to the deep: where a state falls to is shallower than itself. */
  private connect(): void {
    const fall = new Int32Array(this.states)
    const queue = [0]
    for (let turn = 0; turn < queue.length; turn++) {
      const state = queue[turn] ?? 0
      for (let made = this.first[state] ?? 0; made !== 0; made = this.sibling[made] ?? 0) {
        const to = state === 0 ? 0 : this.step(fall[state] ?? 0, this.char[made] ?? 0)
        fall[made] = to
        this.link[made] = this.leadsWithin(to, made) ? (this.link[to] ?? 0) : to
        this.ends[made] = this.ends[made] || (this.ends[to] ?? 0)
        queue.push(made)
      }
    }
  }

  private leadsWithin(one: number, other: number): boolean {
    for (let made = this.first[one] ?? 0; made !== 0; made = this.sibling[made] ?? 0)
      if (this.child(other, this.char[made] ?? 0) === 0) return false
    return true
  }

  private begin(): void {
    const pairs = (one: number, others: Iterable<number>) => {
      for (const other of others) this.begins[(one << 8) | other] = 1
    }
    for (let made = this.first[0] ?? 0; made !== 0; made = this.sibling[made] ?? 0) {
      const char = this.char[made] ?? 0
      pairs(char, Spelling.MARKS)
      for (let next = this.first[made] ?? 0; next !== 0; next = this.sibling[next] ?? 0) {
        const second = this.char[next] ?? 0
        pairs(char, second === SPACE ? [SPACE, PLUS] : [second])
      }
      for (const [mark, after] of Spelling.beginnings(char)) pairs(mark, [after])
    }
  }
}

const made = new Map<string, WeakRef<Words>>()
const gone = new FinalizationRegistry((name: string) => {
  if (made.get(name)?.deref() === undefined) made.delete(name)
})

/** One for all answers at a time that are looked through for the same: for the largest vaults that is 13 MB and 20 ms. */
export const shared = (words: ReadonlyMap<string, string>): Words => {
  const name = createHash("sha256")
    .update(JSON.stringify([...words]))
    .digest("base64")
  const known = made.get(name)?.deref()
  if (known !== undefined) return known
  const one = new Words(words)
  made.set(name, new WeakRef(one))
  gone.register(one, name)
  return one
}
