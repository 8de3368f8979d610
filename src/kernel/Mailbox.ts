/** What waits for an actor: bounded, first in first out, refusing at the door. It outlives the actor's runs. */
import { Signal } from "./Signal.js"

export interface Letter<C, M, A> {
  readonly command: C
  readonly meta: M | undefined
  /** Completes whoever asked; gone once it has, or when nobody waits. */
  reply: ((answer: A) => void) | undefined
  /** How often it was decided on. */
  tries: number
}

export class Mailbox<C, M, A> {
  private letters: Array<Letter<C, M, A>> = []
  private shut = false
  private readonly bell = new Signal()
  /** There may be a letter, or the mailbox is closed. */
  readonly arrival = this.bell.wait

  constructor(private readonly capacity: number) {}

  get closed(): boolean {
    return this.shut
  }

  /** Undefined: accepted. */
  offer(letter: Letter<C, M, A>): "full" | "stopped" | undefined {
    if (this.shut) return "stopped"
    if (this.letters.length >= this.capacity) return "full"
    this.letters.push(letter)
    this.bell.ring()
    return undefined
  }

  take(): Letter<C, M, A> | undefined {
    return this.letters.shift()
  }

  /** Before everything that waits; it may stand over the bound by the one letter that was taken out. */
  putBack(letter: Letter<C, M, A>): void {
    this.letters.unshift(letter)
  }

  withdraw(letter: Letter<C, M, A>): void {
    const index = this.letters.indexOf(letter)
    if (index >= 0) this.letters.splice(index, 1)
  }

  /** Refuses what comes from now on; what waited is handed over to be answered. */
  close(): ReadonlyArray<Letter<C, M, A>> {
    const waiting = this.letters
    this.letters = []
    this.shut = true
    this.bell.ring()
    return waiting
  }
}
