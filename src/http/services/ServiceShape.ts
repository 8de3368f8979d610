/** What is told of a service, as the API has it; what may be asked of one stands beside. */
import { Schema } from "effect"
import * as Field from "../Field.js"

const { optional } = Schema
const id = "unsb-service-0123456789abcdef"

export const Ports = Schema.Array(Schema.Int).annotations({
  description: "Inside; visitors mean the first.",
  examples: [[8080]]
})
export const Domains = Schema.Array(Schema.String).annotations({
  description: "Host names of the owner's own.",
  examples: [["shop.example.com"]]
})

export const serviceFields = {
  id: Field.text("The service.", id),
  service_id: Field.text("The same.", id),
  name: Field.text("Its name: NAME.on.DOMAIN.", "shop"),
  status: Field.text("`starting`, `running`, `frozen`, `redeploying`, `stopped` or `failed`.", "running"),
  state: Field.text("The same.", "running"),
  container_name: Field.text("Its container; empty while it has none.", "unsb-vm-0123456789abcdef01234567"),
  network_mode: Field.text("The network that it has.", "zerotrust"),
  ports: Ports,
  domains: Domains,
  custom_domains: Domains,
  service_type: Field.text("What kind of service it is.", "web"),
  public_port: optional(Field.count("A TCP port of this host that leads to it.", 30000)),
  vcpu: Field.count("Virtual CPUs.", 1),
  memory_mb: Field.count("Memory, in MiB.", 2048),
  locked: Field.flag("Nobody may change or destroy it until it is unlocked.", false),
  unfreeze_on_demand: Field.flag("A visitor wakes it.", true),
  show_freeze_page: Field.flag("People see a page while it is frozen; otherwise JSON.", true),
  has_bootstrap: Field.flag("It has a script to start with.", true),
  has_vault: Field.flag("It has environment variables of its own.", false),
  url: Field.text("Where visitors find it.", "http://shop.on.localhost:8081"),
  disk_used: Field.count("Bytes of its root on the disk.", 20480),
  exit_code: optional(Field.count("Of its bootstrap, when that failed.", 1)),
  frozen_cause: optional(
    Field.text(
      "Why it was frozen without being asked: `disk` (its files), `disk-reserve` (the server's disk) or `key` (its key is not good any more).",
      "disk"
    )
  ),
  reason: optional(
    Field.text("The same in words, and what helps.", "Its files take 4.1 GiB of the 4.0 GiB that they may.")
  ),
  error: optional(Field.text("Why it failed.", "its bootstrap ended with status 1")),
  created_at: Field.time("When it was made"),
  updated_at: Field.time("Since when its state is what it is")
}

export const Service = Schema.Struct(serviceFields).annotations({ identifier: "Service" })
export type Service = typeof Service.Type

export const ServiceList = Schema.Struct({
  services: Schema.Array(Service).annotations({ description: "Newest first." }),
  count: Field.count("How many are listed.", 1)
}).annotations({ identifier: "ServiceList" })

const Done = { success: Field.flag("It is done.", true), message: Field.text("For people.", "Service frozen") }

export const Changed = Schema.Struct({ ...serviceFields, ...Done }).annotations({ identifier: "ServiceChanged" })

export const Destroyed = Schema.Struct({
  ...{ id: serviceFields.id, service_id: serviceFields.service_id, status: serviceFields.status },
  ...{ state: serviceFields.state, ...Done }
}).annotations({ identifier: "ServiceDestroyed" })

export const Logs = Schema.Struct({
  log: Field.text("What it printed.", "listening on 8080\n"),
  logs: Field.text("The same.", "listening on 8080\n"),
  id: serviceFields.id,
  service_id: serviceFields.service_id,
  lines: Field.count("How many lines.", 1)
}).annotations({ identifier: "ServiceLogs" })
