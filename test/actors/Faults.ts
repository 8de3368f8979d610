/** The real log, whose appends a test makes fail at chosen events. */
import { Effect, Layer } from "effect"
import { type Draft, EventLog, LogUnavailable } from "../../src/log/EventLog.js"

type Tag = Draft["events"][number]["_tag"]

/** `no`: nothing is written. `unknown`: nothing is, and nobody can tell. `written`: it is, and nobody can tell. */
type Kind = "no" | "unknown" | "written"

export class Faults {
  private planned: Array<{ readonly tag: Tag; readonly kind: Kind; left: number }> = []
  /** Run before each append. */
  before: (tag: Tag) => Effect.Effect<void> = () => Effect.void

  plan(tag: Tag, kind: Kind, times = 1): void {
    this.planned.push({ tag, kind, left: times })
  }

  heal(): void {
    this.planned = []
  }

  private next(draft: Draft): Kind | undefined {
    const fault = this.planned.find(({ left, tag }) => left > 0 && draft.events.some(({ _tag }) => _tag === tag))
    if (fault !== undefined) fault.left -= 1
    return fault?.kind
  }

  readonly layer = Layer.effect(
    EventLog,
    Effect.map(EventLog, (log) =>
      EventLog.of({
        ...log,
        append: (draft) =>
          Effect.suspend(() => {
            const fault = this.next(draft)
            const held = this.before(draft.events[0]?._tag ?? "NodeStopped")
            if (fault === undefined) return Effect.zipRight(held, log.append(draft))
            const written = fault === "no" ? "no" : "unknown"
            const failure = Effect.fail(new LogUnavailable({ reason: "the disk said no", written }))
            return Effect.zipRight(fault === "written" ? Effect.asVoid(log.append(draft)) : held, failure)
          })
      })
    )
  )
}
