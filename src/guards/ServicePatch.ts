/** Orders to change a service: what a caller may write in them, and the normal form. */
import { Either } from "effect"
import { anything } from "./Fact.js"
import { absent, BOUNDS, bad, flag, type Read, whole } from "./Order.js"
import { wellformed } from "./RequestWellformed.js"
import { bootstrapOf, domainsOf, nameOf } from "./ServiceOrder.js"

interface PatchWritten {
  readonly vcpu?: unknown
  readonly name?: unknown
  readonly unfreeze_on_demand?: unknown
  readonly show_freeze_page?: unknown
}

/** Undefined stays as it is. */
interface Patch {
  readonly vcpu: number | undefined
  /** As written: D15 judges it. */
  readonly name: string | undefined
  readonly unfreezeOnDemand: boolean | undefined
  readonly showFreezePage: boolean | undefined
}

const perhaps = <A>(value: unknown, read: (value: unknown) => Read<A>): Read<A | undefined> =>
  absent(value) || value === "" ? Either.right(undefined) : read(value)

const vcpu = (value: unknown) => whole("vcpu", value, BOUNDS.vcpu, "")

export const patchWellformed = wellformed<PatchWritten, Patch>(
  { vcpu: anything, name: anything, unfreeze_on_demand: anything, show_freeze_page: anything },
  (written) => {
    const { name, show_freeze_page, unfreeze_on_demand } = written
    if ([written.vcpu, name, show_freeze_page, unfreeze_on_demand].every(absent))
      return bad("vcpu", "Nothing to change: name vcpu, name, unfreeze_on_demand or show_freeze_page.")
    return Either.all({
      vcpu: perhaps(written.vcpu, vcpu),
      name: nameOf(name),
      unfreezeOnDemand: perhaps(unfreeze_on_demand, (value) => flag("unfreeze_on_demand", value)),
      showFreezePage: perhaps(show_freeze_page, (value) => flag("show_freeze_page", value))
    })
  }
)

export const resizeWellformed = wellformed<{ readonly vcpu?: unknown }, { readonly vcpu: number }>(
  { vcpu: anything },
  (written) =>
    absent(written.vcpu)
      ? bad("vcpu", "Invalid vcpu value (must be 1-8).")
      : Either.map(vcpu(written.vcpu), (count) => ({ vcpu: count }))
)

interface DomainsWritten {
  readonly all?: unknown
  readonly add?: unknown
  readonly remove?: unknown
}

interface DomainsChange {
  /** Undefined: those that it has. */
  readonly all: ReadonlyArray<string> | undefined
  readonly add: ReadonlyArray<string>
  readonly remove: ReadonlyArray<string>
}

export const domainsWellformed = wellformed<DomainsWritten, DomainsChange>(
  { all: anything, add: anything, remove: anything },
  ({ add, all, remove }) => {
    if (all === undefined && absent(add) && absent(remove))
      return bad("custom_domains", "Name custom_domains, or those to add and remove.")
    const list = all === undefined || all === null ? Either.right(undefined) : domainsOf(all)
    return Either.all({ all: list, add: domainsOf(add), remove: domainsOf(remove) })
  }
)

export const redeployWellformed = wellformed<
  { readonly bootstrap?: unknown; readonly bootable: boolean },
  { readonly bootstrap: string | undefined }
>({ bootstrap: anything, bootable: (value) => typeof value === "boolean" }, ({ bootable, bootstrap }) =>
  Either.flatMap(bootstrapOf(bootstrap), (script) =>
    script === undefined && !bootable
      ? bad("bootstrap", "The service has no bootstrap. Send one: bootstrap or bootstrap_content.", "no_bootstrap")
      : Either.right({ bootstrap: script })
  )
)
