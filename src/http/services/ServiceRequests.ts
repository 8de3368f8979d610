/** What may be asked of services, as the API has it: one to be made, and what its owner changes. */
import { Schema } from "effect"
import { Scope, Tier } from "../../../events/Grants.js"
import * as Field from "../Field.js"
import { InputFile } from "../jobs/Program.js"
import { Domains, Ports } from "./ServiceShape.js"
import { Variables } from "./VaultShape.js"

const { optional } = Schema

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
