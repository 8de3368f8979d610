/** Recordings of terminals while they are made: one bounded file each, which outlives the process that writes it. */
import { mkdirSync, readdirSync } from "node:fs"
import { type FileHandle, open, readFile, rm } from "node:fs/promises"
import { join } from "node:path"
import { StringDecoder } from "node:string_decoder"
import { Clock, Context, Effect, Layer, Option } from "effect"
import type { SessionId } from "../../events/Ids.js"
import { Database } from "../log/Database.js"
import * as Asciicast from "./Asciicast.js"
import { StoreUnavailable } from "./Blobs.js"

export interface Recording {
  /** Resolves when it may take more; what it took before a failure is kept. Beyond its bound nothing more is recorded, and it says so. */
  readonly output: (bytes: Uint8Array) => Effect.Effect<void, StoreUnavailable>
  readonly input: (bytes: Uint8Array) => Effect.Effect<void, StoreUnavailable>
  readonly resize: (columns: number, rows: number) => Effect.Effect<void, StoreUnavailable>
  /** Resolves when all of it is in the file. Nothing is taken after that. */
  readonly close: (status: number | null) => Effect.Effect<void, StoreUnavailable>
}

export class Recordings extends Context.Tag("store/Recordings")<
  Recordings,
  {
    /** Goes on with the file that is there, if one is. */
    readonly open: (session: SessionId, header: Asciicast.Header) => Effect.Effect<Recording, StoreUnavailable>
    /** What there is of it so far. */
    readonly read: (session: SessionId) => Effect.Effect<Option.Option<Uint8Array>, StoreUnavailable>
    readonly remove: (session: SessionId) => Effect.Effect<void, StoreUnavailable>
    /** Names of all that are there. */
    readonly names: Effect.Effect<ReadonlyArray<string>, StoreUnavailable>
  }
>() {}

/** It is given back whole, in one answer. */
export const RECORDING_BYTES = 8 * 1024 * 1024
/** Lines that wait for the disk; beyond it the terminal waits. */
const WAITING = 256 * 1024
const SUFFIX = ".cast"

const unavailable = (error: unknown) =>
  new StoreUnavailable({ reason: error instanceof Error ? error.message : String(error) })

const disk = <A>(body: () => Promise<A>): Effect.Effect<A, StoreUnavailable> =>
  Effect.uninterruptible(Effect.tryPromise({ try: body, catch: unavailable }))

/** Lines are joined while one write is under way, so that a burst of output is few writes. */
class Writing {
  private waiting = ""
  private writing: Promise<void> | undefined
  private failure: unknown
  private full: boolean

  constructor(
    private readonly file: FileHandle,
    private size: number
  ) {
    this.full = size >= RECORDING_BYTES
  }

  put(line: string, otherwise: string): void {
    if (this.full || this.failure !== undefined) return
    this.size += Buffer.byteLength(line)
    this.full = this.size > RECORDING_BYTES
    this.waiting += this.full ? otherwise : line
    this.writing ??= this.write()
  }

  get busy(): boolean {
    return this.waiting.length > WAITING
  }

  /** Resolves when all is written; rejects when something could not be. */
  async settle(): Promise<void> {
    while (this.writing !== undefined) await this.writing
    if (this.failure !== undefined) throw this.failure
  }

  check(): void {
    if (this.failure !== undefined) throw this.failure
  }

  private async write(): Promise<void> {
    try {
      while (this.waiting !== "") {
        const lines = this.waiting
        this.waiting = ""
        await this.file.appendFile(lines)
      }
    } catch (error) {
      this.failure = error
    } finally {
      this.writing = undefined
    }
  }
}

const recording = (file: FileHandle, writing: Writing, from: number): Recording => {
  const shown = new StringDecoder("utf8")
  const typed = new StringDecoder("utf8")
  let last = from
  let closed = false

  const put = (kind: Asciicast.Kind, data: string) =>
    Effect.flatMap(Clock.currentTimeNanos, (nanos) => {
      if (closed || data === "") return Effect.void
      const now = Number(nanos) / 1e9
      const line = Asciicast.event(Math.max(0, now - last), kind, data)
      writing.put(line, Asciicast.event(Math.max(0, now - last), "m", "recording full"))
      last = now
      return writing.busy
        ? disk(() => writing.settle())
        : Effect.try({ try: () => writing.check(), catch: unavailable })
    })

  const text = (decoder: StringDecoder, bytes: Uint8Array) =>
    decoder.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))

  return {
    output: (bytes) => Effect.suspend(() => put("o", text(shown, bytes))),
    input: (bytes) => Effect.suspend(() => put("i", text(typed, bytes))),
    resize: (columns, rows) => put("r", `${columns}x${rows}`),
    close: (status) =>
      Effect.zipRight(
        status === null ? Effect.void : put("x", String(status)),
        disk(async () => {
          if (closed) return
          closed = true
          await writing.settle().finally(() => file.close())
        })
      )
  }
}

const make = Effect.gen(function* () {
  const { data } = yield* Database
  const root = join(data, "recordings")
  yield* Effect.try({ try: () => mkdirSync(root, { recursive: true, mode: 0o700 }), catch: unavailable })
  const path = (session: SessionId) => join(root, `${session}${SUFFIX}`)

  const begin = (session: SessionId, header: Asciicast.Header) =>
    Effect.gen(function* () {
      const { file, size } = yield* disk(async () => {
        const file = await open(path(session), "a", 0o600)
        return { file, size: (await file.stat()).size }
      })
      const writing = new Writing(file, size)
      const now = Number(yield* Clock.currentTimeNanos) / 1e9
      if (size === 0) writing.put(Asciicast.header(header), "")
      else writing.put(Asciicast.event(0, "m", "resumed"), "")
      return recording(file, writing, now)
    })

  return Recordings.of({
    open: begin,
    read: (session) =>
      disk(() =>
        readFile(path(session)).then(Option.some<Uint8Array>, (error: NodeJS.ErrnoException) => {
          if (error.code === "ENOENT") return Option.none<Uint8Array>()
          throw error
        })
      ),
    remove: (session) => disk(() => rm(path(session), { force: true })),
    names: disk(async () =>
      readdirSync(root).flatMap((name) => (name.endsWith(SUFFIX) ? [name.slice(0, -SUFFIX.length)] : []))
    )
  })
})

export const layer = Layer.effect(Recordings, make)
