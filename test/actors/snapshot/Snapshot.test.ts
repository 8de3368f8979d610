/** The life of a snapshot, given its history. */
import { Either } from "effect"
import { describe, expect, it } from "vitest"
import * as Snapshot from "../../../actors/snapshot/Snapshot.js"
import { Digest, PublicKey, ServiceId, SnapshotId } from "../../../events/Ids.js"
import type { SnapshotEvent, SnapshotTaken } from "../../../events/Snapshot.js"
import { told } from "../../../src/guards/Consent.js"
import { resourceOwned } from "../../../src/guards/ResourceOwned.js"
import { resourceUnlocked } from "../../../src/guards/ResourceUnlocked.js"
import { consentOf } from "../../support/consent.js"
import { spec } from "../../support/given.js"

const snapshot = SnapshotId.make("unsb-snapshot-0000-0000-0000-0001")
const owner = PublicKey.make("unsb-pk-a1b2-c3d4-e5f6-0007")
const stranger = PublicKey.make("unsb-pk-a1b2-c3d4-e5f6-0008")
const service = { _tag: "Service", service: ServiceId.make("unsb-service-0123456789abcdef") } as const

const taken: SnapshotTaken = {
  ...{ _tag: "SnapshotTaken", snapshot, owner, source: service, name: "one", hot: false, expiresAt: 1_000 },
  layer: { digest: Digest.make(`sha256:${"0".repeat(64)}`), bytes: 10_240, stored: 200, files: 3 },
  origin: { network: "zerotrust", vcpu: 1, shell: null, ports: [80], serviceType: null, container: null }
}
const locked: SnapshotEvent = { _tag: "SnapshotLocked", snapshot }

const owned = Either.getOrThrow(resourceOwned.decide({ kind: "snapshot", actor: owner, resource: snapshot, owner }))
const forged = Either.getOrThrow(
  resourceOwned.decide({ kind: "snapshot", actor: stranger, resource: snapshot, owner: stranger })
)
const unlocked = Either.getOrThrow(resourceUnlocked.decide({ kind: "snapshot", resource: snapshot, locked: false }))
const consent = consentOf("snapshot", snapshot, owner)

const unlockedEvent: SnapshotEvent = { _tag: "SnapshotUnlocked", snapshot, evidence: told(consent, owned) }
const deleted: SnapshotEvent = {
  ...{ _tag: "SnapshotDeleted", snapshot, cause: "asked" },
  evidence: told(consent, owned, unlocked)
}

const given = spec(Snapshot)
const { Command } = Snapshot

describe("a snapshot", () => {
  it("is taken once", () => {
    const { _tag, ...rest } = taken
    given()
      .when(Command.Take({ taken: rest }))
      .gives(taken)
    given(taken)
      .when(Command.Take({ taken: rest }))
      .rejects()
  })

  it("is locked and unlocked, and saying so twice changes nothing", () => {
    given(taken).when(Command.Lock({ owned })).gives(locked)
    given(taken, locked).when(Command.Lock({ owned })).gives()
    given(taken, locked).when(Command.Unlock({ owned, consent })).gives(unlockedEvent)
    given(taken).when(Command.Unlock({ owned, consent })).gives()
  })

  it("is not deleted while it is locked, whatever the permit says that was true before", () => {
    given(taken).when(Command.Delete({ owned, unlocked, consent })).gives(deleted)
    expect(Snapshot.decide(given(taken, locked).state, Command.Delete({ owned, unlocked, consent }))).toMatchObject({
      left: { command: "Delete", in: "Locked" }
    })
    given(taken, deleted).when(Command.Delete({ owned, unlocked, consent })).gives()
  })

  it("takes consent for itself alone", () => {
    const another = SnapshotId.make("unsb-snapshot-0000-0000-0000-0002")
    for (const wrong of [consentOf("snapshot", another, owner), consentOf("snapshot", snapshot, stranger)]) {
      given(taken)
        .when(Command.Delete({ owned, unlocked, consent: wrong }))
        .rejects()
      given(taken, locked)
        .when(Command.Unlock({ owned, consent: wrong }))
        .rejects()
    }
  })

  it("obeys nobody but its owner", () => {
    for (const command of [
      Command.Lock({ owned: forged }),
      Command.Unlock({ owned: forged, consent }),
      Command.Delete({ owned: forged, unlocked, consent }),
      Command.Use({ owned: forged }),
      Command.Restore({ owned: forged, into: service }),
      Command.Clone({ owned: forged, to: service })
    ]) {
      given(taken).when(command).rejects()
      given().when(command).rejects()
    }
  })

  it("is used while it is kept, by its owner's permit for it alone, and nothing comes of the question", () => {
    const another = SnapshotId.make("unsb-snapshot-0000-0000-0000-0002")
    const elsewhere = Either.getOrThrow(
      resourceOwned.decide({ kind: "snapshot", actor: owner, resource: another, owner })
    )
    for (const past of [[taken], [taken, locked]] as const) {
      given(...past)
        .when(Command.Use({ owned }))
        .gives()
      given(...past)
        .when(Command.Use({ owned: elsewhere }))
        .rejects()
    }
    given(taken, deleted).when(Command.Use({ owned })).rejects()
    given().when(Command.Use({ owned })).rejects()
  })

  it("ends at its time, also locked, and not before", () => {
    given(taken)
      .when(Command.Expire({ now: 999 }))
      .gives()
    given(taken, locked)
      .when(Command.Expire({ now: 1_000 }))
      .gives({ ...deleted, cause: "ttl", evidence: [] })
    given({ ...taken, expiresAt: null })
      .when(Command.Expire({ now: 1e15 }))
      .gives()
    given(taken, deleted)
      .when(Command.Expire({ now: 2_000 }))
      .gives()
  })

  it("tells what was made of it, also when it was deleted meanwhile, but is not locked any more then", () => {
    const restored: SnapshotEvent = { _tag: "SnapshotRestored", snapshot, into: service }
    const cloned: SnapshotEvent = { _tag: "SnapshotCloned", snapshot, to: service }
    for (const past of [[taken], [taken, deleted]] as const) {
      given(...past)
        .when(Command.Restore({ owned, into: service }))
        .gives(restored)
      given(...past)
        .when(Command.Clone({ owned, to: service }))
        .gives(cloned)
    }
    given(taken, deleted).when(Command.Lock({ owned })).rejects()
  })
})
