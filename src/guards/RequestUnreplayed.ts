/** D05: has this very request been acted on before? For what destroys, unlocks, gives away or overwrites. */
import { moment, oneOf, text } from "./Fact.js"
import { Permit } from "./Guard.js"

export interface Unreplayed {
  readonly publicKey: string
  /** Digest of the key and the signature: neither lets anybody sign. */
  readonly request: string
  /** What the durable memory of requests said when this one was put into it. */
  readonly memory: "first" | "seen"
  /** Unix milliseconds until which it is remembered, and the signature's own end: what is forgotten may not be valid. */
  readonly remembersUntil: number
  readonly validUntil: number
}

export const requestUnreplayed = Permit.guard("D05", {
  name: "request-unreplayed",
  claim: "this signed request has not been acted on before",
  known: {
    publicKey: text,
    request: text,
    memory: oneOf("first", "seen"),
    remembersUntil: moment,
    validUntil: moment
  },
  rule: ({ memory, remembersUntil, validUntil }: Unreplayed) => {
    if (memory === "seen")
      return {
        code: "replayed",
        message: "This very request was acted on already. To ask again, sign it anew, with a later X-Timestamp.",
        status: 409
      }
    if (remembersUntil >= validUntil) return true
    return {
      code: "uncertain",
      message: "The request would be forgotten before its signature expires. Nothing was done; sign it anew.",
      status: 503,
      uncertain: true
    }
  }
})
