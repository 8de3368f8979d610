/** The heads of a request with values and of its answer: as written, but for what is put in or taken out. */
import type { IncomingMessage } from "node:http"
import * as Hops from "../Hops.js"
import type { Rewriting } from "./Rewriting.js"
import type { Scrubbing } from "./Scrubbing.js"

/** Names and values in turn, as `node:http` takes them. */
type Flat = ReadonlyArray<string>

type Pair = readonly [name: string, value: string]

const pairsOf = (raw: Flat): ReadonlyArray<Pair> =>
  raw.flatMap((name, at) => (at % 2 === 0 ? [[name, raw[at + 1] ?? ""] as const] : []))

const without = (pairs: ReadonlyArray<Pair>, names: ReadonlySet<string>): ReadonlyArray<Pair> =>
  pairs.filter(([name]) => !names.has(name.toLowerCase()))

const flat = (pairs: ReadonlyArray<Pair>): string[] => pairs.flat()

/** Said by the proxy itself, for what it sends. */
const OURS = ["host", "accept-encoding", "content-length", "transfer-encoding"]

/** A value that comes back a part at a time is not known again. */
const PARTS = ["range", "if-range"]

const passing = ({ headers }: IncomingMessage): ReadonlySet<string> =>
  Hops.namesOf(headers.connection, String(headers["proxy-connection"] ?? ""))

/** An answer that is compressed could not be looked through. */
const plain: Pair = ["Accept-Encoding", "identity"]

/** `framing`: how long the body is. */
export const request = (
  asked: IncomingMessage,
  host: string,
  rewriting: Rewriting,
  ...framing: ReadonlyArray<Pair>
) => {
  const kept = without(pairsOf(asked.rawHeaders), new Set([...passing(asked), ...OURS, ...PARTS]))
  const rewritten = kept.map(([name, value]) => [name, rewriting.header(value)] as const)
  return flat([["Host", host], ...rewritten, plain, ...framing, ["Connection", "close"]])
}

/** To another protocol, which has no body before it begins. */
export const upgrade = (asked: IncomingMessage, host: string, rewriting: Rewriting): string[] => {
  const kept = without(pairsOf(asked.rawHeaders), new Set([...passing(asked), ...OURS, ...PARTS]))
  const rewritten = kept.map(([name, value]) => [name, rewriting.header(value)] as const)
  return flat([["Host", host], ...rewritten, ["Connection", "Upgrade"], ["Upgrade", asked.headers.upgrade ?? ""]])
}

/** Names are the same in any case, so one with a value in it, however written, is left out whole. */
const clean = (pairs: ReadonlyArray<Pair>, scrubbing: Scrubbing): ReadonlyArray<Pair> =>
  pairs.flatMap(([name, value]) => (scrubbing.isIn(name) ? [] : [[name, scrubbing.text(value)] as const]))

/** Its length is known only once it is scrubbed. */
const UNKNOWN = ["content-length", "transfer-encoding"]

const answer = (given: IncomingMessage, scrubbing: Scrubbing, dropped: ReadonlyArray<string>): string[] => {
  const kept = without(pairsOf(given.rawHeaders), new Set([...passing(given), ...dropped]))
  return flat([...clean(kept, scrubbing), ["Connection", "close"]])
}

export const scrubbed = (given: IncomingMessage, scrubbing: Scrubbing): string[] =>
  answer(given, scrubbing, [...UNKNOWN, "content-encoding"])

/** Of an answer without a body. */
export const bare = (given: IncomingMessage, scrubbing: Scrubbing): string[] =>
  answer(given, scrubbing, ["transfer-encoding"])

export const switching = (given: IncomingMessage, scrubbing: Scrubbing): string => {
  const lines = clean(pairsOf(given.rawHeaders), scrubbing).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 101 Switching Protocols\r\n${lines.join("")}\r\n`
}
