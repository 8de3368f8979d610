/** Every event type there is: what may be appended, and how any row is read. */
import * as Confirmation from "./Confirmation.js"
import * as Container from "./Container.js"
import * as Decision from "./Decision.js"
import * as Egress from "./Egress.js"
import * as Image from "./Image.js"
import * as Job from "./Job.js"
import * as Key from "./Key.js"
import * as Name from "./Name.js"
import * as Node from "./Node.js"
import * as Pool from "./Pool.js"
import * as Service from "./Service.js"
import * as Session from "./Session.js"
import * as Snapshot from "./Snapshot.js"
import * as Substitution from "./Substitution.js"
import * as Supervisor from "./Supervisor.js"
import { reader, type Versioned } from "./Versioned.js"

export type AnyEvent =
  | Confirmation.ConfirmationCodeUsed
  | Confirmation.ConfirmationEvent
  | Container.ContainerEvent
  | Decision.DecisionEvent
  | Egress.EgressEvent
  | Image.ImageEvent
  | Job.JobEvent
  | Key.KeyEvent
  | Name.NameEvent
  | Node.NodeEvent
  | Pool.PoolEvent
  | Service.ServiceEvent
  | Session.SessionEvent
  | Snapshot.SnapshotEvent
  | Substitution.SubstitutionEvent
  | Supervisor.SupervisorEvent

export const all: ReadonlyArray<Versioned<AnyEvent>> = [
  ...Confirmation.all,
  ...Container.all,
  ...Decision.all,
  ...Egress.all,
  ...Image.all,
  ...Job.all,
  ...Key.all,
  ...Name.all,
  ...Node.all,
  ...Pool.all,
  ...Service.all,
  ...Session.all,
  ...Snapshot.all,
  ...Substitution.all,
  ...Supervisor.all
]

export const read = reader<AnyEvent>(...all)

const versions = new Map(all.map((event) => [event.tag, event.version]))

/** The version that `type` is written in today. */
export const versionOf = (type: AnyEvent["_tag"]): number => versions.get(type) ?? 1
