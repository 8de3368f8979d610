/** The 26 decision points, each with what it makes certain: the API, the documents and the tests are checked against it. */
import type { DecisionPoint } from "../../events/Ids.js"
import { capacityAvailable } from "./CapacityAvailable.js"
import { containerSealed } from "./ContainerSealed.js"
import { egressPermitted } from "./EgressPermitted.js"
import { filesContained } from "./FilesContained.js"
import type { Guard } from "./Guard.js"
import { imageTrusted } from "./ImageTrusted.js"
import { keyActive } from "./KeyActive.js"
import { keyKnown } from "./KeyKnown.js"
import { languageRunnable } from "./LanguageRunnable.js"
import { logDurable } from "./LogDurable.js"
import { nameClaimable } from "./NameClaimable.js"
import { networkPermitted } from "./NetworkPermitted.js"
import { requestWellformed } from "./RequestWellformed.js"
import { resourceKnown } from "./ResourceKnown.js"
import { resourceOwned } from "./ResourceOwned.js"
import { resourceUnlocked } from "./ResourceUnlocked.js"
import { secretsReleasable } from "./SecretsReleasable.js"
import { signatureValid } from "./SignatureValid.js"
import { timestampFresh } from "./TimestampFresh.js"
import { transitionLegal } from "./TransitionLegal.js"

/** No command asks for its permit yet, and none can be had. */
export interface Planned<P extends DecisionPoint> {
  readonly point: P
  readonly name: string
  /** Completes "refuses unless it is certain that …". */
  readonly claim: string
  readonly planned: true
}

export type Entry<P extends DecisionPoint> = Guard<P, never, unknown> | Planned<P>

const planned = <const P extends DecisionPoint>(point: P, name: string, claim: string): Planned<P> => ({
  point,
  name,
  claim,
  planned: true
})

export const isPlanned = <P extends DecisionPoint>(entry: Entry<P>): entry is Planned<P> => "planned" in entry

export const catalogue: { readonly [P in DecisionPoint]: Entry<P> } = {
  D01: keyKnown,
  D02: keyActive,
  D03: signatureValid,
  D04: timestampFresh,
  D05: planned("D05", "request-unreplayed", "this signed request has not been acted on before"),
  D06: planned("D06", "rate-within", "the key's rate of requests allows one more"),
  D07: planned("D07", "concurrency-within", "the key has a slot free"),
  D08: planned("D08", "tier-entitled", "the key's tier includes what is asked for"),
  D09: planned("D09", "quota-within", "what the key keeps stays inside its quota"),
  D10: capacityAvailable,
  D11: requestWellformed,
  D12: languageRunnable,
  D13: filesContained,
  D14: networkPermitted,
  D15: nameClaimable,
  D16: resourceKnown,
  D17: resourceOwned,
  D18: imageTrusted,
  D19: planned(
    "D19",
    "lineage-clear",
    "the caller neither sits inside what it would destroy nor acts on its forebears"
  ),
  D20: resourceUnlocked,
  D21: planned("D21", "human-confirmed", "a person has confirmed this very action"),
  D22: transitionLegal,
  D23: containerSealed,
  D24: secretsReleasable,
  D25: egressPermitted,
  D26: logDurable
}
