/** A container of the membrane, as the port describes it. */
import { Deferred, Effect } from "effect"
import type { Container, Limits, Seal, SubstrateError, SubstrateFailed } from "../Substrate.js"
import * as Bounds from "./Bounds.js"
import { Channel } from "./Channel.js"
import { collect } from "./Collecting.js"
import type { Connection } from "./Connection.js"
import { dial } from "./Dialling.js"
import { launch } from "./Launching.js"
import { left } from "./Left.js"
import type { Reply } from "./Reply.js"
import type { Request } from "./Request.js"
import { run } from "./Run.js"
import * as Seals from "./Seal.js"
import { start } from "./Streaming.js"

const CREATE_MILLIS = 10_000
const CONTROL_MILLIS = 5_000
/** PROTOCOL gives it 120 s: it may re-own a large tree. */
const ATTACH_MILLIS = 130_000
const ETIMEDOUT = 110

const limit = (channel: Channel, limits: Limits): Effect.Effect<Seal, SubstrateError> =>
  Bounds.limits(limits) ??
  channel
    .call({ _tag: "Limit", limits }, "Limited", CONTROL_MILLIS)
    .pipe(Effect.flatMap((reply) => sealed(channel, reply)))

/** A seal that cannot be read is no seal: the spawner is not to be trusted with the next one either. */
const sealed = (channel: Channel, reply: Reply): Effect.Effect<Seal, SubstrateError> => {
  const text = "seal" in reply ? reply.seal : ""
  return Effect.try(() => Seals.parse(text)).pipe(
    Effect.tapError((cause) => Effect.sync(() => channel.connection.lose(`the spawner sent ${String(cause.error)}`))),
    Effect.catchAll(() => Deferred.await(channel.connection.lost))
  )
}

const ask = (
  channel: Channel,
  refused: SubstrateFailed | undefined,
  request: Request,
  answer: Reply["_tag"],
  millis = CONTROL_MILLIS
): Effect.Effect<void, SubstrateError> => refused ?? Effect.asVoid(channel.call(request, answer, millis))

/** From the moment it is asked for: unless it is refused, the container must be taken for one that survives. */
const keep = (channel: Channel, label: string): Effect.Effect<void, SubstrateError> =>
  Effect.suspend(() => {
    const before = channel.kept
    channel.kept = true
    return Effect.tapError(ask(channel, Bounds.keep(label), { _tag: "Keep", label }, "Kept"), (error) =>
      Effect.sync(() => {
        if (error._tag === "SubstrateFailed" && error.errno !== ETIMEDOUT) channel.kept = before
      })
    )
  })

const destroy = (channel: Channel): Container["destroy"] =>
  Effect.suspend(() => {
    channel.destroy()
    return Deferred.await(channel.ending)
  })

const container = (channel: Channel, seal: Seal): Container => ({
  seal,
  run: (command) => run(channel, command),
  start: (command, options) => start(channel, command, options),
  launch: (command, log) => launch(channel, command, log),
  attach: (directory) =>
    ask(channel, Bounds.attach(directory), { _tag: "Attach", directory }, "Attached", ATTACH_MILLIS),
  keep: (label) => keep(channel, label),
  dial: (port) => dial(channel, port),
  egress: (port, path) => ask(channel, Bounds.egress(port, path), { _tag: "Egress", port, path }, "Listening"),
  limit: (limits) => limit(channel, limits),
  collect: (directory, bounds) => collect(channel, directory, bounds),
  freeze: Effect.asVoid(channel.call({ _tag: "Freeze" }, "Frozen", CONTROL_MILLIS)),
  unfreeze: Effect.asVoid(channel.call({ _tag: "Unfreeze" }, "Thawed", CONTROL_MILLIS)),
  release: Effect.sync(() => channel.destroy()),
  destroy: destroy(channel),
  gone: Deferred.await(channel.gone),
  left: left(seal)
})

/** One that a former control plane kept, its seal read anew. */
export const adopted = (channel: Channel): Effect.Effect<Container, SubstrateError> =>
  channel.call({ _tag: "Seal" }, "Sealed", CONTROL_MILLIS).pipe(
    Effect.flatMap((reply) => sealed(channel, reply)),
    Effect.map((seal) => container(channel, seal))
  )

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
