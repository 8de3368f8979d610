/** What its owner changes about a service: size, name, policy, domains, what it is started with. */
import { Effect } from "effect"
import type { Changes } from "../../../actors/service/Services.js"
import { normal } from "../../guards/NameClaimable.js"
import { domainsWellformed, patchWellformed, redeployWellformed, resizeWellformed } from "../../guards/ServicePatch.js"
import { entitles } from "../../guards/TierEntitled.js"
import * as Problem from "../Problem.js"
import type { ServiceIntake } from "./ServiceIntake.js"
import type { One, ServiceRoutes } from "./ServiceRoutes.js"
import * as ServiceWords from "./ServiceWords.js"

export const make = ({ changed, changing, consented, guarding, services }: ServiceRoutes, intake: ServiceIntake) => {
  const { fields, judge } = guarding

  const patch = Effect.fnUntraced(function* (one: One) {
    const { asking, owned, unlocked, view } = yield* changing(one)
    const order = yield* judge(patchWellformed.decide(yield* fields(asking)), asking)
    const { showFreezePage, unfreezeOnDemand, vcpu } = order.facts
    yield* judge(entitles({ scope: "services", vcpu }, asking.caller.key), asking)
    const name =
      order.facts.name === undefined ? undefined : yield* intake.name("label", order.facts.name, view.service, asking)
    const changes: Changes = {
      ...(vcpu === undefined ? {} : { vcpu }),
      ...(name === undefined ? {} : { name }),
      ...(showFreezePage === undefined ? {} : { showFreezePage }),
      ...(unfreezeOnDemand === undefined ? {} : { unfreezeOnDemand })
    }
    yield* services.change(owned, unlocked, changes)
    return yield* changed(view, "Service updated")
  }, Effect.mapError(Problem.of))

  const resize = Effect.fnUntraced(function* (one: One) {
    const { asking, owned, unlocked, view } = yield* changing(one)
    const { facts } = yield* judge(resizeWellformed.decide(yield* fields(asking)), asking)
    yield* judge(entitles({ scope: "services", vcpu: facts.vcpu }, asking.caller.key), asking)
    yield* services.change(owned, unlocked, { vcpu: facts.vcpu })
    return yield* changed(view, `Service resized to ${facts.vcpu} vCPU`)
  }, Effect.mapError(Problem.of))

  const domains = Effect.fnUntraced(function* (one: One) {
    const { asking, owned, unlocked, view } = yield* changing(one)
    const body = yield* fields(asking)
    const written = { all: ServiceWords.domainsOf(body), add: body.add, remove: body.remove }
    const { add, all, remove } = (yield* judge(domainsWellformed.decide(written), asking)).facts
    const removed = new Set(remove.map(normal))
    const wanted = [...new Set([...(all ?? view.domains), ...add].map(normal))].filter((one) => !removed.has(one))
    const permits = yield* Effect.forEach(wanted, (domain) => intake.name("domain", domain, view.service, asking))
    yield* services.change(owned, unlocked, { domains: permits })
    return yield* changed(view, "Domains updated")
  }, Effect.mapError(Problem.of))

  const redeploy = Effect.fnUntraced(function* (one: One) {
    const { asking, owned, unlocked, view } = yield* changing(one)
    const body = yield* fields(asking)
    const written = { bootstrap: ServiceWords.bootstrapOf(body), bootable: view.bootable }
    const { facts } = yield* judge(redeployWellformed.decide(written), asking)
    yield* intake.handing({ bootstrap: facts.bootstrap }, asking)
    const files = yield* intake.files(ServiceWords.filesOf(body), asking)
    const consent = yield* consented("grave", view, asking)
    yield* services.redeploy(owned, unlocked, consent, { bootstrap: facts.bootstrap, files })
    return yield* changed(view, "Service redeploying")
  }, Effect.mapError(Problem.of))

  return { patch, resize, domains, redeploy }
}
