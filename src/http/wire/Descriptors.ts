/** How many files and sockets this process may have open: what bounds its connections before anything else does. */
import { readFileSync } from "node:fs"

/** For what is no caller's line: the log, blobs, pipes to containers, lines into them. */
const ownPart = 1 / 4
const ownLeast = 256

/** `limits` is /proc/self/limits; node has raised the soft limit to the hard one at its start. */
export const connections = (limits: string): number => {
  const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1]
  if (soft === undefined) return Number.POSITIVE_INFINITY
  const open = Number(soft)
  return Math.max(1, open - Math.max(ownLeast, Math.ceil(open * ownPart)))
}

/** Read once: a limit that changes later is not followed. */
export const here = (): number => {
  try {
    return connections(readFileSync("/proc/self/limits", "utf8"))
  } catch {
    return Number.POSITIVE_INFINITY
  }
}
