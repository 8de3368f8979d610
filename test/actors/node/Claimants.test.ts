/** Kept containers that a start finds: whose claimer is by its own history in one waits for it, any other ends at once. */
import { Effect, Layer } from "effect"
import { describe, expect } from "vitest"
import { recover } from "../../../actors/node/Recovery.js"
import type { AnyEvent } from "../../../events/Catalogue.js"
import type { Claimant } from "../../../events/Container.js"
import { type StreamId, stream } from "../../../events/Envelope.js"
import { SessionId } from "../../../events/Ids.js"
import { EventLog, LogUnavailable } from "../../../src/log/EventLog.js"
import * as Projections from "../../../src/projections/Projections.js"
import * as H from "../../support/history.js"
import { live } from "../../support/it.js"
import { directory, storageIn } from "../../support/storage.js"
import { Script } from "../scripted.js"
import * as S from "../service/facts.js"
import { limits } from "../world.js"

const [mine, another] = [H.containerId(1), H.containerId(2)]

const session = SessionId.make(`unsb-session-${"0".repeat(32)}`)
const service: Claimant = { _tag: "Service", service: S.service }
const terminal: Claimant = { _tag: "Session", session }

const runs = (container = mine): AnyEvent => ({ _tag: "ServiceStarted", service: S.service, container })
const opened: AnyEvent = {
  ...{ _tag: "SessionOpened", session, owner: S.owner, network: "zerotrust", shell: "bash", multiplexer: "tmux" },
  ...{ vcpu: 1, expiresAt: null, audit: "none", inputs: [], from: null }
}
const begun: AnyEvent = { _tag: "SessionStarted", session, container: mine }
const over: AnyEvent = { _tag: "SessionEnded", session, cause: "exit", exitCode: 0, reason: null, evidence: [] }

/** What a start makes of a container that `claimant` claimed and kept, and whose history is this. */
const found = (claimant: Claimant, history: ReadonlyArray<AnyEvent>, readable = true) =>
  Effect.gen(function* () {
    const script = new Script()
    const { layer, projectors } = Projections.make()
    const given = Layer.provideMerge(layer, storageIn(yield* directory, projectors))
    return yield* Effect.gen(function* () {
      const log = yield* EventLog
      const name: StreamId = claimant._tag === "Service" ? stream("service", S.service) : stream("session", session)
      yield* log.append(H.ofContainer(1, 0, H.sealed(1), { ...H.claimed(1, S.owner), claimant }))
      if (history.length > 0) yield* log.append({ stream: name, expected: 0, events: history, by: "root/test" })
      yield* script.box(limits).keep(mine)
      const read = readable ? log.read : () => new LogUnavailable({ reason: "test", written: "no" })
      const { survivors, told } = yield* Effect.provideService(recover, EventLog, { ...log, read })
      expect(told).toMatchObject({ containersEnded: 1 - survivors.length, containersKept: survivors.length })
      expect(script.alive).toHaveLength(survivors.length)
      const ends = (yield* log.read(stream("container", mine))).filter(({ type }) => type === "ContainerGone")
      expect(ends).toHaveLength(1 - survivors.length)
      return survivors.length === 1 ? "waits" : "ended"
    }).pipe(Effect.provide(Layer.merge(given, script.layer)))
  })

const cases: ReadonlyArray<readonly [string, "waits" | "ended", Claimant, ReadonlyArray<AnyEvent>]> = [
  ["of a service that runs in it", "waits", service, [S.created, runs()]],
  ["of a service that is frozen in it", "waits", service, [S.created, runs(), S.frozen]],
  ["whose claim came before the start that was never told", "ended", service, [S.created]],
  ["of a service that runs in another", "ended", service, [S.created, runs(), S.redeploying, runs(another)]],
  ["of a service that gave it up", "ended", service, [S.created, runs(), S.frozen, S.deep]],
  ["of a service that was destroyed", "ended", service, [S.created, runs(), S.destroyed]],
  ["of a service without a history", "waits", service, []],
  ["of a session that runs in it", "waits", terminal, [opened, begun]],
  ["of a session that had not begun", "ended", terminal, [opened]],
  ["of a session that is over", "ended", terminal, [opened, begun, over]]
]

describe("a kept container", () => {
  for (const [what, becomes, claimant, history] of cases)
    live(`${what} ${becomes === "waits" ? "waits for it" : "is ended"}`, () =>
      Effect.map(found(claimant, history), (became) => expect(became).toBe(becomes))
    )

  live("waits when the history of its claimer cannot be read", () =>
    Effect.map(found(service, [S.created], false), (became) => expect(became).toBe("waits"))
  )
})
