/** The cluster and system groups: how this installation is; the one for any known key, the other signed. */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as OpenApi from "@effect/platform/OpenApi"
import { Schema } from "effect"
import { KnownKey, Signed } from "../Authentication.js"
import * as Field from "../Field.js"
import { problems } from "../Problem.js"

const Numbers = Schema.Record({ key: Schema.String, value: Schema.Number })

const Load = Schema.Struct({
  load1: Field.number("Over one minute.", 0.7),
  load5: Field.number("Over five minutes.", 0.5),
  load15: Field.number("Over fifteen minutes.", 0.4)
}).annotations({ identifier: "Load" })

const Breakdown = Schema.Struct({
  allocated: Field.count("Claimed containers.", 2),
  available: Field.count("Idle containers.", 6),
  total: Field.count("Both.", 8)
})

const Cluster = Schema.Struct({
  mode: Field.of(Schema.Literal("pooled", "on_demand"), "Whether containers are kept warm.", "pooled"),
  pool_size: Field.count("Containers kept warm.", 8),
  allocated: Breakdown.fields.allocated,
  available: Breakdown.fields.available,
  spawning: Field.count("Containers being made.", 1),
  waiting: Field.count("Claims waiting for a container.", 0),
  total_containers: Field.count("All that exist.", 9),
  network_mode: Field.of(
    Schema.Literal("zerotrust_only", "semitrusted_only", "hybrid"),
    "Which networks there are.",
    "zerotrust_only"
  ),
  network_breakdown: Schema.Struct({
    zerotrust: Breakdown,
    semitrusted: Schema.Struct({ ...Breakdown.fields, services: Field.count("Services that there are.", 1) })
  }),
  load_avg: Load,
  memory: Schema.Struct({
    used_gb: Field.number("Memory in use.", 3.1),
    available_gb: Field.number("Memory left.", 12.7),
    used_percent: Field.number("The share in use.", 19.6)
  }),
  version: Field.text("Of this server.", "0.1.0")
}).annotations({ identifier: "ClusterStatus" })

const Pool = Schema.Struct({
  id: Field.text("The pool and its host.", "zerotrust@node1"),
  host: Field.text("Its host.", "node1"),
  status: Field.of(Schema.Literal("healthy", "degraded", "unhealthy"), "`unhealthy`: spawning fails.", "healthy"),
  ...Breakdown.fields,
  spawning: Field.count("Containers being made.", 1),
  lingering: Field.count("Containers that are ended and not yet seen empty; their memory is not free.", 0),
  waiting: Field.count("Claims waiting for a container.", 0),
  target: Field.count("Containers kept warm.", 8),
  maximum: Field.count("The most that may exist.", 64),
  circuit: Field.text("`open` while spawning is given a rest after failures.", "closed"),
  claim_p50_ms: Field.number("Median of recent claims.", 0.4),
  claim_p99_ms: Field.number("The slowest hundredth of recent claims.", 2.2),
  vcpu_count: Field.count("Processors of the host.", 2),
  load_avg: Load
}).annotations({ identifier: "Pool" })

const Pools = Schema.Struct({
  pool_count: Field.count("How many pools.", 1),
  total_capacity: Field.count("Containers kept warm in all.", 8),
  total_allocated: Field.count("Claimed containers in all.", 2),
  total_available: Field.count("Idle containers in all.", 6),
  pools: Schema.Array(Pool)
}).annotations({ identifier: "Pools" })

const byKey = ["D01", "D02"] as const

export class ClusterGroup extends HttpApiGroup.make("cluster")
  .add(
    HttpApiEndpoint.get("cluster", "/cluster")
      .addSuccess(Cluster)
      .addError(problems(503))
      .annotateContext(Field.route("How full it is", "A known key's bearer suffices.", ...byKey))
  )
  .add(
    HttpApiEndpoint.get("pools", "/pools")
      .addSuccess(Pools)
      .annotateContext(Field.route("The warm pools", "A known key's bearer suffices.", ...byKey))
  )
  .middleware(KnownKey)
  .annotate(OpenApi.Description, "Needs a known key, signed or not.") {}

const Stats = Schema.Struct({
  containers: Field.count("Containers that exist.", 9),
  load_1min: Field.text("Load average.", "0.70"),
  load_5min: Field.text("Load average.", "0.52"),
  load_15min: Field.text("Load average.", "0.44"),
  active_jobs: Field.count("Jobs accepted and not ended.", 2),
  totals: Numbers.annotations({ description: "Counts since the log began.", examples: [{ "job.completed": 1204 }] })
}).annotations({ identifier: "Stats" })

const Shells = Schema.Struct({
  shells: Schema.Array(Schema.String).annotations({ description: "Every shell that this API knows." }),
  categories: Schema.Record({ key: Schema.String, value: Schema.Array(Schema.String) }),
  available: Schema.Array(Schema.String).annotations({ description: "Those whose program is in the image." }),
  count: Field.count("How many shells.", 35)
}).annotations({ identifier: "Shells" })

export class SystemGroup extends HttpApiGroup.make("system")
  .add(
    HttpApiEndpoint.get("stats", "/stats")
      .addSuccess(Stats)
      .addError(problems(503))
      .annotateContext(Field.route("Counts and load", "Since the log began.", ...Field.signed))
  )
  .add(
    HttpApiEndpoint.get("shells", "/shells")
      .addSuccess(Shells)
      .annotateContext(Field.route("Shells", "Those known and those present.", ...Field.signed))
  )
  .middleware(Signed)
  .annotate(OpenApi.Description, "How this installation is.") {}
