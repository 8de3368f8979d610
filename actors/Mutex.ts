/** One at a time for each name; a name that nobody holds costs nothing. */
import { Effect } from "effect"

interface Turn {
  readonly permit: Effect.Semaphore
  holders: number
}

export class Mutex {
  private readonly turns = new Map<string, Turn>()

  readonly of =
    (name: string) =>
    <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
      Effect.acquireUseRelease(
        Effect.sync(() => this.enter(name)),
        ({ permit }) => permit.withPermits(1)(effect),
        (turn) => Effect.sync(() => this.leave(name, turn))
      )

  private enter(name: string): Turn {
    const turn = this.turns.get(name) ?? { permit: Effect.unsafeMakeSemaphore(1), holders: 0 }
    turn.holders += 1
    this.turns.set(name, turn)
    return turn
  }

  private leave(name: string, turn: Turn): void {
    turn.holders -= 1
    if (turn.holders === 0) this.turns.delete(name)
  }
}
