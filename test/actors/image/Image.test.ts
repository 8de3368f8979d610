/** The life of an image, given its history. */
import { Either } from "effect"
import { describe, expect, it } from "vitest"
import * as Image from "../../../actors/image/Image.js"
import { Digest, ImageId, PublicKey, ServiceId, SnapshotId } from "../../../events/Ids.js"
import type { ImageEvent, ImagePublished } from "../../../events/Image.js"
import { told } from "../../../src/guards/Consent.js"
import { type ImageFound, imageTrusted } from "../../../src/guards/ImageTrusted.js"
import { resourceOwned } from "../../../src/guards/ResourceOwned.js"
import { resourceUnlocked } from "../../../src/guards/ResourceUnlocked.js"
import { consentOf } from "../../support/consent.js"
import { spec } from "../../support/given.js"

const image = ImageId.make("unsb-image-0000-0000-0000-0001")
const owner = PublicKey.make("unsb-pk-a1b2-c3d4-e5f6-0007")
const guest = PublicKey.make("unsb-pk-a1b2-c3d4-e5f6-0008")
const third = PublicKey.make("unsb-pk-a1b2-c3d4-e5f6-0009")
const service = ServiceId.make("unsb-service-0123456789abcdef")

const published: ImagePublished = {
  ...{ _tag: "ImagePublished", image, owner, name: "base", description: "", visibility: "private" },
  source: { _tag: "Snapshot", snapshot: SnapshotId.make("unsb-snapshot-0000-0000-0000-0001") },
  layer: { digest: Digest.make(`sha256:${"0".repeat(64)}`), bytes: 10_240, stored: 200, files: 3 },
  origin: { network: "zerotrust", vcpu: 1, shell: null, ports: [80], serviceType: null, container: null }
}
const locked: ImageEvent = { _tag: "ImageLocked", image }

const own = (key: PublicKey) =>
  Either.getOrThrow(resourceOwned.decide({ kind: "image", actor: key, resource: image, owner: key }))
const [owned, others] = [own(owner), own(guest)]
const unlocked = Either.getOrThrow(resourceUnlocked.decide({ kind: "image", resource: image, locked: false }))
const consent = consentOf("image", image, owner)
const evidence = told(consent, owned, unlocked)
const agreed = told(consent, owned)
const granted: ImageEvent = { _tag: "ImageGranted", image, key: guest, evidence: agreed }
const revoked: ImageEvent = { _tag: "ImageRevoked", image, key: guest, evidence: agreed }
const transferred: ImageEvent = { _tag: "ImageTransferred", image, from: owner, to: guest, evidence }
const deleted: ImageEvent = { _tag: "ImageDeleted", image, cause: "asked", evidence }
const trust = (actor: PublicKey, found: Partial<ImageFound>) =>
  Either.getOrThrow(
    imageTrusted.decide({
      resource: found.image ?? image,
      actor,
      found: { image, owner, visibility: "private", granted: false, ...found }
    })
  )
const trusted = trust(guest, { visibility: "public" })

const given = spec(Image)
const { Command } = Image

describe("an image", () => {
  it("is shown and hidden, and saying so twice changes nothing", () => {
    const shown: ImageEvent = { _tag: "ImageVisibilityChanged", image, visibility: "public", evidence: agreed }
    given(published)
      .when(Command.Show({ owned, consent, visibility: "public" }))
      .gives(shown)
    given(published, shown)
      .when(Command.Show({ owned, consent, visibility: "public" }))
      .gives()
  })

  it("is granted and revoked; its owner needs no grant", () => {
    given(published)
      .when(Command.Grant({ owned, consent, key: guest }))
      .gives(granted)
    given(published, granted)
      .when(Command.Grant({ owned, consent, key: guest }))
      .gives()
    given(published)
      .when(Command.Grant({ owned, consent, key: owner }))
      .gives()
    given(published, granted)
      .when(Command.Revoke({ owned, consent, key: guest }))
      .gives(revoked)
    given(published)
      .when(Command.Revoke({ owned, consent, key: guest }))
      .gives()
  })

  it("has a bound for its guests", () => {
    const guests = Array.from({ length: 1_000 }, (_, n): ImageEvent => {
      const key = PublicKey.make(`unsb-pk-${String(n).padStart(4, "0")}`)
      return { _tag: "ImageGranted", image, key, evidence: [] }
    })
    expect(
      Image.decide(given(published, ...guests).state, Command.Grant({ owned, consent, key: guest }))
    ).toMatchObject({
      left: { command: "Grant", in: "Full" }
    })
  })

  it("is given away, and then is the other's", () => {
    given(published, granted)
      .when(Command.Transfer({ owned, unlocked, consent, to: guest }))
      .gives(transferred)
    given(published, transferred).when(Command.Lock({ owned })).rejects()
    given(published, transferred)
      .when(Command.Lock({ owned: others }))
      .gives(locked)
    expect(given(published, granted, transferred).state).toMatchObject({ owner: guest, guests: new Set() })
  })

  it("is neither deleted nor given away while it is locked", () => {
    for (const command of [
      Command.Delete({ owned, unlocked, consent }),
      Command.Transfer({ owned, unlocked, consent, to: guest })
    ])
      expect(Image.decide(given(published, locked).state, command)).toMatchObject({ left: { in: "Locked" } })
    given(published).when(Command.Delete({ owned, unlocked, consent })).gives(deleted)
    given(published, deleted).when(Command.Delete({ owned, unlocked, consent })).gives()
  })

  it("obeys nobody but its owner", () => {
    given(published)
      .when(Command.Grant({ owned: others, consent, key: guest }))
      .rejects()
    given(published)
      .when(Command.Delete({ owned: others, unlocked, consent }))
      .rejects()
    given(published, deleted)
      .when(Command.Show({ owned, consent, visibility: "public" }))
      .rejects()
  })

  describe("is used for the reason that the permit was issued for, while that holds", () => {
    const shown = (visibility: "private" | "unlisted" | "public"): ImageEvent => {
      return { _tag: "ImageVisibilityChanged", image, visibility, evidence: agreed }
    }
    const unshared = (permit: typeof trusted, ...past: ReadonlyArray<ImageEvent>) =>
      expect(Image.decide(given(published, ...past).state, Command.Use({ trusted: permit }))).toMatchObject({
        left: { command: "Use", in: "Unshared" }
      })
    const may = (permit: typeof trusted, ...past: ReadonlyArray<ImageEvent>) =>
      given(published, ...past)
        .when(Command.Use({ trusted: permit }))
        .gives()

    it("its owner's", () => {
      const own = trust(owner, {})
      may(own)
      may(own, locked)
      unshared(own, transferred)
      given(published, deleted)
        .when(Command.Use({ trusted: own }))
        .rejects()
      given()
        .when(Command.Use({ trusted: own }))
        .rejects()
    })

    it("a guest's", () => {
      const asGuest = trust(guest, { granted: true })
      may(asGuest, granted)
      unshared(asGuest)
      unshared(asGuest, granted, revoked)
      // It is another's to share now, and another request's to ask.
      unshared(asGuest, granted, { ...transferred, to: third })
    })

    it("anybody's", () => {
      may(trusted, shown("public"))
      may(trusted, shown("unlisted"))
      unshared(trusted)
      unshared(trusted, shown("public"), shown("private"))
      unshared(trusted, shown("public"), { ...transferred, to: third })
    })

    it("for no other image", () => {
      const another = ImageId.make("unsb-image-0000-0000-0000-0002")
      given(published)
        .when(Command.Use({ trusted: trust(owner, { image: another }) }))
        .rejects()
    })
  })

  it("tells of services that were made of it", () => {
    const spawned: ImageEvent = { _tag: "ImageSpawned", image, service }
    given(published).when(Command.Spawn({ trusted, service })).gives(spawned)
    given(published, deleted).when(Command.Spawn({ trusted, service })).gives(spawned)
    given().when(Command.Spawn({ trusted, service })).rejects()
  })
})
