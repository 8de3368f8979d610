/** How a service comes to be: its root prepared, its names claimed, its beginning recorded; or nothing of it is left. */
import { Cause, Chunk, Effect, Either, Option } from "effect"
import type { Digest, PublicKey, ServiceId } from "../../events/Ids.js"
import type { Blob } from "../../events/Service.js"
import { capacityAvailable } from "../../src/guards/CapacityAvailable.js"
import type { InputFile } from "../../src/guards/FilesContained.js"
import { isPublic } from "../../src/guards/ServiceOrder.js"
import { hostsOf } from "../../src/guards/VaultVariables.js"
import { ServiceTable } from "../../src/projections/ServiceTable.js"
import { Blobs } from "../../src/store/Blobs.js"
import { digestOf } from "../../src/store/Digest.js"
import { type LayerRefused, Layers } from "../../src/store/Layers.js"
import { Volumes } from "../../src/store/Volumes.js"
import * as Minting from "../Minting.js"
import * as Naming from "../name/Naming.js"
import type { Giving } from "./Giving.js"
import type { Roster } from "./Roster.js"
import { Command, type Pending } from "./Service.js"
import type { Submission, Unwilling } from "./Services.js"
import type * as Vault from "./Vault.js"

export interface Options {
  /** The public TCP ports of this host that services may have, both ends included. */
  readonly publicPorts: { readonly first: number; readonly last: number }
}

const isInDoubt = (cause: Cause.Cause<Unwilling | LayerRefused>): boolean =>
  Chunk.some(Cause.failures(cause), (error) => error._tag === "LogUnavailable" && error.written === "unknown")

const utf8 = new TextEncoder()

const portName = (port: number) => `tcp:${port}`

/** Losses against others who want a port at the same moment. */
const TRIES = 16

export const make = ({ publicPorts: { first, last } }: Options, roster: Roster, vault: Vault.Vault, giving: Giving) =>
  Effect.gen(function* () {
    const blobs = yield* Blobs
    const layers = yield* Layers
    const volumes = yield* Volumes
    const table = yield* ServiceTable
    const naming = yield* Naming.make

    const keep = (bytes: Uint8Array) => {
      const digest = digestOf(bytes)
      const blob: Blob = { digest, bytes: bytes.length }
      return Effect.as(bytes.length === 0 ? Effect.void : blobs.put(bytes, digest), blob)
    }

    /** Kept before anything refers to it. */
    const pending = (bootstrap: string | undefined, files: ReadonlyArray<InputFile>) =>
      Effect.all({
        bootstrap: bootstrap === undefined ? Effect.succeed(null) : keep(utf8.encode(bootstrap)),
        inputs: Effect.forEach(files, ({ content, name }) => Effect.map(keep(content), (blob) => ({ name, ...blob })))
      }) satisfies Effect.Effect<Pending, unknown>

    const none = capacityAvailable.refuse({
      code: "no_public_port",
      message: `All public ports of this server are taken (${first} to ${last}). Ask the operator for more.`,
      status: 503
    })

    /** The lowest that nobody has: its name's history says who was quicker. */
    const publicPort = Effect.fnUntraced(function* (service: ServiceId, owner: PublicKey) {
      let tries = TRIES
      for (let port = first; port <= last && tries > 0; port++) {
        if (Option.isSome(yield* table.holder(portName(port)))) continue
        const claimed = yield* Effect.either(naming.claim(portName(port), { service, owner }))
        if (Either.isRight(claimed)) return port
        if (claimed.left._tag !== "Refused") return yield* claimed.left
        tries -= 1
      }
      return yield* none
    })

    const claimNames = (service: ServiceId, { domains, name, owner }: Submission) =>
      Effect.forEach([name, ...domains], ({ facts }) => naming.claim(facts.name, { service, owner }), { discard: true })

    const fill = (service: ServiceId, from: Digest | null) =>
      from === null
        ? Effect.asVoid(volumes.create(service))
        : volumes.replace(service, (directory) => layers.unpack(from, directory))

    const begin = (service: ServiceId, submission: Submission) =>
      Effect.gen(function* () {
        const { domains, files, from, name, network, order, owner, trace } = submission
        const { bootstrap, env, ports, serviceType, showFreezePage, unfreezeOnDemand, vcpu } = order.facts
        yield* claimNames(service, submission)
        const port = isPublic(serviceType) ? yield* publicPort(service, owner) : null
        yield* fill(service, from)
        const created = {
          ...{ service, owner, name: name.facts.name, domains: domains.map(({ facts }) => facts.name) },
          ...{ network: network.facts.mode, vcpu, ports, serviceType, publicPort: port, from },
          ...{ unfreezeOnDemand, showFreezePage, ...(yield* pending(bootstrap, files.facts.files)) }
        }
        const names = Object.keys(env)
        yield* giving.give({ service, owner }, name.facts.name, order.facts.childKey)
        if (names.length > 0) yield* vault.put({ service, owner }, env)
        yield* roster.ask(service, Command.Create({ created, vault: names, egress: hostsOf(env) }), {
          by: owner,
          trace
        })
      })

    /** Whatever was made for one that is no service. What cannot be undone now is found by the next sweep. */
    const undo = (service: ServiceId, owner: PublicKey) =>
      Effect.gen(function* () {
        for (const name of yield* table.namesOf(service)) yield* naming.release(name, service)
        yield* volumes.remove(service)
        yield* vault.remove({ service, owner })
        yield* giving.take(service, "its service did not come to be")
      }).pipe(Effect.ignore)

    const create = (submission: Submission) => {
      const service = Minting.serviceId()
      return begin(service, submission).pipe(
        // While it is in doubt whether it is a service, its root stays; the next sweep knows.
        Effect.tapErrorCause((cause) => (isInDoubt(cause) ? Effect.void : undo(service, submission.owner))),
        Effect.uninterruptible,
        Effect.as(service)
      )
    }

    return { create, pending }
  })
