/** How far each key may have got with its rate: what counts after a restart, however the server ended. */
import { Context, Effect, Exit, Layer } from "effect"
import { Database } from "../log/Database.js"
import { GroupCommit } from "../log/GroupCommit.js"
import { StoreUnavailable } from "./Blobs.js"

/** In microseconds since 1970. */
export interface Reserved {
  readonly key: string
  readonly tat: number
}

export class RateLedger extends Context.Tag("store/RateLedger")<
  RateLedger,
  {
    /** Undefined: it is not ahead of its rate. */
    readonly read: (key: string) => Effect.Effect<number | undefined, StoreUnavailable>
    /** Resolves once durable. What is further ahead already stays. */
    readonly reserve: (reserved: ReadonlyArray<Reserved>, now: number) => Effect.Effect<void, StoreUnavailable>
  }
>() {}

/** What lies this far in the past says nothing any more, even to a clock that is set back. */
const FORGOTTEN_MICROS = 86_400_000_000
const FORGET_EVERY_MICROS = 600_000_000
const ROW_BYTES = 64
const DURABLE_WITHIN = "5 seconds"

const unavailable = (reason: string) => new StoreUnavailable({ reason })

const make = Effect.gen(function* () {
  const { reader, writer } = yield* Database
  const commit = yield* GroupCommit
  const select = reader.prepare<[string], { readonly tat: number }>("SELECT tat FROM rates WHERE key = ?")
  const upsert = writer.prepare(
    "INSERT INTO rates (key, tat) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET tat = excluded.tat WHERE excluded.tat > tat"
  )
  const forget = writer.prepare("DELETE FROM rates WHERE tat < ?")
  let forgotten = 0

  const write = (reserved: ReadonlyArray<Reserved>, now: number) => () => {
    for (const { key, tat } of reserved) upsert.run(key, tat)
    if (now - forgotten >= FORGET_EVERY_MICROS) {
      forget.run(now - FORGOTTEN_MICROS)
      forgotten = now
    }
    return Exit.void
  }

  return RateLedger.of({
    read: (key) => Effect.try({ try: () => select.get(key)?.tat, catch: (error) => unavailable(String(error)) }),
    reserve: (reserved, now) =>
      commit.submit(reserved.length * ROW_BYTES, write(reserved, now)).pipe(
        Effect.mapError(({ reason }) => unavailable(reason)),
        Effect.timeoutFail({ duration: DURABLE_WITHIN, onTimeout: () => unavailable("it was not durable in time") })
      )
  })
})

export const layer = Layer.effect(RateLedger, make)
