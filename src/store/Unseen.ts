/**
 * Files that programs keep open and that have no name any more: no walk through a volume finds them, and they take its
 * disk all the same.
 */
import { readFile, stat } from "node:fs/promises"
import { Effect } from "effect"
import { StoreUnavailable } from "./Blobs.js"
import * as Tool from "./Tool.js"
import { Volumes } from "./Volumes.js"

/** Open files, and those that are only mapped, on that device; each once, the largest first, as many as fit in what is read. */
const LARGEST = `timeout -s KILL 50 find -L /proc/[0-9]*/fd /proc/[0-9]*/map_files -mindepth 1 -maxdepth 1 -type f -links 0 \\
    -printf '%D %i %b %h\\n' 2>/dev/null |
  awk -v device="$0" '$1 == device' | sort -u -n -k2,2 | sort -n -r -k3,3 | head -n 1000`
const BLOCK = 512

interface Found {
  readonly pid: string
  readonly bytes: number
}

const parse = (text: string): ReadonlyArray<Found> =>
  text.split("\n").flatMap((line) => {
    const [, blocks, pid] = /^\d+ \d+ (\d+) \/proc\/(\d+)\//.exec(line) ?? []
    return pid === undefined ? [] : [{ pid, bytes: Number(blocks) * BLOCK }]
  })

/** Its mounts say whose volume a process is on; one that has ended is on none. */
const volumeOf = async (pid: string): Promise<string | undefined> => {
  const mounts = await readFile(`/proc/${pid}/mountinfo`, "utf8").catch(() => "")
  return /\/volumes\/(unsb-(?:session|service)-[0-9a-f]+)\/home /.exec(mounts)?.[1]
}

const total = async (found: ReadonlyArray<Found>): Promise<Unseen> => {
  const volumes = new Map<string, string | undefined>()
  for (const { pid } of found) if (!volumes.has(pid)) volumes.set(pid, await volumeOf(pid))
  const bytes = new Map<string, number>()
  for (const one of found) {
    const volume = volumes.get(one.pid)
    if (volume !== undefined) bytes.set(volume, (bytes.get(volume) ?? 0) + one.bytes)
  }
  return bytes
}

/** Bytes of each volume that has some, by its id. */
export type Unseen = ReadonlyMap<string, number>

const disk = <A>(body: () => Promise<A>) =>
  Effect.tryPromise({ try: body, catch: (error) => new StoreUnavailable({ reason: String(error) }) })

export const make = Effect.map(Volumes, ({ root }) =>
  Effect.gen(function* () {
    const { dev } = yield* disk(() => stat(root))
    const text = yield* Tool.run(["sh", "-c", LARGEST, String(dev)], "1 minutes")
    return yield* disk(() => total(parse(text)))
  }).pipe(Effect.catchTag("ToolFailed", ({ message }) => new StoreUnavailable({ reason: message })))
)
