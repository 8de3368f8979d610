/** The regular files below a directory, taken out of a container whose other processes were killed. */
import { Effect } from "effect"
import { type Collected, type SubstrateError, SubstrateFailed } from "../Substrate.js"
import { Accumulator } from "./Accumulator.js"
import * as Bounds from "./Bounds.js"
import type { Channel } from "./Channel.js"
import type { Sink } from "./Execs.js"
import { Malformed } from "./Reader.js"
import type { Exit, Piece } from "./Reply.js"

interface CollectBounds {
  readonly files: number
  readonly bytes: number
  readonly exclude: ReadonlyArray<string>
}

type Resume = (outcome: Effect.Effect<Collected, SubstrateError>) => void

const COLLECT_MILLIS = 30_000

class Collecting implements Sink {
  exec = 0
  private readonly files: Array<Collected["files"][number]> = []
  private open: { readonly path: string | undefined; readonly content: Accumulator } | undefined
  private bytes = 0
  private count = 0
  private nameless = false
  private readonly timer: NodeJS.Timeout

  constructor(
    private readonly channel: Channel,
    private readonly bounds: CollectBounds,
    private readonly resume: Resume
  ) {
    const message = `the files were not there in ${COLLECT_MILLIS} ms`
    this.timer = setTimeout(() => {
      channel.forget(this.exec)
      this.failed(new SubstrateFailed({ stage: "collect", errno: 110, message }))
    }, COLLECT_MILLIS)
  }

  begin(directory: string): void {
    const { bytes, exclude, files } = this.bounds
    const request = (exec: number) => ({ _tag: "Collect", exec, directory, files, bytes, exclude }) as const
    this.exec = this.channel.open(this, request, false) ?? 0
  }

  out(): void {
    throw new Malformed("output of a collection")
  }

  file({ bytes, last, mode, path }: Piece): void {
    this.bytes += bytes.length
    if (this.open === undefined) {
      this.count += 1
      this.open = { path, content: new Accumulator(bytes) }
    } else {
      if (this.open.path !== path) throw new Malformed("two files at once")
      this.open.content.append(bytes)
    }
    if (this.bytes > this.bounds.bytes || this.count > this.bounds.files) throw new Malformed("more than was asked for")
    if (!last) return
    if (path === undefined) this.nameless = true
    else this.files.push({ path, mode, content: this.open.content.bytes })
    this.open = undefined
  }

  exit({ code, how }: Exit): void {
    if (this.open !== undefined && how === "exited") throw new Malformed("half a file")
    clearTimeout(this.timer)
    const ended = new SubstrateFailed({ stage: "collect", errno: 3, message: "the container is gone" })
    const collected = { files: this.files, complete: code === 0 && !this.nameless }
    this.resume(how === "exited" ? Effect.succeed(collected) : Effect.fail(ended))
  }

  failed(error: SubstrateError): void {
    clearTimeout(this.timer)
    this.resume(Effect.fail(error))
  }

  forget(): void {
    clearTimeout(this.timer)
    this.channel.forget(this.exec)
  }
}

export const collect = (
  channel: Channel,
  directory: string,
  bounds: CollectBounds
): Effect.Effect<Collected, SubstrateError> =>
  Effect.async((resume) => {
    const refused = channel.end ?? Bounds.collect(directory, bounds)
    if (refused !== undefined) return resume(Effect.fail(refused))
    const collecting = new Collecting(channel, bounds, resume)
    collecting.begin(directory)
    return Effect.sync(() => collecting.forget())
  })
