/** Services as a server has them, over the world of actors, and what tests ask of one. */
import { Effect, Either, Option } from "effect"
import type { Slots } from "../../../actors/key/Slots.js"
import type { Submission } from "../../../actors/service/Services.js"
import * as ServicesLive from "../../../actors/service/ServicesLive.js"
import type { Digest, PublicKey, ServiceId } from "../../../events/Ids.js"
import { FILE_BOUNDS, filesContained } from "../../../src/guards/FilesContained.js"
import { nameClaimable } from "../../../src/guards/NameClaimable.js"
import { networkPermitted } from "../../../src/guards/NetworkPermitted.js"
import { resourceOwned } from "../../../src/guards/ResourceOwned.js"
import { resourceUnlocked } from "../../../src/guards/ResourceUnlocked.js"
import { serviceWellformed } from "../../../src/guards/ServiceOrder.js"
import * as Children from "../../../src/kernel/Children.js"
import { EventLog } from "../../../src/log/EventLog.js"
import { KeyTable } from "../../../src/projections/KeyTable.js"
import { ServiceTable } from "../../../src/projections/ServiceTable.js"
import { keyCreated } from "../../support/births.js"
import { consentOf } from "../../support/consent.js"
import { entitledTo } from "../../support/entitled.js"
import { ofKey } from "../../support/history.js"
import { ann, becomes, limits, type Size, system } from "../world.js"

const many = { bound: 2_000, restart: "transient", intensity: 5, period: "10 seconds" } as const

/** Nothing is woken for a key that is not there. */
const known = Effect.gen(function* () {
  const keys = yield* KeyTable
  if (Option.isSome(yield* keys.find(ann))) return
  yield* (yield* EventLog).append(ofKey(ann, 0, keyCreated(ann)))
})

export const running = (size: Partial<Size> = {}, deepFreezeMillis = 3_600_000, slots?: typeof Slots.Service) =>
  Effect.gen(function* () {
    const it = yield* system(size, [], slots)
    const actors = yield* Children.make({ ...many, name: "services" })
    const keepers = yield* Children.make({ ...many, name: "keepers" })
    const live = yield* ServicesLive.make({
      ...{
        actors,
        keepers,
        pools: it.pools,
        jobs: it.jobs,
        slots: it.slots,
        deepFreezeMillis,
        outputCap: 4_096,
        logBytes: 65_536
      },
      limits: (vcpu) => ({ ...limits, memoryBytes: vcpu * limits.memoryBytes }),
      publicPorts: { first: 30_000, last: 30_003 }
    })
    yield* known
    yield* live.recover
    yield* Effect.forkScoped(live.run)
    return { ...it, services: live.service, actors, keepers }
  })

export type Running = Effect.Effect.Success<ReturnType<typeof running>>

export const files = Either.getOrThrow(filesContained.decide({ files: undefined, bounds: FILE_BOUNDS }))

export const order = (
  name: string,
  more: object = {},
  from: Digest | null = null,
  owner: PublicKey = ann
): Submission => {
  const asked = { kind: "label", asked: name, own: ["localhost"], service: undefined, holder: undefined } as const
  return {
    ...{ owner, files, from, trace: "test", domains: [] },
    order: Either.getOrThrow(serviceWellformed.decide({ bootstrap: "exec ./serve", ...more })),
    network: Either.getOrThrow(networkPermitted.decide({ mode: "zerotrust", available: ["zerotrust"] })),
    entitled: entitledTo({ scope: "services" }, owner),
    name: Either.getOrThrow(nameClaimable.decide(asked))
  }
}

export const owned = (resource: ServiceId, actor: PublicKey = ann) =>
  Either.getOrThrow(resourceOwned.decide({ kind: "service", actor, resource, owner: actor }))
export const consent = (resource: ServiceId) => consentOf("service", resource, ann)
export const unlocked = (resource: ServiceId) =>
  Either.getOrThrow(resourceUnlocked.decide({ kind: "service", resource, locked: false }))

export const viewOf = (service: ServiceId) =>
  Effect.flatMap(ServiceTable, (table) => Effect.map(table.find(service), Option.getOrThrow))

export const is = (service: ServiceId, state: string) =>
  becomes(Effect.map(viewOf(service), (view) => view.state === state))

/** Event types of one stream, in order. */
export const typesOf = (stream: string) =>
  Effect.gen(function* () {
    const rows = yield* (yield* EventLog).page(0, 100_000)
    return rows.filter((row) => row.stream === stream).map(({ type }) => type)
  })
