/** Where the spawner of one instance is found: a directory with its two sockets and its last words. */
import { constants } from "node:fs"
import { type FileHandle, mkdir, open, rm } from "node:fs/promises"
import { join } from "node:path"
import { Effect, type Scope } from "effect"
import { SubstrateLost } from "../Substrate.js"

/** What may have been said before: more of it is forgotten when the next spawner starts. */
const SAID_MAX = 256 * 1024
const TAIL = 64 * 1024

export interface Place {
  readonly directory: string
  /** Names of the sockets in the directory. */
  readonly control: string
  readonly dial: string
  /** A path of any of its files that fits into a socket's address, however deep the directory lies. */
  readonly near: (name: string) => string
  /** Takes a spawner's words; whoever writes there needs nobody who reads. */
  readonly words: FileHandle
  /** How much had been said when we came. */
  readonly before: number
  readonly log: string
}

const attempt = <A>(what: string, run: () => Promise<A>) =>
  Effect.tryPromise({ try: run, catch: (cause) => new SubstrateLost({ reason: `${what}: ${String(cause)}` }) })

const held = (path: string, flags: number) =>
  Effect.acquireRelease(
    attempt(path, () => open(path, flags, 0o600)),
    (handle) => Effect.promise(() => handle.close())
  )

export const find = (directory: string, instance: string): Effect.Effect<Place, SubstrateLost, Scope.Scope> =>
  Effect.gen(function* () {
    yield* attempt(directory, () => mkdir(directory, { recursive: true, mode: 0o700 }))
    const { fd } = yield* held(directory, constants.O_RDONLY | constants.O_DIRECTORY)
    const path = join(directory, `spawner-${instance}.log`)
    const words = yield* held(path, constants.O_RDWR | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW)
    const size = yield* attempt(path, () => words.stat().then((of) => of.size))
    if (size > SAID_MAX) yield* attempt(path, () => words.truncate(0))
    return {
      directory,
      control: `control-${instance}`,
      dial: `dial-${instance}`,
      near: (name) => `/proc/self/fd/${fd}/${name}`,
      words,
      before: size > SAID_MAX ? 0 : size,
      log: path
    }
  })

/** What was said since we came, its end if that is long. */
export const said = ({ before, words }: Place): Effect.Effect<string> =>
  Effect.promise(async () => {
    const { size } = await words.stat()
    const from = Math.max(before, size - TAIL)
    const buffer = Buffer.alloc(Math.max(0, size - from))
    const { bytesRead } = await words.read(buffer, 0, buffer.length, from)
    return buffer.toString("utf8", 0, bytesRead).trim()
  }).pipe(Effect.catchAllDefect(() => Effect.succeed("")))

/** Nobody is left who could say anything. */
export const forget = ({ log }: Place): Effect.Effect<void> => Effect.promise(() => rm(log, { force: true }))
