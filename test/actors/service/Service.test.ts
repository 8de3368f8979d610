import { Either } from "effect"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as Deciding from "../../../actors/service/Deciding.js"
import * as Folding from "../../../actors/service/Folding.js"
import * as Service from "../../../actors/service/Service.js"
import type { ServiceEvent } from "../../../events/Service.js"
import { spec } from "../../support/given.js"
import * as It from "./facts.js"

const machine = { ...Service, ...Deciding, ...Folding }
const given = spec(machine)
const { consent, owned, service, unlocked } = It
const C = Service.Command

/** A history that leads to each state. */
const histories: { readonly [S in Service.State["_tag"]]: ReadonlyArray<ServiceEvent> } = {
  Absent: [],
  Starting: [It.created],
  Running: [It.created, It.started],
  Frozen: [It.created, It.started, It.frozen],
  DeepFrozen: [It.created, It.started, It.frozen, It.deep],
  Redeploying: [It.created, It.started, It.redeploying],
  Stopped: [It.created, It.started, It.stopped],
  Failed: [It.created, It.failed],
  Destroyed: [It.created, It.destroyed],
  Erased: [It.created, It.destroyed, It.erased]
}
type Tag = keyof typeof histories

const pending = { bootstrap: null, inputs: [] }
const commands: ReadonlyArray<Service.Command> = [
  C.Create({ created: It.creation, vault: [] }),
  C.Start({ container: It.container }),
  C.Again({ cause: "died" }),
  C.Again({ cause: "restored" }),
  C.Fail({ failure: It.failure }),
  C.Freeze({ owned }),
  C.Unfreeze({ owned }),
  C.Wake(),
  C.DeepFreeze(),
  C.Redeploy({ owned, unlocked, consent, pending }),
  C.Stop({ owned, unlocked, consent }),
  C.Lock({ owned }),
  C.Unlock({ owned, consent }),
  C.Resize({ owned, unlocked, vcpu: 2 }),
  C.Unsize({ vcpu: 1 }),
  C.Rename({ owned, unlocked, name: "store" }),
  C.SetDomains({ owned, unlocked, domains: ["a.example.com"] }),
  C.SetPolicy({ owned, unlocked, unfreezeOnDemand: false, showFreezePage: false }),
  C.SetVault({ owned, unlocked, consent, names: ["TOKEN"] }),
  C.Destroy({ owned, unlocked, consent }),
  C.Erase()
]

/** What each command becomes: event types; "" nothing to do; undefined refused. In the order of the states above. */
const N = ""
const X = undefined
const table: ReadonlyArray<readonly [Service.Command, ReadonlyArray<string | undefined>]> = [
  [C.Create({ created: It.creation, vault: [] }), ["ServiceCreated", X, X, X, X, X, X, X, X, X]],
  [C.Start({ container: It.container }), [X, "ServiceStarted", X, X, X, "ServiceStarted", X, X, X, X]],
  [C.Again({ cause: "died" }), [X, N, "ServiceStarting", "ServiceDeepFrozen", N, N, X, X, X, X]],
  [C.Again({ cause: "restored" }), [X, N, "ServiceStarting", "ServiceDeepFrozen", N, N, "ServiceStarting", X, X, X]],
  [C.Fail({ failure: It.failure }), [X, "ServiceFailed", "ServiceFailed", X, X, "ServiceFailed", X, X, X, X]],
  [C.Freeze({ owned }), [X, X, "ServiceFrozen", N, N, X, X, X, X, X]],
  [C.Unfreeze({ owned }), [X, N, N, "ServiceThawed", "ServiceThawed", N, X, X, X, X]],
  [C.Wake(), [X, N, N, "ServiceThawed", "ServiceThawed", N, X, X, X, X]],
  [C.DeepFreeze(), [X, X, X, "ServiceDeepFrozen", N, X, X, X, X, X]],
  [
    C.Redeploy({ owned, unlocked, consent, pending }),
    [X, ...Array<string>(5).fill("ServiceRedeploying"), X, "ServiceRedeploying", X, X]
  ],
  [C.Stop({ owned, unlocked, consent }), [X, ...Array<string>(5).fill("ServiceStopped"), X, "ServiceStopped", X, X]],
  [C.Destroy({ owned, unlocked, consent }), [X, ...Array<string>(7).fill("ServiceDestroyed"), N, N]],
  [C.Erase(), [X, X, X, X, X, X, X, X, "ServiceErased", N]]
]

const stateOf = (tag: Tag): Service.State => {
  const state = histories[tag].reduce(Folding.evolve, Service.initial)
  expect(state._tag).toBe(tag)
  return state
}

const told = (tag: Tag, command: Service.Command): string | undefined =>
  Either.match(Deciding.decide(stateOf(tag), command), {
    onLeft: () => undefined,
    onRight: (events) => events.map(({ _tag }) => _tag).join()
  })

const tags: ReadonlyArray<Tag> = [
  ...(["Absent", "Starting", "Running", "Frozen", "DeepFrozen", "Redeploying"] as const),
  ...(["Stopped", "Failed", "Destroyed", "Erased"] as const)
]

describe("a service", () => {
  for (const [command, answers] of table)
    it(`${command._tag}${"cause" in command ? ` (${command.cause})` : ""}, in every state`, () => {
      expect(tags.map((tag) => [tag, told(tag, command)])).toEqual(tags.map((tag, n) => [tag, answers[n]]))
    })

  it("can be renamed, resized, locked and so on in every state that it lives in", () => {
    const changes = commands.filter(({ _tag }) => /^(Set|Resize|Rename|Lock|Unlock)/.test(_tag))
    for (const tag of tags) {
      const lives = !["Absent", "Destroyed", "Erased"].includes(tag)
      for (const command of changes) expect(told(tag, command) !== undefined, `${tag} ${command._tag}`).toBe(lives)
    }
  })

  it("tells of its vault when it begins with one", () =>
    given()
      .when(C.Create({ created: It.creation, vault: ["A"] }))
      .gives(It.created, { _tag: "VaultChanged", service, names: ["A"], egress: {}, evidence: [] }))

  it("does not wake for visitors where that is not wanted", () => {
    const policy = { _tag: "ServicePolicyChanged", service, unfreezeOnDemand: false, showFreezePage: true } as const
    given(...histories.Frozen, policy)
      .when(C.Wake())
      .rejects()
    given(...histories.DeepFrozen, policy)
      .when(C.Wake())
      .rejects()
    given(...histories.Frozen, policy)
      .when(C.Unfreeze({ owned }))
      .gives(It.thawed)
  })

  for (const command of commands.filter((one) => "owned" in one)) {
    const { _tag } = command
    if (_tag === "Destroy") continue
    it(`${_tag} is for its owner and for this service`, () => {
      for (const proof of [It.ownedBy(It.stranger), It.ownedBy(It.owner, It.another)])
        given(...histories.Running)
          .when({ ...command, owned: proof })
          .rejects()
    })
  }

  it("is not changed or destroyed when it was locked after the permit was issued", () => {
    for (const command of commands.filter((one) => "unlocked" in one))
      given(...histories.Running, It.locked)
        .when(command)
        .rejects()
    given(...histories.Running)
      .when(C.Destroy({ owned, unlocked: It.unlockedOf(It.another), consent }))
      .rejects()
  })

  for (const command of commands.filter((one) => "consent" in one)) {
    if (command._tag === "Destroy") continue
    it(`${command._tag} takes consent of its owner's, for this service`, () => {
      for (const proof of [It.consentOn(It.another), It.consentOn(It.service, It.stranger)])
        given(...histories.Running)
          .when({ ...command, consent: proof })
          .rejects()
    })
  }

  it("goes on in its container after a thaw, and starts anew after a deep freeze", () => {
    expect(given(...histories.Frozen, It.thawed).state).toMatchObject({ _tag: "Running", container: It.container })
    expect(given(...histories.DeepFrozen, It.thawed).state._tag).toBe("Starting")
  })

  it("keeps what has not been installed until it runs", () => {
    const other = { digest: It.bootstrap.digest, bytes: 7 }
    const again: ServiceEvent = { _tag: "ServiceRedeploying", service, bootstrap: other, inputs: [], evidence: [] }
    expect(given(It.created, It.redeploying).state).toMatchObject({ about: { pending: { bootstrap: It.bootstrap } } })
    expect(given(It.created, again).state).toMatchObject({ about: { pending: { bootstrap: other } } })
    expect(given(It.created, It.started).state).toMatchObject({
      about: { pending: { bootstrap: null }, bootable: true, begun: true }
    })
  })
})

/** What may be told to it, one after the other, as long as it accepts it. */
const lives = (chosen: ReadonlyArray<Service.Command>) => {
  let state = Folding.evolve(Service.initial, It.created)
  const events: Array<ServiceEvent> = []
  for (const command of chosen) {
    const decided = Deciding.decide(state, command)
    if (Either.isLeft(decided)) continue
    events.push(...decided.right)
    state = decided.right.reduce(Folding.evolve, state)
  }
  return { state, events }
}

describe("whatever happens to a service", () => {
  const any = fc.array(fc.constantFrom(...commands), { maxLength: 60 })

  it("its owner can destroy it, once it is unlocked, and then nothing more happens", () =>
    fc.assert(
      fc.property(any, any, (before, after) => {
        const unlock = C.Unlock({ owned, consent })
        const { state } = lives([...before, unlock, C.Destroy({ owned, unlocked, consent }), ...after])
        expect(["Destroyed", "Erased"]).toContain(state._tag)
      })
    ))

  it("it can be made to run, once it is unlocked and not being restored", () =>
    fc.assert(
      fc.property(any, (before) => {
        const harmless = before.filter(({ _tag }) => _tag !== "Destroy")
        const unlock = C.Unlock({ owned, consent })
        const redeploy = C.Redeploy({ owned, unlocked, consent, pending })
        const restored = C.Again({ cause: "restored" })
        const { state } = lives([...harmless, unlock, restored, redeploy, C.Start({ container: It.container })])
        expect(state._tag).toBe("Running")
      })
    ))

  it("it is in a container only after it was started in one, and every event changes what is told of it", () =>
    fc.assert(
      fc.property(any, (chosen) => {
        const { events, state } = lives(chosen)
        if ("container" in state) expect(events.some(({ _tag }) => _tag === "ServiceStarted")).toBe(true)
        for (const event of events) expect(event).toMatchObject({ service })
      })
    ))
})
