/** Every event type there is: what may be appended, and how any row is read. */
import * as Container from "./Container.js"
import * as Decision from "./Decision.js"
import * as Job from "./Job.js"
import * as Key from "./Key.js"
import * as Node from "./Node.js"
import * as Pool from "./Pool.js"
import * as Supervisor from "./Supervisor.js"
import { reader, type Versioned } from "./Versioned.js"

export type AnyEvent =
  | Container.ContainerEvent
  | Decision.DecisionEvent
  | Job.JobEvent
  | Key.KeyEvent
  | Node.NodeEvent
  | Pool.PoolEvent
  | Supervisor.SupervisorEvent

export const all: ReadonlyArray<Versioned<AnyEvent>> = [
  ...Container.all,
  ...Decision.all,
  ...Job.all,
  ...Key.all,
  ...Node.all,
  ...Pool.all,
  ...Supervisor.all
]

export const read = reader<AnyEvent>(...all)

const versions = new Map(all.map((event) => [event.tag, event.version]))

/** The version that `type` is written in today. */
export const versionOf = (type: AnyEvent["_tag"]): number => versions.get(type) ?? 1
