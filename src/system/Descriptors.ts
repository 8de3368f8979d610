/** How many files and sockets this process may have open, and who of its callers has how many: they cannot use up each other's. */
import { readFileSync } from "node:fs"

/** For what is no caller's line: the log, blobs, tools, pipes to containers. */
const ownPart = 1 / 4
const ownLeast = 256

/** Of the rest: a part, what each connection takes of it, and as many as there may be however much is left. */
const parties = {
  api: { part: 1 / 3, each: 1, most: 8_192 },
  // A line in, and one on to whom it is for.
  proxy: { part: 1 / 3, each: 2, most: 16_384 },
  publicPorts: { part: 1 / 6, each: 2, most: 8_192 },
  egress: { part: 1 / 6, each: 2, most: 4_096 }
} as const

/** Connections that each may have; a session's terminal is one of the API's. */
export type Shares = { readonly [party in keyof typeof parties]: number }

/** `limits` is /proc/self/limits; node has raised the soft limit to the hard one at its start. */
export const shares = (limits: string): Shares => {
  const open = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY)
  const left = open === Number.POSITIVE_INFINITY ? open : open - Math.max(ownLeast, Math.ceil(open * ownPart))
  const share = (party: keyof typeof parties) => {
    const { each, most, part } = parties[party]
    return Math.max(1, Math.min(most, Math.floor((left * part) / each)))
  }
  return {
    api: share("api"),
    proxy: share("proxy"),
    publicPorts: share("publicPorts"),
    egress: share("egress")
  }
}

/** To be read once: a limit that changes later is not followed. */
export const here = (): Shares => {
  try {
    return shares(readFileSync("/proc/self/limits", "utf8"))
  } catch {
    return shares("")
  }
}
