/** A session's terminal: what its programs show goes to everybody who is there, and what is typed goes to its programs. */
import { Effect, Stream } from "effect"
import type { StoreUnavailable } from "../../src/store/Blobs.js"
import type { Recording } from "../../src/store/Recordings.js"
import type { Process, SubstrateError } from "../../src/substrate/Substrate.js"
import { Audience } from "./Audience.js"

interface Size {
  readonly columns: number
  readonly rows: number
}

const REPAINT = "50 millis"
const LARGEST = 1_000

export class Terminal extends Audience {
  private process: Process | undefined
  /** What whoever is tall and wide last said. */
  size: Size = { columns: 80, rows: 24 }
  /** Undefined: nothing of it is recorded. */
  recording: { readonly into: Recording; readonly typed: boolean } | undefined

  /** Shows what the process writes, until it ends; it takes what is typed meanwhile. */
  serve(process: Process): Effect.Effect<void, SubstrateError | StoreUnavailable> {
    return Effect.acquireUseRelease(
      Effect.sync(() => {
        this.process = process
        // It paints the screen anew: what was there before is of no use to who comes now.
        this.skip()
      }),
      () => Stream.runForEach(process.output, ({ bytes }) => this.shown(bytes)),
      () =>
        Effect.sync(() => {
          this.process = undefined
        })
    )
  }

  /** False: nobody takes it now. */
  type(bytes: Uint8Array): Effect.Effect<boolean, StoreUnavailable> {
    return Effect.suspend(() => {
      // An empty piece would end the input for good.
      if (bytes.length === 0) return Effect.succeed(true)
      if (this.process === undefined) return Effect.succeed(false)
      // Of a process that is going, its end tells more than this.
      const written = Effect.orElseSucceed(this.process.write(bytes), () => true)
      const typed = this.recording?.typed === true ? this.recording.into.input(bytes) : Effect.void
      return Effect.tap(written, (taken) => (taken ? typed : Effect.void))
    })
  }

  resize(columns: number, rows: number): Effect.Effect<void, StoreUnavailable> {
    const sane = (value: number) => Number.isInteger(value) && value > 0 && value <= LARGEST
    return Effect.suspend(() => {
      // Clients without a terminal of their own send 0 by 0.
      if (!sane(columns) || !sane(rows)) return Effect.void
      this.size = { columns, rows }
      const told = this.recording?.into.resize(columns, rows) ?? Effect.void
      return Effect.zipRight(told, Effect.ignore(this.process?.resize(columns, rows) ?? Effect.void))
    })
  }

  /** What a multiplexer shows is on nobody's screen when nobody was there: a change of size has it shown again. */
  readonly repaint: Effect.Effect<void> = Effect.suspend(() => {
    const { columns, rows } = this.size
    const resized = (rows: number) => Effect.ignore(this.process?.resize(columns, Math.max(1, rows)) ?? Effect.void)
    return resized(rows - 1).pipe(
      // Noticed only when it is read before the next change.
      Effect.zipRight(Effect.sleep(REPAINT)),
      Effect.zipRight(Effect.suspend(() => resized(this.size.rows)))
    )
  })

  private shown(bytes: Uint8Array): Effect.Effect<void, StoreUnavailable> {
    return Effect.suspend(() => {
      this.show(bytes)
      return Effect.zipRight(this.recording?.into.output(bytes) ?? Effect.void, this.untilRead)
    })
  }
}
