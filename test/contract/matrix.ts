/** Every route that changes something, with a thing of each kind to try it on: what its owner gets, and what others get. */
import { createHash } from "node:crypto"
import type { Ask } from "../support/client.js"

export type Thing = "session" | "service" | "snapshot" | "image" | "job"

export interface Row {
  /** What it is done to; undefined: whoever calls makes something of their own. */
  readonly thing?: Thing
  /** Done by its owner beforehand. */
  readonly after?: ReadonlyArray<readonly [method: string, path: string, body?: object]>
  /** `caller` and `guest` are public keys. */
  readonly ask?: (id: string, caller: string, guest: string) => Ask
  /** Instead of the definition's path. */
  readonly path?: (id: string, guest: string) => string
  /** The owner's answer; any 2xx without it. */
  readonly owner?: number
  /** Of who was granted the image; 403 without it. */
  readonly granted?: number
  /** Others get at most an answer about themselves. */
  readonly harmless?: true
}

const body = (value: object): Pick<Row, "ask"> => ({ ask: () => ({ body: value }) })
const program = { language: "bash", code: "true" }
const frozen = [["POST", "/:id/freeze"]] as const
const locked = [["POST", "/:id/lock"]] as const
const vault = [["PUT", "/:id/env", { A: "1" }]] as const
const guest = { ask: (_: string, __: string, key: string) => ({ body: { api_key: key } }) }
/** Names belong to one, whoever asks first. */
const named = { ask: (_: string, caller: string) => ({ body: { name: `m${caller.slice(-9)}` } }) }
const archive = Buffer.from("no archive")

export const rows: Readonly<Record<string, Row>> = {
  "POST /execute": body(program),
  "POST /execute/async": body(program),
  "POST /run": { ask: () => ({ body: "#!/bin/bash\ntrue", headers: { "content-type": "text/plain" } }) },
  "POST /run/async": { ask: () => ({ body: "#!/bin/bash\ntrue", headers: { "content-type": "text/plain" } }) },
  "DELETE /jobs/:id": { thing: "job" },
  "POST /jobs/:id/cancel": { thing: "job" },
  "POST /sessions": body({}),
  "DELETE /sessions/:id": { thing: "session" },
  "POST /sessions/:id/freeze": { thing: "session" },
  "POST /sessions/:id/unfreeze": { thing: "session", after: frozen },
  "POST /sessions/:id/boost": { thing: "session" },
  "POST /sessions/:id/unboost": { thing: "session" },
  "POST /sessions/:id/lock": { thing: "session" },
  "POST /sessions/:id/unlock": { thing: "session", after: locked },
  "POST /sessions/:id/extend": { thing: "session", ...body({ ttl: 7_200 }) },
  "POST /sessions/:id/execute": { thing: "session", ...body({ command: "true" }) },
  "POST /sessions/:id/shell": { thing: "session", ...body({ command: "true" }) },
  "POST /sessions/:id/snapshot": { thing: "session" },
  "POST /sessions/:id/restore": {
    thing: "session",
    ...body({ snapshot_id: "unsb-snapshot-0000-0000-0000-0000" }),
    owner: 404
  },
  "POST /services": named,
  "PATCH /services/:id": { thing: "service", ...body({ unfreeze_on_demand: true }) },
  "DELETE /services/:id": { thing: "service" },
  "POST /services/:id/freeze": { thing: "service" },
  "POST /services/:id/unfreeze": { thing: "service", after: frozen },
  "POST /services/:id/lock": { thing: "service" },
  "POST /services/:id/unlock": { thing: "service", after: locked },
  "POST /services/:id/redeploy": { thing: "service" },
  "POST /services/:id/resize": { thing: "service", ...body({ vcpu: 2 }) },
  "PUT /services/:id/domains": { thing: "service", ...body({ add: ["matrix.example.com"] }) },
  "POST /services/:id/execute": { thing: "service", ...body({ command: "true" }) },
  "POST /services/:id/snapshot": { thing: "service" },
  "PUT /services/:id/env": { thing: "service", ...body({ A: "1" }) },
  "POST /services/:id/env": { thing: "service", ...body({ A: "1" }) },
  "DELETE /services/:id/env": { thing: "service", after: vault },
  "POST /services/:id/env/export": { thing: "service", after: vault },
  "POST /snapshots": { thing: "session", ask: (id) => ({ body: { session_id: id } }) },
  "DELETE /snapshots/:id": { thing: "snapshot" },
  "POST /snapshots/:id/lock": { thing: "snapshot" },
  "POST /snapshots/:id/unlock": { thing: "snapshot", after: locked },
  "POST /snapshots/:id/restore": { thing: "snapshot" },
  "POST /snapshots/:id/clone": { thing: "snapshot", ...body({ type: "session" }) },
  // What it takes is judged after who sends it.
  "POST /images/import": {
    path: () => "/images/import?name=matrix",
    ask: () => {
      const digest = createHash("sha256").update(archive).digest("hex")
      return { body: archive, headers: { "x-content-sha256": digest }, sign: { body: digest } }
    },
    owner: 400
  },
  "POST /images": { thing: "snapshot", ask: (id) => ({ body: { source_type: "snapshot", source_id: id } }) },
  "POST /images/publish": { thing: "snapshot", ask: (id) => ({ body: { source_type: "snapshot", source_id: id } }) },
  "POST /images/:id/clone": { thing: "image", granted: 200 },
  "POST /images/:id/spawn": {
    thing: "image",
    ask: (_, caller) => ({ body: { name: `s${caller.slice(-9)}` } }),
    granted: 200
  },
  "POST /images/:id/visibility": { thing: "image", ...body({ visibility: "unlisted" }) },
  "POST /images/:id/grant": { thing: "image", ...guest },
  "POST /images/:id/grant-access": { thing: "image", ...guest },
  "POST /images/:id/access/grant": { thing: "image", ...guest },
  "POST /images/:id/access": { thing: "image", ...guest },
  "POST /images/:id/revoke": { thing: "image", ...guest },
  "POST /images/:id/revoke-access": { thing: "image", ...guest },
  "POST /images/:id/access/revoke": { thing: "image", ...guest },
  "DELETE /images/:id/access/:key": { thing: "image", path: (id, key) => `/images/${id}/access/${key}` },
  "DELETE /images/:id/access": { thing: "image", ...guest },
  "POST /images/:id/transfer": { thing: "image", ask: (_, __, key) => ({ body: { to_api_key: key } }) },
  "POST /images/:id/lock": { thing: "image" },
  "POST /images/:id/unlock": { thing: "image", after: locked },
  "DELETE /images/:id": { thing: "image" },
  "POST /keys/validate": { harmless: true },
  "POST /paas/logs": { harmless: true, ...body({ source: "api" }) },
  "POST /image": { harmless: true, ...body({ prompt: "a cat" }), owner: 501 }
}
