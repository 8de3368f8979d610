/** The kinds of things that belong to a key, and what their ids look like. */
import type { ImageId, JobId, ServiceId, SessionId, SnapshotId } from "../../events/Ids.js"
import { oneOf } from "./Fact.js"

export interface Ids {
  readonly job: JobId
  readonly session: SessionId
  readonly service: ServiceId
  readonly snapshot: SnapshotId
  readonly image: ImageId
}

export type Kind = keyof Ids

export const kind = oneOf("job", "session", "service", "snapshot", "image")
