/** Which way a code goes: to the nearest of the key's line that has a device or an address, else as the server is set. */
import type { Channel } from "../../events/Confirmation.js"
import type { PublicKey } from "../../events/Ids.js"
import type { KeyRecord } from "../../src/projections/KeyTable.js"

export interface Ways {
  /** There is a mail server. */
  readonly mail: boolean
  /** For keys without an address of their own; null: the console. */
  readonly webhook: string | null
}

export interface Route {
  readonly channel: Channel
  /** Whose device or address it is. */
  readonly holder: PublicKey
  readonly to: string
}

type Standing = Pick<KeyRecord, "key" | "contact" | "totp">

const own = ({ contact, key, totp }: Standing, { mail }: Ways): Route | undefined => {
  if (totp) return { channel: "totp", holder: key, to: "" }
  if (contact.webhook !== null) return { channel: "webhook", holder: key, to: contact.webhook }
  return contact.email !== null && mail ? { channel: "email", holder: key, to: contact.email } : undefined
}

export const routeOf = (record: Standing & { readonly line: ReadonlyArray<Standing> }, ways: Ways): Route => {
  for (const one of [record, ...record.line]) {
    const route = own(one, ways)
    if (route !== undefined) return route
  }
  return ways.webhook === null
    ? { channel: "console", holder: record.key, to: "" }
    : { channel: "webhook", holder: record.key, to: ways.webhook }
}
