/** The 26 decision points, each with what it makes certain: the API, the documents and the tests are checked against it. */
import type { DecisionPoint } from "../../events/Ids.js"
import { capacityAvailable } from "./CapacityAvailable.js"
import { concurrencyWithin } from "./ConcurrencyWithin.js"
import { containerSealed } from "./ContainerSealed.js"
import { egressPermitted } from "./EgressPermitted.js"
import { filesContained } from "./FilesContained.js"
import type { Guard } from "./Guard.js"
import { humanConfirmed } from "./HumanConfirmed.js"
import { imageTrusted } from "./ImageTrusted.js"
import { keyActive } from "./KeyActive.js"
import { keyKnown } from "./KeyKnown.js"
import { languageRunnable } from "./LanguageRunnable.js"
import { lineageClear } from "./LineageClear.js"
import { logDurable } from "./LogDurable.js"
import { nameClaimable } from "./NameClaimable.js"
import { networkPermitted } from "./NetworkPermitted.js"
import { quotaWithin } from "./QuotaWithin.js"
import { rateWithin } from "./RateWithin.js"
import { requestUnreplayed } from "./RequestUnreplayed.js"
import { requestWellformed } from "./RequestWellformed.js"
import { resourceKnown } from "./ResourceKnown.js"
import { resourceOwned } from "./ResourceOwned.js"
import { resourceUnlocked } from "./ResourceUnlocked.js"
import { secretsReleasable } from "./SecretsReleasable.js"
import { signatureValid } from "./SignatureValid.js"
import { tierEntitled } from "./TierEntitled.js"
import { timestampFresh } from "./TimestampFresh.js"
import { transitionLegal } from "./TransitionLegal.js"

export const catalogue: { readonly [P in DecisionPoint]: Guard<P, never, unknown> } = {
  D01: keyKnown,
  D02: keyActive,
  D03: signatureValid,
  D04: timestampFresh,
  D05: requestUnreplayed,
  D06: rateWithin,
  D07: concurrencyWithin,
  D08: tierEntitled,
  D09: quotaWithin,
  D10: capacityAvailable,
  D11: requestWellformed,
  D12: languageRunnable,
  D13: filesContained,
  D14: networkPermitted,
  D15: nameClaimable,
  D16: resourceKnown,
  D17: resourceOwned,
  D18: imageTrusted,
  D19: lineageClear,
  D20: resourceUnlocked,
  D21: humanConfirmed,
  D22: transitionLegal,
  D23: containerSealed,
  D24: secretsReleasable,
  D25: egressPermitted,
  D26: logDurable
}
