/** How a service's state follows from its events. */
import type { ServiceEvent } from "../../events/Service.js"
import { type About, type Pending, State } from "./Service.js"

const none: Pending = { bootstrap: null, inputs: [] }

const aboutOf = (event: Extract<ServiceEvent, { _tag: "ServiceCreated" }>): About => {
  const { _tag: _, bootstrap, inputs, ...about } = event
  // A layer brings the bootstrap that it was made with.
  const bootable = bootstrap !== null || about.from !== null
  return { ...about, locked: false, pending: { bootstrap, inputs }, bootable, begun: false, hold: null }
}

/** What changes about it without changing what it is doing. */
const changed = (about: About, event: ServiceEvent): About => {
  switch (event._tag) {
    case "ServiceLocked":
      return { ...about, locked: true }
    case "ServiceUnlocked":
      return { ...about, locked: false }
    case "ServiceResized":
      return { ...about, vcpu: event.vcpu }
    case "ServiceRenamed":
      return { ...about, name: event.name }
    case "ServiceDomainsChanged":
      return { ...about, domains: event.domains }
    case "ServicePolicyChanged":
      return { ...about, unfreezeOnDemand: event.unfreezeOnDemand, showFreezePage: event.showFreezePage }
    case "ServiceRedeploying": {
      const { bootstrap, inputs } = event
      // What has not been installed yet and is not replaced stays to be installed.
      const pending = {
        bootstrap: bootstrap ?? about.pending.bootstrap,
        inputs: inputs.length > 0 ? inputs : about.pending.inputs
      }
      return { ...about, pending, bootable: about.bootable || bootstrap !== null, hold: null }
    }
    case "ServiceStarted":
      return { ...about, pending: none, begun: true }
    case "ServiceStopped":
      // The layer that replaces its root brings its own, and is there before it starts.
      return { ...about, pending: none, bootable: true, begun: true, hold: null }
    case "ServiceFrozen":
      return { ...about, hold: event.hold }
    case "ServiceThawed":
      return { ...about, hold: null }
    default:
      return about
  }
}

const thawed = (state: State, about: About): State =>
  state._tag === "Frozen" ? State.Running({ about, container: state.container }) : State.Starting({ about })

export const evolve = (state: State, event: ServiceEvent): State => {
  if (event._tag === "ServiceCreated") return State.Starting({ about: aboutOf(event) })
  if (state._tag === "Absent" || state._tag === "Erased") return state
  const about = changed(state.about, event)
  switch (event._tag) {
    case "ServiceStarting":
      return State.Starting({ about })
    case "ServiceStarted":
      return State.Running({ about, container: event.container })
    case "ServiceFrozen":
      return "container" in state ? State.Frozen({ about, container: state.container }) : state
    case "ServiceThawed":
      return thawed(state, about)
    case "ServiceDeepFrozen":
      return State.DeepFrozen({ about })
    case "ServiceRedeploying":
      return State.Redeploying({ about })
    case "ServiceStopped":
      return State.Stopped({ about })
    case "ServiceFailed":
      return State.Failed({ about, failure: event.failure })
    case "ServiceResized":
    case "ServiceLocked":
    case "ServiceUnlocked":
    case "ServiceDomainsChanged":
    case "ServiceRenamed":
    case "ServicePolicyChanged":
    case "VaultChanged":
      return { ...state, about }
    case "ServiceDestroyed":
      return State.Destroyed({ about })
    case "ServiceErased":
      return State.Erased()
  }
}
