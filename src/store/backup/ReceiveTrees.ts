/** The trees of a backup as they come: each is put in its place, unless its writer takes it back. */
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { Effect, Exit } from "effect"
import { type BackupRefused, damaged, failed } from "./BackupRefused.js"
import * as Hold from "./Hold.js"
import * as Inventory from "./Inventory.js"
import type { End, Manifest } from "./Manifest.js"
import * as Members from "./Members.js"
import type { Opened } from "./Opening.js"
import type { Into } from "./Place.js"
import type { Progress } from "./Summary.js"
import * as Trees from "./Trees.js"

interface Taken {
  readonly tree: End["trees"][number]
  readonly directory: string
  /** Whether all of it could be put there. */
  readonly exit: Exit.Exit<boolean, BackupRefused>
}

/** By the name of its member, which kinds of names there are. */
const placeOf = (member: string, { trees, volumes }: Manifest, directory: string): string | undefined => {
  const [kind, name = ""] = [member.split("/")[0], member.slice(member.indexOf("/") + 1)]
  if (kind === "trees") return trees.includes(name) && Inventory.isTree(name) ? join(directory, name) : undefined
  if (kind !== "volumes") return undefined
  return volumes?.includes(name) === true && Inventory.isVolume(name) ? join(directory, kind, name) : undefined
}

const filled = (directory: string, keep: boolean, content: AsyncIterable<Uint8Array>) =>
  keep
    ? Effect.try({
        try: () => void mkdirSync(directory, { recursive: true, mode: 0o700 }),
        catch: failed
      }).pipe(Effect.zipRight(Trees.unpacked(directory, content)))
    : Effect.filterOrFail(
        Trees.listed(content),
        (whole) => whole,
        () => damaged(`${directory} is no tar`)
      )

const take = (opened: Opened, member: string, directory: string, keep: boolean, progress: Progress) =>
  Effect.gen(function* () {
    const content = yield* opened.take(member)
    const { through, weighed } = Members.weighing(progress.bytes)
    // What was taken back may be no whole tar: whether that matters is known with the next member.
    const exit = yield* Effect.exit(filled(directory, keep, through(content)))
    return { tree: { member, ...weighed() }, directory, exit } satisfies Taken
  })

const passed = (content: AsyncIterable<Uint8Array>) =>
  Effect.tryPromise({
    try: async () => {
      for await (const _ of content);
    },
    catch: failed
  })

/** Resolves before the member that is none of a tree. */
export const receive = Effect.fnUntraced(function* (
  opened: Opened,
  manifest: Manifest,
  { directory, keep }: Into,
  progress: Progress
): Effect.fn.Return<
  { readonly trees: End["trees"]; readonly volumes: number; readonly incomplete: ReadonlyArray<string> },
  BackupRefused
> {
  const taken = new Map<string, Taken>()
  let last: Taken | undefined
  while (true) {
    const member = yield* opened.peek
    const place = member === undefined ? undefined : placeOf(member.name, manifest, directory)
    if (member?.name === Members.WITHDRAWN && last !== undefined) {
      yield* passed(yield* opened.take(Members.WITHDRAWN))
      yield* Hold.erase(last.directory)
      last = undefined
      continue
    }
    if (last !== undefined) {
      yield* last.exit
      taken.set(last.tree.member, last)
    }
    if (member === undefined || place === undefined || taken.has(member.name)) break
    last = yield* take(opened, member.name, place, keep, progress)
  }
  const all = [...taken.values()]
  return {
    trees: all.map(({ tree }) => tree),
    volumes: all.filter(({ tree }) => tree.member.startsWith("volumes/")).length,
    incomplete: all.filter(({ exit }) => Exit.isSuccess(exit) && !exit.value).map(({ tree }) => tree.member)
  }
})
