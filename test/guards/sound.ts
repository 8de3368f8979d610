/** What looks like garbage and is a fact all the same, or a caller's own claim: by point and path, what becomes of which value. */
import type { DecisionPoint } from "../../events/Ids.js"
import type { Garbage, Path } from "./garbage.js"

type Verdict = "permitted" | "refused" | "uncertain"

/** Of the values that are not listed, each must leave the point uncertain. */
type Verdicts = { readonly [G in Garbage | "missing"]?: Verdict } & { readonly rest?: Verdict }

/** There may be none of it. */
const optional = { missing: "permitted", undefined: "permitted" } as const
const needed = { missing: "refused", undefined: "refused" } as const
const emptied = { "empty array": "permitted" } as const
const anyText = { "empty text": "permitted", "a MiB of text": "permitted" } as const
const wrongText = { "empty text": "refused", "a MiB of text": "refused" } as const
const count = { zero: "permitted" } as const
const none = { zero: "refused" } as const
const either = { true: "permitted", false: "permitted" } as const
const yes = { true: "permitted", false: "refused" } as const
/** What the caller wrote is read, not known: what is wrong with it is told to the caller. */
const written = { rest: "refused" } as const

export const sound: { readonly [P in DecisionPoint]?: { readonly [path: string]: Verdicts } } = {
  // The proof is another point's to judge.
  D01: { "credentials.timestamp": anyText, "credentials.signature": anyText, record: needed },
  D02: { expiresAt: { null: "permitted", zero: "refused" } },
  D03: { "credentials.timestamp": wrongText, "credentials.signature": wrongText },
  D04: { timestamp: wrongText, "clock.parted": optional },
  D06: {
    shared: either,
    rpm: { fraction: "permitted", "2 to the 53rd": "permitted" },
    remaining: count,
    allowed: yes,
    retryAfter: count,
    ahead: count,
    clockTrusted: { true: "permitted" }
  },
  D07: { shared: either, active: count, limit: none },
  D08: {
    scopes: { "empty array": "refused" },
    "scopes.0": { missing: "refused" },
    "scopes.1": { missing: "permitted" },
    vcpu: count,
    mostVcpu: none,
    ttlSeconds: count,
    mostTtlSeconds: none
  },
  D09: { "shares.0.kept": count, "shares.0.most": none, "shares.0.keptBytes": count, "shares.0.mostBytes": none },
  D10: {
    promisedBytes: count,
    capacityBytes: none,
    waiting: count,
    waitingMaximum: none,
    waitedMillis: { zero: "permitted", fraction: "permitted", "2 to the 53rd": "refused" },
    queueMillis: none
  },
  D11: {
    language: { ...written, ...optional, null: "permitted", "empty text": "permitted" },
    code: { ...written, "a MiB of text": "permitted" }
  },
  D12: {
    asked: { ...needed, ...anyText },
    known: needed,
    runnable: yes,
    suggestion: optional,
    installCommand: optional,
    wasm: optional
  },
  D13: {
    files: {
      ...written,
      ...optional,
      ...emptied,
      null: "permitted",
      "empty text": "permitted",
      "array of traps": "uncertain"
    },
    "files.0": { ...written, missing: "permitted", trap: "uncertain" },
    "files.0.filename": written,
    "files.0.content": { ...written, ...anyText },
    "bounds.count": none,
    "bounds.totalBytes": none,
    "bounds.singleBytes": none
  },
  D14: { available: { "empty array": "refused" }, "available.0": { missing: "refused" } },
  D15: { asked: wrongText, own: emptied, "own.0": { missing: "permitted" }, service: optional, holder: optional },
  // Whatever the caller wrote in the path: what was found is found by it.
  D16: { resource: { "a MiB of text": "permitted" }, found: needed },
  D18: { found: needed, "found.granted": either },
  D19: {
    line: emptied,
    "line.0": { missing: "permitted" },
    dwellings: emptied,
    "dwellings.0": { missing: "permitted" },
    home: { null: "permitted" }
  },
  D20: { locked: { true: "refused", false: "permitted" } },
  D21: {
    // Another path than what was confirmed, and none that anybody asked for is too long to be compared.
    "action.path": { "a MiB of text": "refused" },
    "answer.challenge.about.path": { "a MiB of text": "refused" },
    "answer.attemptsLeft": count,
    offered: optional,
    held: optional,
    steady: { true: "permitted" }
  },
  D22: { legal: yes },
  D23: {
    "seal.groups": { "empty text": "permitted" },
    "seal.net": { "a MiB of text": "refused" },
    "limits.tmpBytes": count,
    weak: emptied
  },
  D24: { authentic: { true: "permitted" } },
  D25: {
    own: emptied,
    "policy.allow": emptied,
    "policy.deny": emptied,
    "policy.closedPorts": emptied,
    "policy.closedPorts.0": { missing: "permitted" }
  }
}

/** What becomes of the point when that part of its facts is such a value. */
export const verdicts = (point: DecisionPoint, path: Path) => {
  const listed: Verdicts = sound[point]?.[path.join(".")] ?? {}
  return (name: Garbage | "missing"): Verdict => listed[name] ?? listed.rest ?? "uncertain"
}
