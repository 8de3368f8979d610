/** An event as a line for whose resource it is about. Pure; nothing in it can be more than one line. */
import type { AnyEvent } from "../../events/Catalogue.js"

export const sources = ["api", "portal"] as const
export type Source = (typeof sources)[number]

export const levels = ["debug", "info", "warn", "error"] as const
export type Level = (typeof levels)[number]

interface LogLine {
  readonly source: Source
  readonly level: Level
  readonly text: string
}

const longest = 500

const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** Facts that are worth telling, by their name in the events; whatever else one carries is not told. */
const names = [
  ...["name", "label", "language", "network", "shell", "multiplexer", "serviceType", "vcpu", "ports", "domains"],
  ...["names", "status", "rest", "visibility", "hot", "cause", "exitCode", "signal", "reason", "container"],
  ...["expiresAt", "source", "into", "to", "from", "key", "service"]
]

/** Every job passes here three times: what does not depend on the event is worked out once. */
const told = names.map((name) => [name, ` ${snake(name)}=`] as const)

type Facts = Readonly<Record<string, unknown>>

const isFacts = (value: unknown): value is Facts => typeof value === "object" && value !== null && !Array.isArray(value)

// biome-ignore lint/suspicious/noControlCharactersInRegex: these would end the line, or drive a terminal
const control = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g

const plain = (text: string): string => (ordinary.test(text) ? text : text.replace(control, " "))

const ordinary = /^[\x21-\x7e]+$/

const word = (value: string): string => (/^[^\s"=]+$/.test(value) ? value : JSON.stringify(value))

const written = (value: unknown): string | undefined => {
  if (typeof value === "string") return value === "" ? undefined : word(plain(value))
  if (typeof value === "number" || typeof value === "boolean") return String(value)
  if (Array.isArray(value)) return value.length === 0 ? undefined : word(plain(value.join(",")))
  // One of several kinds of places, named by its id.
  if (isFacts(value)) return written(Object.entries(value).find(([name]) => name !== "_tag")?.[1])
  return undefined
}

const details = (facts: Facts, but: string): string => {
  let all = ""
  for (const [name, label] of told) {
    const value = facts[name]
    if (value === undefined || value === null || name === but) continue
    const text = written(value)
    if (text !== undefined) all += label + text
  }
  return all
}

const verbs = new Map<string, string>()

/** `ServiceDomainsChanged` of a service is "domains changed". */
const verb = (kind: string, tag: string): string => {
  const known = verbs.get(tag)
  if (known !== undefined) return known
  const [, ...words] = snake(tag).split("_")
  const said = (words[0] === kind && words.length > 1 ? words.slice(1) : words).join(" ")
  verbs.set(tag, said)
  return said
}

/** Kinds of things that belong to a key, by the field that names the one. */
const kinds = ["job", "session", "service", "snapshot", "image", "key"] as const

const bad = new Set(["oom", "killed", "died", "no-capacity", "node-lost", "unstartable", "control-plane-restart"])

const levelOf = ({ _tag, cause, status }: Facts): Level => {
  if (status === "failed" || String(_tag).endsWith("Failed")) return "error"
  if (status === "timeout" || status === "cancelled") return "warn"
  if (_tag === "KeySuspended" || _tag === "KeyRevoked") return "warn"
  return bad.has(String(cause)) ? "warn" : "info"
}

/** Points that anybody may be refused at under anybody's key: what strangers try is no line of its owner's. */
const unproved = ["D01", "D02", "D03", "D04"]

const refusal = ({ action, certainty, count, point }: Facts): LogLine | undefined => {
  if (unproved.includes(String(point))) return undefined
  // Not the reason: it may tell what the caller may not know.
  const text = `${String(point)} ${String(certainty)} ${plain(String(action))} count=${String(count)}`
  return { source: "api", level: "warn", text: text.slice(0, longest) }
}

/** The stream's kind decides what the event is about: an image's `service` is not its own. */
export const lineOf = (kind: string, event: AnyEvent): LogLine | undefined => {
  const facts: Facts = event
  if (event._tag === "Refused") return refusal(facts)
  const own = kinds.find((name) => name === kind)
  if (own === undefined) return undefined
  const flat = isFacts(facts.failure) ? { ...facts, ...facts.failure } : facts
  const text = `${own} ${String(facts[own])} ${verb(own, event._tag)}${details(flat, own)}`
  return { source: own === "key" ? "portal" : "api", level: levelOf(flat), text: text.slice(0, longest) }
}

/** Whose it is from now on, where the event says so. */
export const ownerIn = (event: AnyEvent): string | undefined => {
  switch (event._tag) {
    case "KeyCreated":
      return event.key
    case "ImageTransferred":
      return event.to
    case "Refused":
      return event.principal.startsWith("unsb-pk-") ? event.principal : undefined
    default:
      return "owner" in event ? event.owner : undefined
  }
}
