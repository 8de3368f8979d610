/** What requests for snapshots look like, and what is answered. */
import { Schema } from "effect"
import * as Field from "../Field.js"

const { optional } = Schema

const ids = {
  snapshot: Field.text("The snapshot.", "unsb-snapshot-0123-4567-89ab-cdef"),
  session: Field.text("The session.", "unsb-session-0123456789abcdef0123456789abcdef"),
  service: Field.text("The service.", "unsb-service-0123456789abcdef")
}

export const id = ids.snapshot

export const Snapshot = Schema.Struct({
  id: ids.snapshot,
  snapshot_id: ids.snapshot,
  name: Field.text("Its name; its id when it was given none.", "before-upgrade"),
  type: Field.text("What it was taken of: `session` or `service`.", "service"),
  source_type: Field.text("The same.", "service"),
  source_id: ids.service,
  session_id: optional(ids.session),
  service_id: optional(ids.service),
  container_name: Field.text("The container that it ran in; empty when it ran in none.", "unsb-vm-0123456789abcdef"),
  status: Field.text("`ready`.", "ready"),
  state: Field.text("The same.", "ready"),
  hot: Field.flag("It was taken without freezing its source.", false),
  locked: Field.flag("It cannot be deleted.", false),
  size_bytes: Field.count("What it takes on the disk, compressed; shared with what has the same content.", 40960),
  content_bytes: Field.count("What it holds.", 102400),
  file_count: Field.count("Files and directories in it.", 12),
  network_mode: Field.text("The network that its source had.", "zerotrust"),
  created_at: Field.time("When it was taken"),
  expires_at: optional(Field.time("When it will be deleted"))
}).annotations({ identifier: "Snapshot" })
export type Snapshot = typeof Snapshot.Type

export const SnapshotList = Schema.Struct({
  snapshots: Schema.Array(Snapshot).annotations({ description: "Newest first." }),
  count: Field.count("How many are listed.", 1)
}).annotations({ identifier: "SnapshotList" })

const about = {
  name: optional(Field.text("A name for people.", "before-upgrade")),
  hot: optional(Field.flag("Do not freeze it meanwhile: what is being written may be cut in the middle.", false)),
  ttl: optional(Field.count("Seconds after which it is deleted; 0 or nothing: never.", 86400))
}

/** Of `POST /sessions/{id}/snapshot` and its like, where the path says of what. */
export const SnapshotRequest = Schema.Struct(about).annotations({ identifier: "SnapshotRequest" })

export const CreateRequest = Schema.Struct({
  session_id: optional(ids.session),
  service_id: optional(ids.service),
  source_type: optional(Field.text("`session` or `service`, with `source_id`.", "service")),
  source_id: optional(ids.service),
  ...about
}).annotations({ identifier: "CreateSnapshotRequest" })

export const CloneRequest = Schema.Struct({
  type: optional(Field.text("`session` or `service`; default: what it was taken of. Alias: `clone_type`.", "service")),
  name: optional(Field.text("Of a service: its name.", "shop-2")),
  shell: optional(Field.text("Of a session: its shell.", "bash")),
  ports: optional(Schema.Array(Schema.Int).annotations({ description: "Of a service: the ports that it listens on." })),
  network_mode: optional(Field.text("Default: what its source had.", "zerotrust")),
  vcpu: optional(Field.count("Default: what its source had.", 1))
}).annotations({ identifier: "CloneSnapshotRequest" })

/** Of `POST /sessions/{id}/restore`. */
export const RestoreRequest = Schema.Struct({ snapshot_id: ids.snapshot }).annotations({ identifier: "RestoreRequest" })

export const Restored = Schema.Struct({
  status: Field.text("`restored`.", "restored"),
  success: Field.flag("It is.", true),
  message: Field.text("For people.", "Snapshot restored"),
  id: ids.service,
  type: Field.text("`session` or `service`.", "service"),
  snapshot_id: ids.snapshot,
  session_id: optional(ids.session),
  service_id: optional(ids.service)
}).annotations({ identifier: "Restored" })
export type Restored = typeof Restored.Type

export const Cloned = Schema.Struct({
  id: ids.service,
  type: Field.text("`session` or `service`.", "service"),
  snapshot_id: ids.snapshot,
  session_id: optional(ids.session),
  service_id: optional(ids.service),
  name: optional(Field.text("The service's name.", "shop-2")),
  url: optional(Field.text("Where the service answers.", "http://shop-2.on.localhost:8081")),
  status: Field.text("`starting` or `running`.", "starting"),
  state: Field.text("The same.", "starting"),
  message: Field.text("For people.", "Snapshot cloned")
}).annotations({ identifier: "Cloned" })

export const Locking = Schema.Struct({
  id: ids.snapshot,
  snapshot_id: ids.snapshot,
  locked: Field.flag("It cannot be deleted.", true),
  message: Field.text("For people.", "Snapshot locked")
}).annotations({ identifier: "SnapshotLocking" })

export const Deleted = Schema.Struct({
  id: ids.snapshot,
  snapshot_id: ids.snapshot,
  success: Field.flag("It is gone.", true),
  message: Field.text("For people.", "Snapshot deleted")
}).annotations({ identifier: "SnapshotDeleted" })
