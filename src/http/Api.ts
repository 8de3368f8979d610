/** The HTTP API: its groups, and the OpenAPI document made from them. */
import * as HttpApi from "@effect/platform/HttpApi"
import * as OpenApi from "@effect/platform/OpenApi"
import { Execution } from "./Execution.js"
import { JobGroup } from "./JobGroup.js"
import { KeyGroup } from "./KeyGroup.js"
import { Public } from "./PublicGroup.js"
import { ClusterGroup, SystemGroup } from "./SystemGroup.js"

export class Api extends HttpApi.make("unsandbox")
  .add(Execution)
  .add(JobGroup)
  .add(Public)
  .add(ClusterGroup)
  .add(SystemGroup)
  .add(KeyGroup)
  .annotate(OpenApi.Title, "unsandbox")
  .annotate(OpenApi.Version, "0.1.0")
  .annotate(OpenApi.Description, "Run untrusted code in kernel-isolated containers, with a verifiable history.") {}
