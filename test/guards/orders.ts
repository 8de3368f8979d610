/** Every kind of order that D11 reads, with what it needs at least. */
import { Either } from "effect"
import { expect } from "vitest"
import type { Permit, Reason, Refused } from "../../src/guards/Guard.js"
import { guestWellformed, imageWellformed, visibilityWellformed } from "../../src/guards/ImageOrder.js"
import { requestWellformed } from "../../src/guards/RequestWellformed.js"
import { serviceWellformed } from "../../src/guards/ServiceOrder.js"
import {
  domainsWellformed,
  patchWellformed,
  redeployWellformed,
  resizeWellformed
} from "../../src/guards/ServicePatch.js"
import {
  boostWellformed,
  commandWellformed,
  errandWellformed,
  extensionWellformed,
  sessionWellformed
} from "../../src/guards/SessionOrder.js"
import { snapshotWellformed } from "../../src/guards/SnapshotOrder.js"
import { vaultWellformed } from "../../src/guards/VaultOrder.js"
import { KEY } from "./points.js"

interface Guarding {
  decide(written: object): Either.Either<Permit<"D11", object>, Refused>
}

/** With what an order needs at least. */
const orders: { readonly [order: string]: readonly [Guarding, object] } = {
  program: [requestWellformed, { code: "x" }],
  session: [sessionWellformed, {}],
  command: [commandWellformed, { command: "ls" }],
  errand: [errandWellformed, { command: "ls" }],
  boost: [boostWellformed, {}],
  extension: [extensionWellformed, {}],
  service: [serviceWellformed, {}],
  patch: [patchWellformed, { vcpu: 2 }],
  resize: [resizeWellformed, { vcpu: 2 }],
  domains: [domainsWellformed, { all: [] }],
  redeploy: [redeployWellformed, { bootable: true }],
  snapshot: [snapshotWellformed, {}],
  image: [imageWellformed, {}],
  visibility: [visibilityWellformed, { visibility: "public" }],
  guest: [guestWellformed, { key: KEY }],
  vault: [vaultWellformed, {}]
}

export const read = (order: string, written: object): Either.Either<object, Reason> => {
  const [guard, least] = orders[order] ?? expect.fail(`no such order: ${order}`)
  return Either.mapBoth(guard.decide({ ...least, ...written }), {
    onLeft: ({ reason }) => reason,
    onRight: ({ facts }) => ({ ...facts })
  })
}

export const taken = (order: string, written: object): object =>
  Either.getOrThrowWith(read(order, written), (reason) => new Error(reason.message))
