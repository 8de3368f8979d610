/** Frozen for what is on the disk: by nobody's order, and thawed by its owner's alone. */
import { Either } from "effect"
import { describe, expect, it } from "vitest"
import * as ServiceDeciding from "../../../actors/service/Deciding.js"
import * as ServiceFolding from "../../../actors/service/Folding.js"
import * as Service from "../../../actors/service/Service.js"
import * as SessionDeciding from "../../../actors/session/Deciding.js"
import * as SessionFolding from "../../../actors/session/Folding.js"
import * as Session from "../../../actors/session/Session.js"
import type { Hold } from "../../../events/Hold.js"
import { ContainerId, PublicKey, SessionId } from "../../../events/Ids.js"
import type { ServiceEvent } from "../../../events/Service.js"
import type { SessionEvent } from "../../../events/Session.js"
import { resourceOwned } from "../../../src/guards/ResourceOwned.js"
import { spec } from "../../support/given.js"
import * as It from "../service/facts.js"

const hold: Hold = { cause: "disk", reason: "Its files are too many." }

describe("a service that is held", () => {
  const C = Service.Command
  const given = spec({ initial: Service.initial, decide: ServiceDeciding.decide, evolve: ServiceFolding.evolve })
  const { service } = It
  const held: ServiceEvent = { _tag: "ServiceFrozen", service, hold }
  const owned = It.ownedBy(It.owner)

  it("is frozen once, and only while it runs", () => {
    given(It.created, It.started).when(C.Hold({ hold })).gives(held)
    given(It.created, It.started, held).when(C.Hold({ hold })).gives()
    given(It.created, It.started, It.frozen).when(C.Hold({ hold })).gives()
    given(It.created).when(C.Hold({ hold })).rejects()
    given(It.created, It.started, It.redeploying).when(C.Hold({ hold })).rejects()
    given(It.created, It.destroyed).when(C.Hold({ hold })).rejects()
  })

  it("is not woken by visitors, however deep it sleeps, until its owner has thawed it", () => {
    for (const asleep of [[held], [held, It.deep]]) {
      given(It.created, It.started, ...asleep)
        .when(C.Wake())
        .rejects()
      given(It.created, It.started, ...asleep)
        .when(C.Unfreeze({ owned }))
        .gives(It.thawed)
    }
    given(It.created, It.started, held, It.thawed, It.frozen).when(C.Wake()).gives(It.thawed)
    given(It.created, It.started, held, It.redeploying, It.started, It.frozen).when(C.Wake()).gives(It.thawed)
  })
})

describe("a session that is held", () => {
  const C = Session.Command
  const given = spec({ ...Session, ...SessionDeciding, ...SessionFolding })
  const session = SessionId.make(`unsb-session-${"0".repeat(32)}`)
  const owner = PublicKey.make("unsb-pk-test-0000-0000-0001")
  const container = ContainerId.make("unsb-vm-0123456789abcdef")
  const opened = (multiplexer: "tmux" | null): SessionEvent => ({
    ...{ _tag: "SessionOpened", session, owner, network: "zerotrust", shell: "bash", multiplexer, vcpu: 1 },
    ...{ expiresAt: null, audit: "none", inputs: [], from: null }
  })
  const started: SessionEvent = { _tag: "SessionStarted", session, container }
  const held: SessionEvent = { _tag: "SessionFrozen", session, hold }
  const owned = Either.getOrThrow(resourceOwned.decide({ kind: "session", actor: owner, resource: session, owner }))

  it("is frozen whatever keeps its programs, once, and only while it runs", () => {
    for (const multiplexer of ["tmux", null] as const) {
      given(opened(multiplexer), started).when(C.Hold({ hold })).gives(held)
      given(opened(multiplexer), started, held).when(C.Hold({ hold })).gives()
      given(opened(multiplexer)).when(C.Hold({ hold })).rejects()
      given(opened(multiplexer), started, held).when(C.Thaw({ owned })).gives({ _tag: "SessionThawed", session })
    }
    // Nobody freezes such a one on request.
    given(opened(null), started).when(C.Freeze({ owned })).rejects()
    expect(SessionDeciding.decide(Session.initial, C.Hold({ hold }))._tag).toBe("Left")
  })
})
