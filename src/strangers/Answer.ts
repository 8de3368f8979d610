/** An answer as a stranger wrote it. Node reads more than it writes, and where it refuses to write it throws: outside of any promise. */
import type { IncomingMessage } from "node:http"

/** All that a reason phrase may be made of (RFC 9112, 4). */
const PHRASE = /^[\t\x20-\x7e\x80-\xff]*$/
const CHUNKED = /(^|,)\s*chunked\s*$/i
const IDENTITY = /^\s*identity\s*$/i

/** The body comes without its framing, and gets a new one. False: it is coded in a way that nobody was asked for. */
const frames = ({ headers }: IncomingMessage): boolean => {
  const coding = headers["transfer-encoding"]
  if (coding === undefined || CHUNKED.test(coding)) return true
  headers["transfer-encoding"] = undefined
  return IDENTITY.test(coding)
}

/** Leaves out what must not be said to somebody else. False: nothing of it may be. */
export const passes = (answer: IncomingMessage): boolean => {
  const { headers, statusCode = 0, statusMessage = "" } = answer
  // Those below 200 are no answers; one of them, 101, would have its reader wait for what never comes.
  if (statusCode < 200 || statusCode > 999 || !frames(answer)) return false
  if (!PHRASE.test(statusMessage)) answer.statusMessage = ""
  // Trailers are not carried, and announced before a body of known length they are refused.
  if (headers.trailer !== undefined) headers.trailer = undefined
  // Each hop says its own.
  answer.httpVersion = "1.1"
  return true
}
