/** The HTTP API: its groups, and the OpenAPI document made from them. */
import * as HttpApi from "@effect/platform/HttpApi"
import * as OpenApi from "@effect/platform/OpenApi"
import { ArchiveGroup } from "./images/ArchiveGroup.js"
import { ImageGroup } from "./images/ImageGroup.js"
import { Execution } from "./jobs/Execution.js"
import { JobGroup } from "./jobs/JobGroup.js"
import { LogGroup } from "./logs/LogGroup.js"
import { ServiceGroup } from "./services/ServiceGroup.js"
import { VaultGroup } from "./services/VaultGroup.js"
import { SessionGroup } from "./sessions/SessionGroup.js"
import { SnapshotGroup } from "./snapshots/SnapshotGroup.js"
import { KeyGroup } from "./system/KeyGroup.js"
import { PictureGroup } from "./system/PictureGroup.js"
import { Public } from "./system/PublicGroup.js"
import { ClusterGroup, SystemGroup } from "./system/SystemGroup.js"

export class Api extends HttpApi.make("unsandbox")
  .add(Execution)
  .add(JobGroup)
  .add(SessionGroup)
  .add(ServiceGroup)
  .add(VaultGroup)
  .add(SnapshotGroup)
  .add(ArchiveGroup)
  .add(ImageGroup)
  .add(Public)
  .add(ClusterGroup)
  .add(SystemGroup)
  .add(KeyGroup)
  .add(LogGroup)
  .add(PictureGroup)
  .annotate(OpenApi.Title, "unsandbox")
  .annotate(OpenApi.Version, "0.1.0")
  .annotate(OpenApi.Description, "Run untrusted code in kernel-isolated containers, with a verifiable history.") {}
