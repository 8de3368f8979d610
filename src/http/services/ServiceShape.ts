/** The services group's shapes: what is told of a service, and what may be asked of it. */
import { Schema } from "effect"
import { Scope, Tier } from "../../../events/Grants.js"
import * as Field from "../Field.js"
import { InputFile } from "../jobs/Program.js"

const { optional } = Schema
const id = "unsb-service-0123456789abcdef"

const Ports = Schema.Array(Schema.Int).annotations({
  description: "Inside; visitors mean the first.",
  examples: [[8080]]
})
const Domains = Schema.Array(Schema.String).annotations({
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

/** A vault's, as JSON has them. */
export const Variables = Schema.Record({
  key: Schema.String,
  value: Schema.Union(
    Schema.String,
    Schema.Struct({
      value: Field.text("8 to 4096 visible ASCII characters. It never enters the container.", "a-secret"),
      egress: Schema.Array(Schema.String).annotations({
        description:
          "Hosts that the value goes to: `api.example.com`, `*.example.org`, `api.example.com:8443` over TLS, or " +
          "`http://host` in clear. The container has a placeholder, and the egress proxy puts the value in its place " +
          "in requests to these hosts. Needs network_mode semitrusted.",
        examples: [["api.example.com", "*.example.org"]]
      })
    }).annotations({ identifier: "MarkedVariable" })
  )
})

export const Service = Schema.Struct(serviceFields).annotations({ identifier: "Service" })
export type Service = typeof Service.Type

export const ServiceList = Schema.Struct({
  services: Schema.Array(Service).annotations({ description: "Newest first." }),
  count: Field.count("How many are listed.", 1)
}).annotations({ identifier: "ServiceList" })

const Done = { success: Field.flag("It is done.", true), message: Field.text("For people.", "Service frozen") }

export const Changed = Schema.Struct({ ...serviceFields, ...Done }).annotations({ identifier: "ServiceChanged" })
export type Changed = typeof Changed.Type

export const Destroyed = Schema.Struct({
  ...{ id: serviceFields.id, service_id: serviceFields.service_id, status: serviceFields.status },
  ...{ state: serviceFields.state, ...Done }
}).annotations({ identifier: "ServiceDestroyed" })

const Vcpu = Schema.Int.pipe(Schema.between(1, 8))
const Files = Schema.Array(InputFile).annotations({ description: "Files to find in /tmp/input." })
const bootstrap = {
  bootstrap: optional(
    Field.text("A script, or the address of one. Alias: `bootstrap_url`.", "python3 -m http.server 8080")
  ),
  bootstrap_content: optional(
    Field.text("A script, as a file has it; kept as /tmp/bootstrap.sh.", "#!/bin/bash\nexec ./serve\n")
  )
}

const limit = optional(Schema.NonNegativeInt)
const ChildKey = Schema.Struct({
  tier: optional(Tier),
  scopes: optional(Schema.Array(Scope)),
  ...{ rpm: limit, burst: limit, concurrency: limit, vcpu: limit, ttl: limit },
  ...{ services: limit, snapshots: limit, images: limit, kept_bytes: limit }
}).annotations({ identifier: "ChildKey", description: "No more of each than the caller's own key has." })

export const CreateService = Schema.Struct({
  name: optional(Field.text("A DNS label that nobody else has; without it one is made up.", "shop")),
  ports: optional(Ports),
  custom_domains: optional(Domains),
  ...bootstrap,
  network_mode: optional(Field.text("`zerotrust` (no network) or `semitrusted`. Alias: `network`.", "zerotrust")),
  vcpu: optional(Field.of(Vcpu, "Virtual CPUs, 1 to 8, with 2 GB of memory each. Default 1.", 1)),
  service_type: optional(
    Field.text(
      "`web`, `tcp`, `udp`, `minecraft`, `mumble`, `teamspeak`, `source`: all but web and udp get a public port.",
      "web"
    )
  ),
  golden_image: optional(Field.text("An image to begin with.", "unsb-image-0123-4567-89ab-cdef")),
  input_files: optional(Files),
  env: optional(
    Field.of(Variables, "Variables for its vault.", {
      GREETING: "hi",
      TOKEN: { value: "a-secret", egress: ["api.example.com"] }
    })
  ),
  child_key: optional(
    Field.of(
      Schema.Union(Schema.Boolean, ChildKey),
      "Its programs get a key of their own, a child of the caller's, as UNSANDBOX_PUBLIC_KEY and UNSANDBOX_SECRET_KEY; " +
        "nobody else ever sees it, and it is revoked with the service. Default false.",
      true,
      { scopes: ["execute"], concurrency: 1 }
    )
  ),
  unfreeze_on_demand: optional(Field.flag("A visitor wakes it when it is frozen. Default false.", true)),
  show_freeze_page: optional(Field.flag("Default true.", true))
}).annotations({ identifier: "CreateService" })

export const PatchService = Schema.Struct({
  vcpu: optional(Field.of(Vcpu, "Virtual CPUs, 1 to 8; changed while it runs.", 2)),
  name: optional(Field.text("Another name.", "store")),
  unfreeze_on_demand: optional(Field.flag("A visitor wakes it.", true)),
  show_freeze_page: optional(Field.flag("People see a page while it is frozen.", false))
}).annotations({ identifier: "PatchService" })

export const Resize = Schema.Struct({ vcpu: Field.of(Vcpu, "Virtual CPUs, 1 to 8.", 2) }).annotations({
  identifier: "ResizeService"
})

export const SetDomains = Schema.Struct({
  custom_domains: optional(Domains),
  add: optional(Domains),
  remove: optional(Domains)
}).annotations({ identifier: "SetDomains", description: "All of them, or those to add and to remove." })

export const Redeploy = Schema.Struct({ ...bootstrap, input_files: optional(Files) }).annotations({
  identifier: "RedeployService"
})

export const ExecuteCommand = Schema.Struct({
  command: Field.text("A line for bash.", "ls /tmp/input"),
  timeout: optional(Field.count("Milliseconds, 0 for as long as may be. Default 30000.", 30_000)),
  input_files: optional(Files)
}).annotations({ identifier: "ServiceCommand" })

export const Logs = Schema.Struct({
  log: Field.text("What it printed.", "listening on 8080\n"),
  logs: Field.text("The same.", "listening on 8080\n"),
  id: serviceFields.id,
  service_id: serviceFields.service_id,
  lines: Field.count("How many lines.", 1)
}).annotations({ identifier: "ServiceLogs" })

export const Vault = Schema.Struct({
  has_vault: Field.flag("There are variables.", true),
  exists: Field.flag("The same.", true),
  count: Field.count("How many.", 2),
  variable_count: Field.count("The same.", 2),
  names: Schema.Array(Schema.String).annotations({ description: "Their names; values are told by POST …/env/export." }),
  egress: Schema.Record({ key: Schema.String, value: Schema.Array(Schema.String) }).annotations({
    description: "Of those that are marked: the hosts that their values go to. Their container has placeholders.",
    examples: [{ TOKEN: ["api.example.com"] }]
  }),
  updated_at: Field.count("When they were last put, in seconds since 1970; 0: never.", 1768728600),
  env: Schema.Struct({}).annotations({ description: "Always empty: values are not told here." })
}).annotations({ identifier: "Vault" })

export const VaultPut = Schema.Struct({
  count: Field.count("How many there are now.", 2),
  message: Field.text("For people.", "2 variables are in the vault"),
  success: Field.flag("It is done.", true)
}).annotations({ identifier: "VaultPut" })

export const VaultDeleted = Schema.Struct({
  status: Field.text("`deleted`", "deleted"),
  success: Field.flag("It is done.", true),
  deleted: Field.count("How many there were of those.", 2)
}).annotations({ identifier: "VaultDeleted" })

export const VaultExport = Schema.Struct({
  env: Field.text("As a file for a shell has it.", "GREETING=hi\n"),
  content: Field.text("The same.", "GREETING=hi\n"),
  count: Field.count("How many.", 1)
}).annotations({ identifier: "VaultExport" })
