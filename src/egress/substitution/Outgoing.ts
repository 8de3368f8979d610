/** A request as it is to leave for a host that something is marked for, and what is to be told of that. */
import type { IncomingMessage } from "node:http"
import type { Tiding } from "../../../actors/egress/Substitutes.js"
import type { Body } from "./Body.js"
import type { Going } from "./Going.js"
import * as Head from "./Head.js"
import { Rewriting } from "./Rewriting.js"
import { Scrubbing } from "./Scrubbing.js"

/** As the container wrote it. */
interface Incoming {
  readonly request: IncomingMessage
  /** What stands after the host. */
  readonly path: string
  /** The host, as it is to be called. */
  readonly authority: string
  readonly body: Body
  /** It asks for another protocol. */
  readonly upgrades: boolean
}

export interface Outgoing {
  readonly method: string
  readonly path: string
  readonly head: string[]
  readonly body: Body
  /** For its answer. */
  readonly scrubbing: Scrubbing
  readonly tidings: ReadonlyArray<Tiding>
}

const BODILESS = new Set(["GET", "HEAD", "OPTIONS", "DELETE", "TRACE"])

/** How long it says that its body is. */
const framing = ({ headers, method = "" }: IncomingMessage, { bytes, whole }: Body) => {
  if (whole) return bytes.length > 0 || !BODILESS.has(method) ? [["Content-Length", String(bytes.length)] as const] : []
  const length = headers["content-length"]
  return [length === undefined ? (["Transfer-Encoding", "chunked"] as const) : (["Content-Length", length] as const)]
}

/** A body that is not held whole goes as it came. */
const bodyOf = ({ body, request: { headers } }: Incoming, rewriting: Rewriting): Body =>
  body.whole
    ? { bytes: rewriting.body(body.bytes, headers["content-type"], headers["content-encoding"]), whole: true }
    : body

/** Those for other hosts, whose placeholders it names. */
const withheld = ({ others }: Going, { body, path, request }: Incoming): ReadonlyArray<Tiding> => {
  if (others.length === 0) return []
  const text = [path, ...request.rawHeaders, body.bytes.toString("latin1")].join("\n")
  return others
    .filter(({ placeholder }) => text.includes(placeholder))
    .map(({ variable }) => ({ _tag: "Withheld", variable }))
}

export const make = (going: Going, incoming: Incoming): Outgoing => {
  const { authority, path, request, upgrades } = incoming
  const rewriting = new Rewriting(going.swaps)
  const body = bodyOf(incoming, rewriting)
  const head = upgrades
    ? Head.upgrade(request, authority, rewriting)
    : Head.request(request, authority, rewriting, ...framing(request, body))
  const target = rewriting.target(path)
  const put = [...rewriting.used].map(({ mark, variable }): Tiding => ({ _tag: "Substituted", variable, mark }))
  return {
    ...{ method: request.method ?? "GET", path: target, head, body },
    scrubbing: new Scrubbing(going.swaps, rewriting.sent),
    tidings: [...put, ...withheld(going, incoming)]
  }
}
