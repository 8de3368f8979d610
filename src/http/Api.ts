/** The HTTP API: its groups, and the OpenAPI document made from them. */
import * as HttpApi from "@effect/platform/HttpApi"
import * as OpenApi from "@effect/platform/OpenApi"
import { ArchiveGroup } from "./ArchiveGroup.js"
import { Execution } from "./Execution.js"
import { ImageGroup } from "./ImageGroup.js"
import { JobGroup } from "./JobGroup.js"
import { KeyGroup } from "./KeyGroup.js"
import { LogGroup } from "./LogGroup.js"
import { PictureGroup } from "./PictureGroup.js"
import { Public } from "./PublicGroup.js"
import { ServiceGroup } from "./ServiceGroup.js"
import { SessionGroup } from "./SessionGroup.js"
import { SnapshotGroup } from "./SnapshotGroup.js"
import { ClusterGroup, SystemGroup } from "./SystemGroup.js"
import { VaultGroup } from "./VaultGroup.js"

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
