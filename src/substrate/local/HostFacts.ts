/** What the membrane says about the host that it runs on. */
import { Schema } from "effect"

const Version = Schema.Literal("v1", "v2", "none")

export const HostFacts = Schema.Struct({
  version: Schema.Int,
  pid: Schema.Int,
  kernel: Schema.String,
  privileged: Schema.Boolean,
  uid_range: Schema.Int,
  cgroup: Schema.Literal("v1", "v2", "hybrid", "none"),
  controllers: Schema.Struct({ memory: Version, cpu: Version, pids: Version, freezer: Version }),
  namespaces: Schema.Array(Schema.String),
  seccomp: Schema.Boolean,
  nofile: Schema.Int,
  /** STDIN is acknowledged with ROOM: without it a long input would be cut. */
  room: Schema.Literal(true),
  weak: Schema.Array(Schema.String)
})
export type HostFacts = typeof HostFacts.Type

export const decode = Schema.decodeOption(Schema.parseJson(HostFacts))
