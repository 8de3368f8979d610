/** One service and what its owner holds: permits issued by the real guards. */
import { Either } from "effect"
import { ContainerId, PublicKey, ServiceId } from "../../../events/Ids.js"
import type { ServiceEvent } from "../../../events/Service.js"
import { told } from "../../../src/guards/Consent.js"
import { resourceOwned } from "../../../src/guards/ResourceOwned.js"
import { resourceUnlocked } from "../../../src/guards/ResourceUnlocked.js"
import { digestOf } from "../../../src/store/Digest.js"
import { consentOf } from "../../support/consent.js"

export const service = ServiceId.make("unsb-service-0123456789abcdef")
export const another = ServiceId.make("unsb-service-fedcba9876543210")
export const owner = PublicKey.make("unsb-pk-test-0000-0000-0001")
export const stranger = PublicKey.make("unsb-pk-test-0000-0000-0002")
export const container = ContainerId.make("unsb-vm-0123456789abcdef")

export const ownedBy = (actor: PublicKey, resource = service) =>
  Either.getOrThrow(resourceOwned.decide({ kind: "service", actor, resource, owner: actor }))
export const unlockedOf = (resource = service) =>
  Either.getOrThrow(resourceUnlocked.decide({ kind: "service", resource, locked: false }))

export const owned = ownedBy(owner)
export const unlocked = unlockedOf()
export const consentOn = (resource = service, by = owner) => consentOf("service", resource, by)
export const consent = consentOn()
export const evidence = told(consent, owned, unlocked)
export const bootstrap = { digest: digestOf(Buffer.from("exec ./serve")), bytes: 12 }

export const creation = {
  service,
  owner,
  name: "shop",
  domains: [],
  network: "zerotrust",
  vcpu: 1,
  ports: [8080],
  serviceType: "web",
  publicPort: null,
  bootstrap,
  inputs: [],
  from: null,
  unfreezeOnDemand: true,
  showFreezePage: true
} as const

export const created: ServiceEvent = { _tag: "ServiceCreated", ...creation }
export const started: ServiceEvent = { _tag: "ServiceStarted", service, container }
export const frozen: ServiceEvent = { _tag: "ServiceFrozen", service, hold: null }
export const thawed: ServiceEvent = { _tag: "ServiceThawed", service }
export const deep: ServiceEvent = { _tag: "ServiceDeepFrozen", service }
export const redeploying: ServiceEvent = { _tag: "ServiceRedeploying", service, bootstrap: null, inputs: [], evidence }
export const stopped: ServiceEvent = { _tag: "ServiceStopped", service, cause: "restoring", evidence }
export const failure = { cause: "exit", exitCode: 1, reason: "its bootstrap ended with status 1" } as const
export const failed: ServiceEvent = { _tag: "ServiceFailed", service, failure }
export const locked: ServiceEvent = { _tag: "ServiceLocked", service }
export const destroyed: ServiceEvent = { _tag: "ServiceDestroyed", service, cause: "asked", evidence }
export const erased: ServiceEvent = { _tag: "ServiceErased", service }
