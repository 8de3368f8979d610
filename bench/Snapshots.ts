/** How long a snapshot and its restoration take, against its size: cold ones, of bytes that no compression makes fewer. */
import { Effect, Schema } from "effect"
import * as Client from "../src/cli/Client.js"
import { IDLE } from "./Freezes.js"
import { server } from "./Servers.js"
import * as Services from "./Services.js"
import { median, millis, timed } from "./Times.js"

export interface Size {
  /** As its figures are called. */
  readonly name: string
  readonly megabytes: number
  readonly times: number
}

const Taken = Schema.Struct({ snapshot_id: Schema.String })
const Ran = Schema.Struct({ exit_code: Schema.Literal(0) })

/** Other bytes each time: a layer that is known already would not be kept anew. */
const fill = (of: Client.Credentials, service: Services.Service, megabytes: number) =>
  Services.order(of, service, "execute", {
    command: `head -c ${megabytes}M /dev/urandom > /srv/bytes && sync /srv/bytes`,
    timeout: 300_000
  }).pipe(Effect.flatMap(({ body }) => Schema.decodeUnknown(Ran)(body)))

const taken = (of: Client.Credentials, service: Services.Service) =>
  Effect.flatMap(Services.order(of, service, "snapshot"), ({ body }) => Schema.decodeUnknown(Taken)(body))

const turn = Effect.fnUntraced(function* (of: Client.Credentials, service: Services.Service, megabytes: number) {
  yield* fill(of, service, megabytes)
  const [snapshot, { snapshot_id }] = yield* timed(taken(of, service))
  const path = `/snapshots/${snapshot_id}`
  const restore = yield* millis(Client.call(of, { path: `${path}/restore`, body: "{}", timeoutMillis: 300_000 }))
  yield* Services.until(of, service, Services.runs)
  yield* Client.call(of, { method: "DELETE", path })
  return { snapshot, restore }
})

/** The service that it is taken of runs before and after; it is frozen meanwhile. */
export const snapshots = Effect.fnUntraced(function* (sizes: ReadonlyArray<Size>) {
  const of = yield* server("4")
  const service = yield* Services.made(of, IDLE)
  yield* Services.until(of, service, Services.runs)
  const measured = yield* Effect.forEach(sizes, ({ megabytes, name, times }) =>
    Effect.map(Effect.replicateEffect(turn(of, service, megabytes), times), (turns) => [
      [`snapshot_${name}_ms`, median(turns.map(({ snapshot }) => snapshot))] as const,
      [`restore_${name}_ms`, median(turns.map(({ restore }) => restore))] as const
    ])
  )
  const figures: Readonly<Record<string, number>> = Object.fromEntries(measured.flat())
  return figures
}, Effect.scoped)
