/** A directory tree as a tar of its own and back: owners, modes, holes, links and a tenant's own attributes, made by GNU tar. */
import { lstatSync, statfsSync } from "node:fs"
import { geteuid } from "node:process"
import { Effect, type Scope } from "effect"
import * as TarNames from "../TarNames.js"
import * as Tool from "../Tool.js"
import { BackupRefused, failed } from "./BackupRefused.js"

const asRoot = (): boolean => geteuid?.() === 0

/** No network and no other process: it reads what tenants wrote. */
const enclosed = (): ReadonlyArray<string> => [
  "unshare",
  ...(asRoot() ? [] : ["--user", "--map-root-user"]),
  ...["--pid", "--fork", "--kill-child=KILL", "--net", "--ipc"]
]

const attributes = ["--xattrs", "--xattrs-include=user.*", "--no-acls", "--no-selinux"]

const pack = (directory: string): ReadonlyArray<string> => [
  ...enclosed(),
  "tar",
  ...[
    "--create",
    "--file=-",
    "--format=posix",
    "--numeric-owner",
    "--sparse",
    "--hole-detection=seek",
    "--one-file-system"
  ],
  ...attributes,
  `--directory=${directory}`,
  "--",
  "."
]

const unpack = (directory: string): ReadonlyArray<string> => [
  ...enclosed(),
  "tar",
  ...["--extract", "--file=-", "--same-permissions", "--numeric-owner", "--delay-directory-restore"],
  asRoot() ? "--same-owner" : "--no-same-owner",
  ...attributes,
  `--directory=${directory}`
]

const list = (): ReadonlyArray<string> => [...enclosed(), "tar", "--list", "--file=-"]

/** Which directory it is: another one under the same name is another. */
const identity = (directory: string): string | undefined => {
  const found = lstatSync(directory, { throwIfNoEntry: false })
  return found?.isDirectory() === true ? `${found.dev}:${found.ino}` : undefined
}

interface Packed<A> {
  readonly read: A
  /** False: the tree was gone before its end. */
  readonly whole: boolean
}

/** Undefined: there is no such tree, and nothing was read. */
export const packed = <A>(
  directory: string,
  read: (source: AsyncIterable<Uint8Array>) => Effect.Effect<A, BackupRefused>
): Effect.Effect<Packed<A> | undefined, BackupRefused> =>
  Effect.gen(function* () {
    const before = identity(directory)
    if (before === undefined) return undefined
    const tar = yield* Tool.start(pack(directory))
    tar.stdin.end()
    const found = yield* read(tar.stdout)
    const { code, said } = yield* Effect.promise(() => tar.ended)
    if (identity(directory) !== before) return { read: found, whole: false }
    // 1: some files were not the same before and after; they are as they were read.
    if (code === 0 || code === 1) return { read: found, whole: true }
    return yield* failed(new Error(`${directory} cannot be read: ${said}`))
  }).pipe(Effect.scoped)

const isFull = (directory: string): boolean => {
  const { bavail, ffree, files } = statfsSync(directory)
  return bavail < 256 || (files > 0 && ffree < 16)
}

/** Of what is kept of tar's words, names that no path holds fill the first line, or all of it. */
const tooLong = (said: string): boolean => {
  const [first = "", ...rest] = said.split("\n")
  if (first.length > 1_000) return true
  return [first, ...rest].every((line) => /File name too long$|Exiting with failure status/.test(line))
}

const fed = Effect.fnUntraced(function* (
  argv: ReadonlyArray<string>,
  content: AsyncIterable<Uint8Array>
): Effect.fn.Return<Tool.Ended, BackupRefused, Scope.Scope> {
  const tar = yield* Tool.start(argv)
  tar.stdout.resume()
  yield* Effect.tryPromise({ try: () => Tool.feed(tar.stdin)(content), catch: failed })
  return yield* Effect.promise(() => tar.ended)
})

/**
 * Fills an empty directory. False: not all of it could be put there, because a tenant's own names are longer than any path may
 * be; the rest is.
 */
export const unpacked = (
  directory: string,
  content: AsyncIterable<Uint8Array>
): Effect.Effect<boolean, BackupRefused> =>
  Effect.gen(function* () {
    const names = TarNames.watching()
    const { code, said } = yield* fed(unpack(directory), names.through(content))
    if (code === 0) return !names.found()
    const room = yield* Effect.try({ try: () => !isFull(directory), catch: failed })
    if (code === 2 && room && tooLong(said)) return false
    return yield* new BackupRefused({ code: "failed", message: `${directory} cannot be filled: ${said}` })
  }).pipe(Effect.scoped)

/** It is a whole tar. */
export const listed = (content: AsyncIterable<Uint8Array>): Effect.Effect<boolean, BackupRefused> =>
  Effect.scoped(Effect.map(fed(list(), content), ({ code }) => code === 0))
