/** A container of the membrane, as the port describes it. */
import { Deferred, Effect } from "effect"
import type { Container, Limits, Seal, SubstrateError } from "../Substrate.js"
import * as Bounds from "./Bounds.js"
import { Channel } from "./Channel.js"
import { collect } from "./Collecting.js"
import type { Connection } from "./Connection.js"
import type { Reply } from "./Reply.js"
import { run } from "./Run.js"
import * as Seals from "./Seal.js"
import { start } from "./Streaming.js"

const CREATE_MILLIS = 10_000
const CONTROL_MILLIS = 5_000

const limit = (channel: Channel, limits: Limits): Effect.Effect<Seal, SubstrateError> =>
  Bounds.limits(limits) ??
  channel
    .call({ _tag: "Limit", limits }, "Limited", CONTROL_MILLIS)
    .pipe(Effect.flatMap((reply) => sealed(channel, reply)))

/** A seal that cannot be read is no seal: the spawner is not to be trusted with the next one either. */
const sealed = (channel: Channel, reply: Reply): Effect.Effect<Seal, SubstrateError> => {
  const text = reply._tag === "Created" || reply._tag === "Limited" ? reply.seal : ""
  return Effect.try(() => Seals.parse(text)).pipe(
    Effect.tapError((cause) => Effect.sync(() => channel.connection.lose(`the spawner sent ${String(cause.error)}`))),
    Effect.catchAll(() => Deferred.await(channel.connection.lost))
  )
}

const destroy = (channel: Channel): Container["destroy"] =>
  Effect.suspend(() => {
    channel.destroy()
    return Effect.flatMap(Deferred.await(channel.gone), (gone) =>
      gone.reason === "lost" ? Deferred.await(channel.connection.lost) : Effect.succeed(gone)
    )
  })

const container = (channel: Channel, seal: Seal): Container => ({
  seal,
  run: (command) => run(channel, command),
  start: (command, options) => start(channel, command, options),
  limit: (limits) => limit(channel, limits),
  collect: (directory, bounds) => collect(channel, directory, bounds),
  freeze: Effect.asVoid(channel.call({ _tag: "Freeze" }, "Frozen", CONTROL_MILLIS)),
  unfreeze: Effect.asVoid(channel.call({ _tag: "Unfreeze" }, "Thawed", CONTROL_MILLIS)),
  release: Effect.sync(() => channel.destroy()),
  destroy: destroy(channel),
  gone: Deferred.await(channel.gone)
})

/** Interrupted, late or failed, nothing is left behind: the container is destroyed as soon as it can be. */
export const create = (
  connection: Connection,
  hostname: string,
  limits: Limits
): Effect.Effect<Container, SubstrateError> =>
  Effect.suspend(() => {
    const refused = Bounds.hostname(hostname) ?? Bounds.limits(limits)
    if (refused !== undefined) return Effect.fail(refused)
    const channel = new Channel(connection)
    return channel.call({ _tag: "Create", hostname, limits }, "Created", CREATE_MILLIS).pipe(
      Effect.flatMap((reply) => sealed(channel, reply)),
      Effect.map((seal) => container(channel, seal)),
      Effect.onExit((exit) => (exit._tag === "Success" ? Effect.void : Effect.sync(() => channel.destroy())))
    )
  })
