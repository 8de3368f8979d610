/** D24: may what is in this vault go into this container? Neither facts nor permit ever hold a secret. */
import { flag, text } from "./Fact.js"
import { Permit, type Reason } from "./Guard.js"

export interface Release {
  /** What the vault belongs to. */
  readonly resource: string
  /** It opened under its own name with the server's key: nobody put it there or changed it. */
  readonly authentic: boolean
  /** Whose it is, as it was sealed. */
  readonly owner: string
  /** The container that it would go into, and what that was claimed for and by whom. */
  readonly container: string
  readonly claimedFor: string
  readonly claimedBy: string
  /** The container that was read back and found sealed (D23). */
  readonly sealed: string
}

const refuse = (message: string): Reason => ({ code: "secrets_withheld", message, status: 403 })

/** What is there does not open, whoever asks. */
export const unreadable: Reason = {
  code: "vault_unreadable",
  message: "The vault cannot be opened, so nothing is started without it. Put the variables anew: PUT …/env.",
  status: 503,
  uncertain: true,
  note: "not sealed by this server, or not under this name"
}

const rule = ({ authentic, claimedBy, claimedFor, container, owner, resource, sealed }: Release): true | Reason => {
  if (!authentic) return unreadable
  if (claimedFor !== resource) return refuse("The container was claimed for something else.")
  if (claimedBy !== owner) return refuse("The container belongs to another key than the vault.")
  return sealed === container || refuse("The container was not found sealed.")
}

export const secretsReleasable = Permit.guard("D24", {
  name: "secrets-releasable",
  claim: "the secret is authentic, the caller's, and goes only to its sealed container",
  known: {
    resource: text,
    authentic: flag,
    owner: text,
    container: text,
    claimedFor: text,
    claimedBy: text,
    sealed: text
  },
  rule
})
