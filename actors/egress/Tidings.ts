/** What became of a container's marked variables, told to the log before a value leaves: once an hour what is alike. */
import { Clock, Effect } from "effect"
import { stream } from "../../events/Envelope.js"
import type { SubstitutionEvent } from "../../events/Substitution.js"
import type { Towards } from "../../src/guards/EgressMark.js"
import { EventLog, LogUnavailable } from "../../src/log/EventLog.js"
import type { Home, Tiding } from "./Substitutes.js"

const WINDOW_MILLIS = 3_600_000
/** Losses against others who tell of the same service. */
const TRIES = 8
const BY = "egress"

type Where = Pick<Towards, "host" | "port">

export interface Tidings {
  readonly tell: (where: Where, tidings: ReadonlyArray<Tiding>) => Effect.Effect<void, LogUnavailable>
}

/** There are as many as marks and variables: a flood of hosts is one. */
const kindOf = (tiding: Tiding): string =>
  tiding._tag === "Withheld" ? tiding.variable : `${tiding.variable} ${tiding.mark.text}`

const eventOf = ({ container, owner, service }: Home, { host, port }: Where, tiding: Tiding): SubstitutionEvent => {
  const of = { service, owner, container, variable: tiding.variable, host, port }
  if (tiding._tag === "Withheld") return { _tag: "SecretWithheld", ...of }
  return { _tag: "SecretSubstituted", ...of, mark: tiding.mark.text }
}

const crowded = () => new LogUnavailable({ reason: "others write to the same stream", written: "no" })

export const make = Effect.map(EventLog, (log) => (home: Home): Tidings => {
  const told = new Map<string, number>()
  const alone = Effect.unsafeMakeSemaphore(1)
  const name = stream("egress", home.service)
  let version = 0

  const append = (events: ReadonlyArray<SubstitutionEvent>) =>
    Effect.suspend(() => log.append({ stream: name, expected: version, events, by: BY })).pipe(
      Effect.tapErrorTag("WrongVersion", ({ actual }) =>
        Effect.sync(() => {
          version = actual
        })
      ),
      Effect.retry({ times: TRIES, while: ({ _tag }) => _tag === "WrongVersion" }),
      Effect.catchTag("WrongVersion", crowded),
      Effect.tap((rows) =>
        Effect.sync(() => {
          version = rows[rows.length - 1]?.version ?? version
        })
      )
    )

  const tell = (where: Where, tidings: ReadonlyArray<Tiding>) =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      const untold = tidings.filter((one) => Math.abs(now - (told.get(kindOf(one)) ?? -WINDOW_MILLIS)) >= WINDOW_MILLIS)
      if (untold.length === 0) return
      yield* append(untold.map((one) => eventOf(home, where, one)))
      for (const one of untold) told.set(kindOf(one), now)
    }).pipe(alone.withPermits(1))

  return { tell }
})
