/** The name that a visitor used: out of a Host header, into the one form in which names are kept. */
import type { IncomingMessage } from "node:http"
import * as RawHeaders from "./RawHeaders.js"

const longest = 253
const label = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/

const read = (header: string | undefined): string | undefined => {
  if (header === undefined) return undefined
  const name = header
    .toLowerCase()
    .replace(/:\d{1,5}$/, "")
    .replace(/\.$/, "")
  if (name.length === 0 || name.length > longest) return undefined
  const labels = name.split(".")
  // A last label of digits alone is an address, never a name.
  return labels.every((one) => label.test(one)) && !/^\d+$/.test(labels.at(-1) ?? "") ? name : undefined
}

/** Undefined: it names nobody, or more than one. */
export const of = ({ rawHeaders, url = "/" }: IncomingMessage): string | undefined => {
  const named = RawHeaders.valuesOf(rawHeaders, "host")
  // `http://host/path`, as to a proxy, may say something else than the header.
  return named.length === 1 && url.startsWith("/") ? read(named[0]) : undefined
}
