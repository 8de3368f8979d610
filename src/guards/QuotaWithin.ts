/** D09: does what the key keeps, and what its forebears' keys keep with it, stay inside the quota? */
import { list, natural, oneOf, struct, text } from "./Fact.js"
import { Permit, type Reason } from "./Guard.js"

/** What is counted of one key of the line, with all that descend from it. */
interface Share {
  readonly publicKey: string
  /** Those there are, and those on their way, without this one. */
  readonly kept: number
  readonly most: number
  readonly keptBytes: number
  readonly mostBytes: number
}

export interface Quota {
  readonly kind: "service" | "snapshot" | "image"
  /** The caller's own first, then its forebears'. */
  readonly shares: ReadonlyArray<Share>
}

const full = ({ kind, shares }: Quota): true | Reason => {
  const [own] = shares
  for (const { kept, keptBytes, most, mostBytes, publicKey } of shares) {
    // Whose quota it is concerns its owner alone.
    const whose = publicKey === own?.publicKey ? "This key" : "The key that this one descends from"
    if (kept >= most)
      return {
        code: "quota_exceeded",
        message: `${whose} may keep ${most} ${kind}s and has ${kept}. Delete one, or ask the operator for more.`,
        status: 403,
        details: { kind, kept, most }
      }
    if (keptBytes >= mostBytes)
      return {
        code: "quota_exceeded",
        message: `${whose} may keep ${mostBytes} bytes and keeps ${keptBytes}. Delete something, or ask for more.`,
        status: 403,
        details: { kept_bytes: keptBytes, most_bytes: mostBytes }
      }
  }
  return true
}

const share = struct<Share>({ publicKey: text, kept: natural, most: natural, keptBytes: natural, mostBytes: natural })

export const quotaWithin = Permit.guard("D09", {
  name: "quota-within",
  claim: "what the key keeps stays inside its quota",
  known: {
    kind: oneOf("service", "snapshot", "image"),
    shares: (value) => list(share)(value) && Array.isArray(value) && value.length > 0
  },
  rule: full,
  carries: ({ kind, shares }): Quota => ({
    kind,
    shares: shares.map(({ kept, keptBytes, most, mostBytes, publicKey }) => ({
      publicKey,
      kept,
      most,
      keptBytes,
      mostBytes
    }))
  })
})
