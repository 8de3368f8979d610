/** Consent as the real guards issue it: to its owner, for one thing. */
import { Either } from "effect"
import type { PublicKey } from "../../events/Ids.js"
import type { Consent } from "../../src/guards/Consent.js"
import * as Credentials from "../../src/guards/Credentials.js"
import { humanConfirmed } from "../../src/guards/HumanConfirmed.js"
import { keyKnown } from "../../src/guards/KeyKnown.js"
import { lineageClear } from "../../src/guards/LineageClear.js"
import { requestUnreplayed } from "../../src/guards/RequestUnreplayed.js"
import type { Ids, Kind } from "../../src/guards/Resource.js"
import { digestOf } from "../../src/store/Digest.js"

export const consentOf = <K extends Kind>(kind: K, resource: Ids[K], owner: PublicKey): Consent<K> => {
  const action = { key: owner, method: "DELETE", path: `/${kind}s/${resource}`, bodyDigest: digestOf(Buffer.alloc(0)) }
  const clear = { kind, resource, owner, actor: owner, line: [], dwellings: [], home: null }
  const waived = {
    mode: "waived",
    answer: undefined,
    offered: undefined,
    held: undefined,
    now: 1_800_000_000_000_000,
    steady: true
  } as const
  const first = {
    publicKey: owner,
    request: "a",
    memory: "first",
    remembersUntil: 1_700_000_900_000,
    validUntil: 1_700_000_300_000
  } as const
  const credentials = Credentials.read({ authorization: `Bearer ${owner}`, timestamp: "1", signature: "a" })
  return {
    caller: [Either.getOrThrow(keyKnown.decide({ credentials, record: { key: owner } }))],
    clear: Either.getOrThrow(lineageClear.decide<K>(clear)),
    confirmed: Either.getOrThrow(humanConfirmed.decide({ action, ...waived })),
    unreplayed: Either.getOrThrow(requestUnreplayed.decide(first))
  }
}
