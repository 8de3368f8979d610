/**
 * Weighs volumes, one after the other, in one gentle process of the host's: looking at a million files is nothing for
 * the server's own loop, and starting a process for each look would cost that loop milliseconds.
 */
import { createInterface } from "node:readline"
import { Effect, Exit, Scope } from "effect"
import { StoreUnavailable } from "./Blobs.js"
import * as Tool from "./Tool.js"
import { type VolumeId, Volumes } from "./Volumes.js"

export interface Weight {
  /** On the disk. */
  readonly bytes: number
  readonly files: number
}

export interface Scales {
  /** Undefined: it could not be counted in time. Fails when it cannot be counted at all. */
  readonly weigh: (id: VolumeId) => Effect.Effect<Weight | undefined, StoreUnavailable>
}

/** A number; `late`, when it was killed for taking too long; or `-`. Files that go while it counts are no reason for that. */
const script = `cd "$0" || exit 1
count() {
  said=$(timeout -s KILL "$1" du -s "$2" -- "$3" 2>/dev/null) || [ $? -ne 137 ] || said=late
  said=\${said%%[!0-9a-z]*}
}
while IFS= read -r id; do
  count "$1" -B1 "$id"
  bytes=$said
  [ "$bytes" = late ] || count "$1" --inodes "$id"
  echo "$id \${bytes:--} \${said:--}"
done`

interface Process {
  readonly ask: (id: VolumeId) => Promise<string>
  readonly scope: Scope.CloseableScope
}

const unavailable = (reason: string) => new StoreUnavailable({ reason })

const started = (root: string, seconds: number) =>
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    const running = yield* Scope.extend(Tool.start(["sh", "-c", script, root, String(seconds)]), scope)
    const lines = createInterface({ input: running.stdout, crlfDelay: Number.POSITIVE_INFINITY })[
      Symbol.asyncIterator
    ]()
    const ask = async (id: VolumeId): Promise<string> => {
      running.stdin.write(`${id}\n`)
      const { done, value } = await lines.next()
      return done === true ? Promise.reject(new Error((await running.ended).said)) : value
    }
    return { ask, scope } satisfies Process
  })

const read = (line: string, id: VolumeId): Effect.Effect<Weight | undefined, StoreUnavailable> => {
  const [of, ...counted] = line.split(" ")
  if (of === id && counted.includes("late")) return Effect.succeed(undefined)
  const [bytes = Number.NaN, files = Number.NaN] = counted.map(Number)
  return of === id && Number.isSafeInteger(bytes) && Number.isSafeInteger(files)
    ? Effect.succeed({ bytes, files })
    : unavailable(`du does not count: ${line}`)
}

/** `seconds`: what counting one may take, twice. */
export const make = (seconds: number): Effect.Effect<Scales, never, Volumes | Scope.Scope> =>
  Effect.gen(function* () {
    const { root } = yield* Volumes
    const one = yield* Effect.makeSemaphore(1)
    let process: Process | undefined

    const stop = Effect.suspend(() => {
      const going = process
      process = undefined
      return going === undefined ? Effect.void : Scope.close(going.scope, Exit.void)
    })

    const there = Effect.suspend(() =>
      process === undefined
        ? Effect.uninterruptible(
            Effect.tap(started(root, seconds), (begun) => {
              process = begun
            })
          )
        : Effect.succeed(process)
    )

    const weigh = (id: VolumeId) =>
      Effect.flatMap(there, ({ ask }) =>
        Effect.tryPromise({ try: () => ask(id), catch: (e) => unavailable(String(e)) })
      ).pipe(
        Effect.timeoutFail({ duration: `${2 * seconds + 10} seconds`, onTimeout: () => unavailable("du hangs") }),
        Effect.flatMap((line) => read(line, id)),
        // An answer that nobody took would be taken for the next one's.
        Effect.onError(() => stop),
        one.withPermits(1)
      )

    yield* Effect.addFinalizer(() => stop)
    return { weigh }
  })
