/**
 * A service's life.
 *
 *   Absent ──Create──▶ Starting ──Start──▶ Running ◀──Freeze / Unfreeze──▶ Frozen ──DeepFreeze──▶ DeepFrozen
 *                        ▲  ▲                 │                                                      │
 *                        │  └─────Again───────┘                                                      │
 *                        └──────────────────────────────────Unfreeze─────────────────────────────────┘
 *   Redeploying (from all of these) ──Start──▶ Running;  Stopped (while its root is replaced) ──Again──▶ Starting
 *   Failed: it does not start by itself; Redeploy does it
 *
 * Destroying is legal from every state; what is destroyed stays so. A container lost while frozen is a deep freeze.
 */
import { Data } from "effect"
import type { Hold } from "../../events/Hold.js"
import type { ContainerId } from "../../events/Ids.js"
import type { Again, Blob, Failure, Inputs, ServiceCreated } from "../../events/Service.js"
import type { Consent } from "../../src/guards/Consent.js"
import type { Permit } from "../../src/guards/Guard.js"
import type { Ownership } from "../../src/guards/ResourceOwned.js"
import type { Lock } from "../../src/guards/ResourceUnlocked.js"
import type { Hosts } from "../../src/guards/VaultVariables.js"

/** What a fresh container has yet to be given. */
export interface Pending {
  readonly bootstrap: Blob | null
  readonly inputs: Inputs
}

/** What a service is, whatever it is doing. */
export interface About extends Omit<ServiceCreated, "_tag" | "bootstrap" | "inputs"> {
  readonly locked: boolean
  readonly pending: Pending
  /** Its root has had a bootstrap. */
  readonly bootable: boolean
  /** It has run before: its root is made. */
  readonly begun: boolean
  /** Why it is frozen, when its owner did not ask for that; only its owner thaws it then. */
  readonly hold: Hold | null
}

interface Is {
  readonly about: About
}

export type State = Data.TaggedEnum<{
  Absent: {}
  Starting: Is
  Running: Is & { readonly container: ContainerId }
  Frozen: Is & { readonly container: ContainerId }
  DeepFrozen: Is
  Redeploying: Is
  Stopped: Is
  Failed: Is & { readonly failure: Failure }
  Destroyed: Is
  Erased: {}
}>
export const State = Data.taggedEnum<State>()
export const initial: State = State.Absent()

/** Proofs that go with a command of somebody's. */
export interface Asked {
  readonly owned: Permit<"D17", Ownership<"service">>
}
interface Changing extends Asked {
  readonly unlocked: Permit<"D20", Lock<"service">>
}
/** For what cannot be undone. */
interface Undoing extends Changing {
  readonly consent: Consent<"service">
}

export type Command = Data.TaggedEnum<{
  Create: {
    readonly created: Omit<ServiceCreated, "_tag">
    /** Names of the variables in its vault. */
    readonly vault: ReadonlyArray<string>
    /** Where those of them that are marked may go. */
    readonly egress?: Hosts
  }
  /** It runs, in this container. */
  Start: { readonly container: ContainerId }
  /** Its container is gone, or its root is ready: it is to be started once more. */
  Again: { readonly cause: Again }
  Fail: { readonly failure: Failure }
  Freeze: Asked
  /** It is frozen whether or not its owner wants it. */
  Hold: { readonly hold: Hold }
  Unfreeze: Asked
  /** A visitor came. */
  Wake: {}
  DeepFreeze: {}
  Redeploy: Undoing & { readonly pending: Pending }
  /** Its root is going to be replaced. */
  Stop: Undoing
  Lock: Asked
  Unlock: Asked & { readonly consent: Consent<"service"> }
  Resize: Changing & { readonly vcpu: number }
  /** The larger one could not be had. */
  Unsize: { readonly vcpu: number }
  Rename: Changing & { readonly name: string }
  SetDomains: Changing & { readonly domains: ReadonlyArray<string> }
  SetPolicy: Changing & { readonly unfreezeOnDemand: boolean; readonly showFreezePage: boolean }
  SetVault: Undoing & { readonly names: ReadonlyArray<string>; readonly egress?: Hosts }
  Destroy: Undoing
  /** Nothing of it is left but its history. */
  Erase: {}
}>
export const Command = Data.taggedEnum<Command>()

export class Rejected extends Data.TaggedError("Rejected")<{
  readonly command: Command["_tag"]
  readonly in: State["_tag"]
}> {}

/** It has a container, or is to have one. */
export const wantsContainer = (state: State): boolean =>
  state._tag === "Starting" || state._tag === "Running" || state._tag === "Frozen" || state._tag === "Redeploying"
