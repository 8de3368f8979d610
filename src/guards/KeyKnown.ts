/** D01: is there such a key? */
import * as Credentials from "./Credentials.js"
import { maybe, struct, text } from "./Fact.js"
import { Permit, type Reason } from "./Guard.js"

interface KeyLookup {
  readonly credentials: Credentials.Credentials
  /** What the table of keys has under that name. */
  readonly record: { readonly key: string } | undefined
}

export interface KeyNamed {
  readonly publicKey: string
}

const rule = ({ credentials, record }: KeyLookup): true | Reason => {
  const unreadable = Credentials.unreadable(credentials)
  if (unreadable !== undefined) return unreadable
  const publicKey = Credentials.principal(credentials)
  const refusal: Reason = {
    code: "invalid_key",
    message: "There is no such key. Check the public key; an operator makes one with `unsandbox keys create`.",
    status: 401
  }
  if (record === undefined) return refusal
  return record.key === publicKey || { ...refusal, uncertain: true, status: 503, note: "the record is another key's" }
}

export const keyKnown = Permit.guard("D01", {
  name: "key-known",
  claim: "the public key exists",
  known: { credentials: Credentials.known, record: maybe(struct({ key: text })) },
  rule,
  carries: ({ credentials }): KeyNamed => ({ publicKey: Credentials.principal(credentials) })
})
