/** Whether a kept container is still its claimer's: whoever is elsewhere by its own history, or nowhere, will not come for it. */
import { Effect } from "effect"
import type { ContainerClaimed } from "../../events/Container.js"
import type { ContainerId } from "../../events/Ids.js"
import { replay } from "../../src/kernel/History.js"
import type { EventLog } from "../../src/log/EventLog.js"
import type * as Service from "../service/Service.js"
import * as ServiceActor from "../service/ServiceActor.js"
import type * as Session from "../session/Session.js"
import * as SessionActor from "../session/SessionActor.js"

/** No history proves nothing. */
const isIn = (state: Service.State | Session.State, container: ContainerId): boolean =>
  "container" in state ? state.container === container : state._tag === "Absent"

/** False only when that is certain: a history that cannot be read is no reason to end anything. */
export const stillHas = (log: typeof EventLog.Service, { claimant, container }: ContainerClaimed) => {
  const inIt = ({ state }: { readonly state: Service.State | Session.State }) => isIn(state, container)
  const unread = () => Effect.succeed(true)
  switch (claimant._tag) {
    case "Job":
      return Effect.succeed(false)
    case "Service":
      return Effect.catchAllCause(Effect.map(replay(ServiceActor.definition(claimant.service), log), inIt), unread)
    case "Session":
      return Effect.catchAllCause(
        Effect.map(replay(SessionActor.definition(claimant.session, false), log), inIt),
        unread
      )
  }
}
