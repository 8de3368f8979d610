/** Who is at home where, with placeholders that look like chance; values are read when they are needed. */
import { createHmac, randomBytes } from "node:crypto"
import { Effect, Either, Layer, Option, Redacted } from "effect"
import type { ContainerId } from "../../events/Ids.js"
import { parse } from "../../src/guards/EgressMark.js"
import type { Refused } from "../../src/guards/Guard.js"
import type { Variable, Variables } from "../../src/guards/VaultVariables.js"
import { LogUnavailable } from "../../src/log/EventLog.js"
import type { StoreUnavailable } from "../../src/store/Blobs.js"
import { Secrets } from "../../src/store/secrets/Secrets.js"
import { type Home, type Substitute, Substitutes } from "./Substitutes.js"
import * as Tidings from "./Tidings.js"

const SECRET = "egress/placeholders"

/** Letters, digits and hyphens: what stands in a header, a URL or a JSON text as it is. */
const PREFIX = "unsandbox-egress-"
const DIGITS = 32

interface Resident {
  readonly home: Home
  readonly released: Effect.Effect<Variables, Refused | StoreUnavailable>
  readonly tidings: Tidings.Tidings
}

/** One that cannot be opened any more is replaced: what has placeholders of the old one has to start anew. */
const keyOf = (secrets: typeof Secrets.Service) =>
  Effect.gen(function* () {
    const found = yield* Effect.catchTag(secrets.get(SECRET), "Unsealable", () => Effect.succeedNone)
    if (Option.isSome(found)) return Buffer.from(Redacted.value(found.value), "hex")
    const key = randomBytes(32)
    yield* secrets.put(SECRET, Redacted.make(key.toString("hex")))
    return key
  })

const gone = () => new LogUnavailable({ reason: "nobody is at home there any more", written: "no" })

const make = Effect.gen(function* () {
  const key = yield* keyOf(yield* Secrets)
  const begin = yield* Tidings.make
  const residents = new Map<string, Resident>()

  const placeholder = (container: ContainerId, variable: string) =>
    PREFIX + createHmac("sha256", key).update(`${container}\n${variable}`).digest("hex").slice(0, DIGITS)

  const substitute = ({ container }: Home, variable: string, written: Variable): ReadonlyArray<Substitute> => {
    if (typeof written === "string") return []
    // A mark that this build cannot read permits nothing.
    const marks = written.egress.flatMap((text) =>
      Either.match(parse(text), { onLeft: () => [], onRight: (one) => [one] })
    )
    return [{ variable, placeholder: placeholder(container, variable), value: Redacted.make(written.value), marks }]
  }

  return Substitutes.of({
    placeholder,
    inhabit: (home, released) =>
      Effect.acquireRelease(
        Effect.sync(() => {
          const resident: Resident = { home, released, tidings: begin(home) }
          residents.set(home.container, resident)
          return resident
        }),
        (resident) =>
          Effect.sync(() => {
            if (residents.get(home.container) === resident) residents.delete(home.container)
          })
      ).pipe(Effect.asVoid),
    of: (container) =>
      Effect.suspend(() => {
        const resident = residents.get(container)
        if (resident === undefined) return Effect.succeed(undefined)
        const { home, released } = resident
        return Effect.map(released, (variables) => {
          const substitutes = Object.entries(variables).flatMap(([name, one]) => substitute(home, name, one))
          return substitutes.length === 0 ? undefined : { home, substitutes }
        })
      }),
    tell: (home, towards, tidings) =>
      Effect.suspend(() => residents.get(home.container)?.tidings.tell(towards, tidings) ?? gone())
  })
})

export const layer = Layer.effect(Substitutes, make)
