/** What a command comes to in each state of a service: events, nothing, or a rejection. */
import { Either } from "effect"
import type { Again, ServiceEvent } from "../../events/Service.js"
import { told as evidence, isFor } from "../../src/guards/Consent.js"
import { type Asked, type Command, Rejected, type State } from "./Service.js"

type Decision = Either.Either<ReadonlyArray<ServiceEvent>, Rejected>
type Living = Exclude<State, { readonly _tag: "Absent" | "Destroyed" | "Erased" }>

const isLiving = (state: State): state is Living =>
  state._tag !== "Absent" && state._tag !== "Destroyed" && state._tag !== "Erased"

const nothing: Decision = Either.right([])
const tell = (...events: ReadonlyArray<ServiceEvent>): Decision => Either.right(events)

/** Permits were true when they were issued; the state is true now. */
const holds = ({ about }: Living, { owned, ...more }: Owners): boolean => {
  const { actor, resource } = owned.facts
  if (actor !== about.owner || resource !== about.service) return false
  if ("consent" in more && !isFor(more.consent, about.service, about.owner)) return false
  return !("unlocked" in more) || (more.unlocked.facts.resource === about.service && !about.locked)
}

const unfreeze = (state: Living, reject: () => Decision): Decision => {
  const { service } = state.about
  switch (state._tag) {
    case "Frozen":
    case "DeepFrozen":
      return tell({ _tag: "ServiceThawed", service })
    case "Starting":
    case "Running":
    case "Redeploying":
      return nothing
    case "Stopped":
    case "Failed":
      return reject()
  }
}

const freeze = (state: Living, reject: () => Decision): Decision => {
  if (state._tag === "Frozen" || state._tag === "DeepFrozen") return nothing
  return state._tag === "Running" ? tell({ _tag: "ServiceFrozen", service: state.about.service, hold: null }) : reject()
}

/** One whose container is gone, or whose root was replaced. */
const again = (state: Living, cause: Again, reject: () => Decision): Decision => {
  const { service } = state.about
  switch (state._tag) {
    case "Running":
      return tell({ _tag: "ServiceStarting", service, cause })
    case "Stopped":
      return cause === "restored" ? tell({ _tag: "ServiceStarting", service, cause }) : reject()
    case "Frozen":
      return tell({ _tag: "ServiceDeepFrozen", service })
    case "Starting":
    case "Redeploying":
    case "DeepFrozen":
      return nothing
    case "Failed":
      return reject()
  }
}

type Owners = Extract<Command, Asked>

/** What goes into the history together with who agreed to it. */
const undoing = (
  state: Living,
  command: Extract<Command, { readonly consent: unknown }>,
  reject: () => Decision
): Decision => {
  const { locked, service } = state.about
  const proven = evidence(command.consent, command.owned, ...("unlocked" in command ? [command.unlocked] : []))
  switch (command._tag) {
    case "Unlock":
      return locked ? tell({ _tag: "ServiceUnlocked", service, evidence: proven }) : nothing
    case "Redeploy":
      if (state._tag === "Stopped") return reject()
      return tell({ _tag: "ServiceRedeploying", service, ...command.pending, evidence: proven })
    case "Stop":
      if (state._tag === "Stopped") return reject()
      return tell({ _tag: "ServiceStopped", service, cause: "restoring", evidence: proven })
    case "SetVault": {
      const { egress = {}, names } = command
      return tell({ _tag: "VaultChanged", service, names, egress, evidence: proven })
    }
    case "Destroy":
      return tell({ _tag: "ServiceDestroyed", service, cause: "asked", evidence: proven })
  }
}

/** What its owner may ask of it. */
const asked = (state: Living, command: Owners, reject: () => Decision): Decision => {
  const { about } = state
  const { service } = about
  if (!holds(state, command)) return reject()
  switch (command._tag) {
    case "Freeze":
      return freeze(state, reject)
    case "Unfreeze":
      return unfreeze(state, reject)
    case "Lock":
      return about.locked ? nothing : tell({ _tag: "ServiceLocked", service })
    case "Unlock":
    case "Redeploy":
    case "Stop":
    case "SetVault":
    case "Destroy":
      return undoing(state, command, reject)
    case "Resize":
      return about.vcpu === command.vcpu ? nothing : tell({ _tag: "ServiceResized", service, vcpu: command.vcpu })
    case "Rename":
      return about.name === command.name ? nothing : tell({ _tag: "ServiceRenamed", service, name: command.name })
    case "SetDomains":
      return tell({ _tag: "ServiceDomainsChanged", service, domains: command.domains })
    case "SetPolicy": {
      const { showFreezePage, unfreezeOnDemand } = command
      return tell({ _tag: "ServicePolicyChanged", service, unfreezeOnDemand, showFreezePage })
    }
  }
}

/** What the control plane tells of it. */
const told = (state: Living, command: Exclude<Command, Owners>, reject: () => Decision): Decision => {
  const { about } = state
  const { service } = about
  switch (command._tag) {
    case "Create":
    case "Erase":
      return reject()
    case "Start":
      if (state._tag !== "Starting" && state._tag !== "Redeploying") return reject()
      return tell({ _tag: "ServiceStarted", service, container: command.container })
    case "Again":
      return again(state, command.cause, reject)
    case "Fail":
      if (state._tag !== "Starting" && state._tag !== "Running" && state._tag !== "Redeploying") return reject()
      return tell({ _tag: "ServiceFailed", service, failure: command.failure })
    case "Hold":
      if (state._tag === "Frozen" || state._tag === "DeepFrozen") return nothing
      return state._tag === "Running" ? tell({ _tag: "ServiceFrozen", service, hold: command.hold }) : reject()
    case "Wake":
      return about.unfreezeOnDemand && about.hold === null ? unfreeze(state, reject) : reject()
    case "DeepFreeze":
      if (state._tag === "DeepFrozen") return nothing
      return state._tag === "Frozen" ? tell({ _tag: "ServiceDeepFrozen", service }) : reject()
    case "Unsize":
      return about.vcpu === command.vcpu ? nothing : tell({ _tag: "ServiceResized", service, vcpu: command.vcpu })
  }
}

const create = ({ created, egress = {}, vault }: Extract<Command, { readonly _tag: "Create" }>): Decision => {
  const { service } = created
  const sealed =
    vault.length === 0 ? [] : [{ _tag: "VaultChanged" as const, service, names: vault, egress, evidence: [] }]
  return tell({ _tag: "ServiceCreated", ...created }, ...sealed)
}

export const decide = (state: State, command: Command): Decision => {
  const reject = (): Decision => Either.left(new Rejected({ command: command._tag, in: state._tag }))
  if (isLiving(state)) return "owned" in command ? asked(state, command, reject) : told(state, command, reject)
  if (state._tag === "Absent") return command._tag === "Create" ? create(command) : reject()
  if (command._tag === "Destroy") return nothing
  if (command._tag !== "Erase") return reject()
  return state._tag === "Erased" ? nothing : tell({ _tag: "ServiceErased", service: state.about.service })
}
