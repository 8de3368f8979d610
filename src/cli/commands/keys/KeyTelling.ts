/** Keys as an operator reads them: as a table, one by one, and by who descends from whom. Secrets are never among it. */
import { Array as Arr } from "effect"
import { limitNames } from "../../../guards/Descent.js"
import { type Entitlement, entitlementOf } from "../../../guards/Entitlement.js"
import { escaped } from "../../../guards/Quote.js"
import type { Key } from "../../../rpc/KeyControl.js"
import * as Output from "../../Output.js"

export const iso = (micros: number | null): string =>
  micros === null ? "never" : new Date(micros / 1000).toISOString()

const numbers = (of: Key["limits"] | Entitlement) =>
  Object.fromEntries(limitNames.map(([limit, name]) => [name, of[limit]]))

export const document = (key: Key) => ({
  public_key: key.key,
  label: key.label,
  status: key.status,
  created_at: iso(key.createdAt),
  expires_at: iso(key.expiresAt),
  parent: key.parent,
  generation: key.generation,
  given_to: key.givenTo,
  tier: key.tier,
  scopes: key.scopes,
  confirm: key.confirm,
  totp: key.totp
})

/** Of all keys, the one that is meant, and what it may have once its line is counted. */
export interface Meant {
  readonly key: Key
  readonly has: Entitlement
}

export const meant = (all: ReadonlyArray<Key>, key: Key): Meant => {
  const above = (of: Key): ReadonlyArray<Key> => {
    const parent = all.find((one) => one.key === of.parent)
    return parent === undefined ? [] : [parent, ...above(parent)]
  }
  return { key, has: entitlementOf({ ...key, line: above(key) }) }
}

/** With its own limits, and what it may have. */
export const whole = ({ has, key }: Meant) => ({
  ...document(key),
  contact: key.contact,
  limits: numbers(key.limits),
  allowed: { ...numbers(has), scopes: [...has.scopes] }
})

export const table = (keys: ReadonlyArray<Key>): string =>
  Output.table(
    ["public key", "label", "status", "gen", "tier", "confirm", "given to", "created", "expires"],
    keys.map((key) => [
      ...[key.key, escaped(key.label), key.status, key.generation, key.tier, key.confirm],
      ...[key.givenTo ?? "-", iso(key.createdAt), iso(key.expiresAt)]
    ])
  )

const pairs = ({ has, key }: Meant): ReadonlyArray<readonly [string, string]> => [
  ["public key", key.key],
  ["label", escaped(key.label)],
  ["status", key.status],
  ["generation", key.parent === null ? "0" : `${key.generation}, child of ${key.parent}`],
  ["given to", key.givenTo ?? "-"],
  ["tier", key.tier],
  ["confirm", key.confirm],
  ["e-mail", escaped(key.contact.email ?? "-")],
  ["webhook", escaped(key.contact.webhook ?? "-")],
  ["code device", key.totp ? "enrolled" : "-"],
  ["created", iso(key.createdAt)],
  ["expires", iso(key.expiresAt)],
  ["scopes", [...has.scopes].join(", ") || "none"],
  ...limitNames.map(([limit, name]): readonly [string, string] => {
    const own = key.limits[limit]
    const most = String(Math.round(has[limit] * 100) / 100)
    return [name, own === null || own === has[limit] ? most : `${most} (its own limit is ${own})`]
  })
]

export const text = (meant: Meant): string => {
  const told = pairs(meant)
  const width = Math.max(...told.map(([name]) => name.length))
  return told.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join("\n")
}

interface Branch {
  readonly key: Key
  readonly children: ReadonlyArray<Branch>
}

/** Oldest first, each below its parent. */
export const lineage = (keys: ReadonlyArray<Key>): ReadonlyArray<Branch> => {
  const known = new Set(keys.map(({ key }) => key))
  const below = Arr.groupBy(keys, ({ parent }) => (parent !== null && known.has(parent) ? parent : ""))
  const branch = (key: Key): Branch => ({ key, children: (below[key.key] ?? []).map(branch) })
  return (below[""] ?? []).map(branch)
}

export const branches = ({ children, key }: Branch): object => ({
  ...{ public_key: key.key, generation: key.generation, status: key.status, tier: key.tier, label: key.label },
  ...{ given_to: key.givenTo, children: children.map(branches) }
})

const line = ({ generation, givenTo, key, label, status, tier }: Key): string =>
  [
    ...[key, `generation ${generation}`, status, `tier ${tier}`],
    ...[label === "" ? "" : escaped(label), givenTo === null ? "" : `given to ${givenTo}`]
  ]
    .filter((part) => part !== "")
    .join("  ")

export const draw = (roots: ReadonlyArray<Branch>): string => {
  const branch = ({ children, key }: Branch, here: string, below: string): ReadonlyArray<string> => [
    `${here}${line(key)}`,
    ...children.flatMap((child, at) =>
      at === children.length - 1
        ? branch(child, `${below}└─ `, `${below}   `)
        : branch(child, `${below}├─ `, `${below}│  `)
    )
  ]
  return roots.flatMap((root) => branch(root, "", "")).join("\n")
}
