/** Rotations of the root key, told in the log: the store has the truth, and the stream has one event for each generation but the first. */
import { Effect, Layer } from "effect"
import { stream } from "../../events/Envelope.js"
import { EventLog, LogUnavailable } from "../../src/log/EventLog.js"
import { RootKeys } from "../../src/store/secrets/RootKeys.js"
import { VaultRoot } from "./VaultRoot.js"

const NAME = stream("node", "root-key")

const make = Effect.gen(function* () {
  const log = yield* EventLog
  const keys = yield* RootKeys

  /** What a crash kept out of the log between a rotation and its event is told now. */
  const tell = (generation: number, by: string) =>
    Effect.gen(function* () {
      const { length } = yield* log.read(NAME)
      const untold = Array.from({ length: Math.max(0, generation - 1 - length) }, (_, at) => length + 2 + at)
      const events = untold.map((one) => ({ _tag: "VaultRootRotated", generation: one }) as const)
      if (events.length > 0) yield* log.append({ stream: NAME, expected: length, events, by })
    }).pipe(
      Effect.retry({ times: 2, while: ({ _tag }) => _tag === "WrongVersion" }),
      Effect.catchTag("WrongVersion", () => new LogUnavailable({ reason: "others write to it", written: "no" }))
    )

  const { generation, rotating } = yield* keys.show
  yield* tell(rotating ? generation - 1 : generation, "root")

  return VaultRoot.of({
    show: keys.show,
    rotate: (by) => Effect.tap(keys.rotate, (rotated) => tell(rotated.generation, by))
  })
})

export const layer = Layer.effect(VaultRoot, make)
