import { Either } from "effect"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as Deciding from "../../../actors/session/Deciding.js"
import * as Folding from "../../../actors/session/Folding.js"
import * as Session from "../../../actors/session/Session.js"
import { ContainerId, PublicKey, SessionId } from "../../../events/Ids.js"
import type { SessionEvent, SessionOpened } from "../../../events/Session.js"
import { told } from "../../../src/guards/Consent.js"
import { resourceOwned } from "../../../src/guards/ResourceOwned.js"
import { resourceUnlocked } from "../../../src/guards/ResourceUnlocked.js"
import { digestOf } from "../../../src/store/Digest.js"
import { consentOf } from "../../support/consent.js"
import { spec } from "../../support/given.js"

const session = SessionId.make(`unsb-session-${"0".repeat(32)}`)
const other = SessionId.make(`unsb-session-${"1".repeat(32)}`)
const owner = PublicKey.make("unsb-pk-test-0000-0000-0001")
const stranger = PublicKey.make("unsb-pk-test-0000-0000-0002")
const container = ContainerId.make("unsb-vm-0123456789abcdef")
const layer = digestOf(Buffer.from("layer"))
const recording = { digest: digestOf(Buffer.from("cast")), bytes: 4 }

const owned = (actor: PublicKey, resource = session) =>
  Either.getOrThrow(resourceOwned.decide({ kind: "session", actor, resource, owner: actor }))
const unlocked = Either.getOrThrow(resourceUnlocked.decide({ kind: "session", resource: session, locked: false }))

const mine = owned(owner)
const consent = consentOf("session", session, owner)
const evidence = told(consent, mine, unlocked)
const strangers = owned(stranger)
const elsewhere = owned(owner, other)

const opening: Omit<SessionOpened, "_tag"> = {
  session,
  owner,
  network: "zerotrust",
  shell: "bash",
  multiplexer: "tmux",
  vcpu: 1,
  expiresAt: 1_700_000_000_000_000,
  audit: "none",
  inputs: [],
  from: null
}
const ending: Session.Ending = { cause: "exit", exitCode: 7, reason: null }

const opened: SessionEvent = { _tag: "SessionOpened", ...opening }
const plain: SessionEvent = { _tag: "SessionOpened", ...opening, multiplexer: null }
const started: SessionEvent = { _tag: "SessionStarted", session, container }
const frozen: SessionEvent = { _tag: "SessionFrozen", session, hold: null }
const thawed: SessionEvent = { _tag: "SessionThawed", session }
const asleep: SessionEvent = { _tag: "SessionStopped", session, rest: "deep-frozen", evidence: [] }
const restoring: SessionEvent = { _tag: "SessionStopped", session, rest: "restoring", evidence }
const restored: SessionEvent = { _tag: "SessionRestored", session, layer }
const locked: SessionEvent = { _tag: "SessionLocked", session }
const ended: SessionEvent = { _tag: "SessionEnded", session, ...ending, evidence: [] }
const deleted: SessionEvent = {
  ...{ _tag: "SessionEnded", session, cause: "deleted", exitCode: null, reason: null },
  evidence
}
const recorded: SessionEvent = { _tag: "SessionRecorded", session, recording }

const C = Session.Command
const given = spec({ ...Session, ...Deciding, ...Folding })

describe("a session", () => {
  it("is opened once", () =>
    given()
      .when(C.Open({ opened: opening }))
      .gives(opened))
  it("is not opened twice", () =>
    given(opened)
      .when(C.Open({ opened: opening }))
      .rejects())
  it("starts when it has been opened", () => given(opened).when(C.Start({ container })).gives(started))
  it("starts again when it was at rest", () =>
    given(opened, started, frozen, asleep).when(C.Start({ container })).gives(started))
  it("does not start while it runs", () => given(opened, started).when(C.Start({ container })).rejects())
  it("is adopted where it runs", () =>
    given(opened, started).when(C.Adopt({ container })).gives({ _tag: "SessionAdopted", session, container }))
  it("is adopted frozen", () =>
    given(opened, started, frozen).when(C.Adopt({ container })).gives({ _tag: "SessionAdopted", session, container }))
  it("is not adopted at rest", () => given(opened, started, frozen, asleep).when(C.Adopt({ container })).rejects())
  it("is frozen by its owner", () =>
    given(opened, started)
      .when(C.Freeze({ owned: mine }))
      .gives(frozen))
  it("is frozen once", () =>
    given(opened, started, frozen)
      .when(C.Freeze({ owned: mine }))
      .gives())
  it("cannot be frozen without a multiplexer", () =>
    given(plain, started)
      .when(C.Freeze({ owned: mine }))
      .rejects())
  it("cannot be frozen before it runs", () =>
    given(opened)
      .when(C.Freeze({ owned: mine }))
      .rejects())
  it("is thawed", () =>
    given(opened, started, frozen)
      .when(C.Thaw({ owned: mine }))
      .gives(thawed))
  it("is thawed once", () =>
    given(opened, started)
      .when(C.Thaw({ owned: mine }))
      .gives())
  it("is frozen more deeply only when it is frozen", () => {
    given(opened, started, frozen).when(C.DeepFreeze()).gives(asleep)
    given(opened, started).when(C.DeepFreeze()).rejects()
  })
  it("is boosted while it runs", () =>
    given(opened, started)
      .when(C.Boost({ owned: mine, vcpu: 4 }))
      .gives({ _tag: "SessionBoosted", session, vcpu: 4 }))
  it("is not boosted while it is frozen", () =>
    given(opened, started, frozen)
      .when(C.Boost({ owned: mine, vcpu: 4 }))
      .rejects())
  it("is unboosted", () => {
    const boosted: SessionEvent = { _tag: "SessionBoosted", session, vcpu: 4 }
    given(opened, started, boosted)
      .when(C.Unboost({ owned: mine }))
      .gives({ _tag: "SessionUnboosted", session })
    given(opened, started)
      .when(C.Unboost({ owned: mine }))
      .gives()
  })
  it("is locked and unlocked", () => {
    given(opened, started)
      .when(C.Lock({ owned: mine }))
      .gives(locked)
    given(opened, started, locked)
      .when(C.Lock({ owned: mine }))
      .gives()
    given(opened, started, locked)
      .when(C.Unlock({ owned: mine, consent }))
      .gives({ _tag: "SessionUnlocked", session, evidence: told(consent, mine) })
  })
  it("is extended, also without a limit", () =>
    given(opened, started)
      .when(C.Extend({ owned: mine, expiresAt: null }))
      .gives({ _tag: "SessionExtended", session, expiresAt: null }))
  it("rests while its root is replaced", () => {
    given(opened, started)
      .when(C.Replace({ owned: mine, unlocked, consent }))
      .gives(restoring)
    given(opened, started, frozen)
      .when(C.Replace({ owned: mine, unlocked, consent }))
      .gives(restoring)
    given(opened, started, restoring).when(C.Replaced({ layer })).gives(restored)
    given(opened, started).when(C.Replaced({ layer })).rejects()
  })
  it("is deleted by its owner", () =>
    given(opened, started)
      .when(C.Delete({ owned: mine, unlocked, consent }))
      .gives(deleted))
  it("stays as it ended, and deleting it again says so", () => {
    given(opened, started, ended)
      .when(C.End({ ending: { ...ending, cause: "ttl" } }))
      .gives()
    given(opened, started, ended)
      .when(C.Delete({ owned: mine, unlocked, consent }))
      .gives()
  })
  it("does nothing more when it has ended", () => {
    given(opened, started, ended).when(C.Start({ container })).rejects()
    given(opened, started, ended)
      .when(C.Freeze({ owned: mine }))
      .rejects()
    given(opened, started, ended)
      .when(C.Lock({ owned: mine }))
      .rejects()
  })
  it("tells of its recording once, when it has ended", () => {
    given(opened, started, ended).when(C.Record({ recording })).gives(recorded)
    given(opened, started, ended, recorded).when(C.Record({ recording })).gives()
    given(opened, started).when(C.Record({ recording })).rejects()
  })
})

/** The permit was true when it was issued: what it was issued on is compared with what is. */
describe("a permit", () => {
  it("of another key moves nothing", () => {
    for (const command of [
      C.Freeze({ owned: strangers }),
      C.Thaw({ owned: strangers }),
      C.Boost({ owned: strangers, vcpu: 2 }),
      C.Lock({ owned: strangers }),
      C.Extend({ owned: strangers, expiresAt: null }),
      C.Delete({ owned: strangers, unlocked, consent }),
      C.Replace({ owned: strangers, unlocked, consent })
    ])
      given(opened, started).when(command).rejects()
    given(opened, started, ended)
      .when(C.Delete({ owned: strangers, unlocked, consent }))
      .rejects()
  })
  it("for another session moves nothing", () =>
    given(opened, started)
      .when(C.Delete({ owned: elsewhere, unlocked, consent }))
      .rejects())
  it("issued before it was locked is void", () => {
    given(opened, started, locked)
      .when(C.Delete({ owned: mine, unlocked, consent }))
      .rejects()
    given(opened, started, locked)
      .when(C.Replace({ owned: mine, unlocked, consent }))
      .rejects()
  })
})

const commands: fc.Arbitrary<Session.Command> = fc.constantFrom<Session.Command>(
  C.Open({ opened: opening }),
  C.Start({ container }),
  C.Adopt({ container }),
  C.Freeze({ owned: mine }),
  C.Thaw({ owned: mine }),
  C.Refreeze(),
  C.Unfreeze(),
  C.DeepFreeze(),
  C.Replace({ owned: mine, unlocked, consent }),
  C.Replaced({ layer }),
  C.Boost({ owned: mine, vcpu: 3 }),
  C.Unboost({ owned: mine }),
  C.Lock({ owned: mine }),
  C.Unlock({ owned: mine, consent }),
  C.Extend({ owned: mine, expiresAt: 1 }),
  C.Delete({ owned: mine, unlocked, consent }),
  C.Delete({ owned: strangers, unlocked, consent }),
  C.End({ ending }),
  C.Record({ recording })
)

const walk = (
  steps: ReadonlyArray<Session.Command>,
  each: (before: Session.State, events: ReadonlyArray<SessionEvent>) => void
) =>
  steps.reduce((state, command) => {
    const decided = Deciding.decide(state, command)
    if (Either.isLeft(decided)) return state
    each(state, decided.right)
    return decided.right.reduce(Folding.evolve, state)
  }, Session.initial)

describe("whatever is asked of it, in whatever order", () => {
  const any = fc.array(commands, { maxLength: 40 })

  it("it can be ended from where it is, once it is", () =>
    fc.assert(
      fc.property(any, (steps) => {
        const state = walk(steps, () => {})
        const end = Deciding.decide(state, C.End({ ending }))
        expect(Either.isRight(end)).toBe(state._tag !== "Absent")
        if (Either.isRight(end) && state._tag !== "Absent")
          expect(end.right.reduce(Folding.evolve, state)._tag).toBe("Ended")
      })
    ))

  it("nothing but its recording is told after its end, and it ends once", () =>
    fc.assert(
      fc.property(any, (steps) => {
        const all: Array<SessionEvent> = []
        walk(steps, (_, events) => all.push(...events))
        const end = all.findIndex(({ _tag }) => _tag === "SessionEnded")
        const after = end < 0 ? [] : all.slice(end + 1)
        expect(after.every(({ _tag }) => _tag === "SessionRecorded")).toBe(true)
        expect(after.length).toBeLessThanOrEqual(1)
      })
    ))

  it("a lock holds against its deletion and its replacement", () =>
    fc.assert(
      fc.property(any, (steps) => {
        walk(steps, (before, events) => {
          const losing = events.some(
            (event) =>
              (event._tag === "SessionEnded" && event.cause === "deleted") ||
              (event._tag === "SessionStopped" && event.rest === "restoring")
          )
          if (losing) expect(Session.traitsOf(before)?.locked).toBe(false)
        })
      })
    ))

  it("a command is accepted and changes what it says, or is refused with the state that it met", () =>
    fc.assert(
      fc.property(any, commands, (steps, command) => {
        const state = walk(steps, () => {})
        const decided = Deciding.decide(state, command)
        if (Either.isLeft(decided)) expect(decided.left).toMatchObject({ command: command._tag, in: state._tag })
      })
    ))
})
