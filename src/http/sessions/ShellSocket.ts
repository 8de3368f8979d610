/** One WebSocket at a session's terminal: what is typed goes in, what is shown comes out, no faster than either side reads. */
import { Deferred, Effect, FiberId, Option } from "effect"
import type { RawData, WebSocket } from "ws"
import type { Connection, Parting } from "../../../actors/session/Sessions.js"
import * as Json from "../Json.js"

/** What was typed and is not taken yet; beyond it nothing more is read off the line. */
const TYPED = 64 * 1024
/** What any of it costs beside its bytes: frames without a byte, and changes of size, are bounded by it too. */
const APIECE = 64
/** No text that means something is longer; what is, is not looked at. */
const LONGEST_TEXT = 1_024
const AGAIN = "10 millis"
const PING = "20 seconds"
/** Nothing was heard for so long: nobody is there. */
const SILENT = 3
const CLOSES_WITHIN = "2 seconds"

/** Between two looks at its owner's key. */
const LOOK = "1 second"

/** 1008: its owner may not any more. 1012: the server restarts. */
const codes = { done: 1000, policy: 1008, restart: 1012 }

interface Options {
  /** Asked again and again: is its owner's key good? */
  readonly allowed: Effect.Effect<boolean>
  /** The client asked for what it had missed, and where that begins. */
  readonly tellsOffset: boolean
}

const partingText = (parting: Parting): string => {
  switch (parting._tag) {
    case "Exited":
      return JSON.stringify({ type: "exit", code: parting.code })
    case "Detached":
      return JSON.stringify({ type: "detached", reason: parting.why })
    case "Gone":
      return JSON.stringify({ type: "exit", reason: parting.why })
  }
}

/** Resolves when the line has taken it: until then nothing more of the terminal is asked for. */
const send = (socket: WebSocket, data: Uint8Array | string): Effect.Effect<void> =>
  Effect.async((resume) => {
    socket.send(data, { binary: typeof data !== "string" }, () => resume(Effect.void))
  })

const shown = (socket: WebSocket, { read }: Connection): Effect.Effect<void> =>
  Effect.gen(function* () {
    let got = yield* read
    while (got instanceof Uint8Array) {
      yield* send(socket, got)
      got = yield* read
    }
    yield* send(socket, partingText(got))
  })

interface Resize {
  readonly columns: number
  readonly rows: number
}

/** Of texts only this one means anything; others may come from newer clients. */
const resizeOf = (data: Buffer): Resize | undefined => {
  if (data.length > LONGEST_TEXT) return undefined
  const text = data.toString()
  const value = Option.getOrUndefined(Option.getRight(Json.parse(text)))
  if (typeof value !== "object" || value === null || Reflect.get(value, "type") !== "resize") return undefined
  const [columns, rows] = [Reflect.get(value, "cols"), Reflect.get(value, "rows")]
  return typeof columns === "number" && typeof rows === "number" ? { columns, rows } : undefined
}

const bytesOf = (data: RawData): Buffer => {
  if (Array.isArray(data)) return Buffer.concat(data)
  return data instanceof ArrayBuffer ? Buffer.from(data) : data
}

const weightOf = (item: Buffer | Resize): number => APIECE + (item instanceof Buffer ? item.length : 0)

/** What comes in, in order, while it is being taken. */
class Incoming {
  private readonly waiting: Array<Buffer | Resize> = []
  private weight = 0
  private wake: (() => void) | undefined
  /** Pings that were not answered, by this or anything else. */
  silence = 0
  readonly closed = Deferred.unsafeMake<void>(FiberId.none)

  constructor(private readonly socket: WebSocket) {
    socket.on("message", (data, isBinary) => this.came(bytesOf(data), isBinary))
    socket.on("pong", () => this.heard())
    socket.on("close", () => Deferred.unsafeDone(this.closed, Effect.void))
    // The close that follows says all there is to say.
    socket.on("error", () => {})
  }

  get held(): boolean {
    return this.socket.isPaused
  }

  readonly next: Effect.Effect<Buffer | Resize> = Effect.async((resume) => {
    const take = () => {
      const first = this.waiting.shift()
      if (first === undefined) return
      this.wake = undefined
      this.weight -= weightOf(first)
      if (this.held && this.weight < TYPED) this.socket.resume()
      resume(Effect.succeed(first))
    }
    this.wake = take
    take()
    return Effect.sync(() => {
      this.wake = undefined
    })
  })

  private heard(): void {
    this.silence = 0
  }

  private came(data: Buffer, isBinary: boolean): void {
    this.heard()
    const item = isBinary ? data : resizeOf(data)
    if (item === undefined) return
    this.waiting.push(item)
    this.weight += weightOf(item)
    if (this.weight >= TYPED) this.socket.pause()
    this.wake?.()
  }
}

const typed = (incoming: Incoming, connection: Connection): Effect.Effect<never> =>
  Effect.forever(
    Effect.flatMap(incoming.next, (item) => {
      if ("columns" in item) return connection.resize(item.columns, item.rows)
      const tried = Effect.flatMap(connection.write(item), (taken) =>
        taken ? Effect.succeed(true) : Effect.as(Effect.sleep(AGAIN), false)
      )
      return Effect.repeat(tried, { until: (taken) => taken })
    })
  )

/** Resolves when the other side has been silent for too long; it is not blamed while nothing is read from it. */
const deserted = (socket: WebSocket, incoming: Incoming): Effect.Effect<void> =>
  Effect.sync(() => {
    if (incoming.held) return
    incoming.silence += 1
    socket.ping()
  }).pipe(Effect.delay(PING), Effect.repeat({ until: () => incoming.silence > SILENT }), Effect.asVoid)

/** Resolves when its owner's key is not good any more, or that cannot be known. */
const disowned = ({ allowed }: Options): Effect.Effect<void> =>
  allowed.pipe(Effect.delay(LOOK), Effect.repeat({ while: (still) => still }), Effect.asVoid)

const close = (socket: WebSocket, incoming: Incoming, code: number, reason = "") =>
  Effect.sync(() => socket.close(code, reason)).pipe(
    Effect.zipRight(Effect.timeoutOption(Effect.interruptible(Deferred.await(incoming.closed)), CLOSES_WITHIN)),
    Effect.zipRight(Effect.sync(() => socket.terminate()))
  )

const stopping = JSON.stringify({ type: "detached", reason: "stopping" })
const parted = JSON.stringify({ type: "detached", reason: "key" })

/** However it came to its end, whose key is not good any more is told that. It does not wait for a side that reads nothing. */
const farewell = (socket: WebSocket, incoming: Incoming, { allowed }: Options) =>
  Effect.flatMap(allowed, (still) => {
    if (still) return close(socket, incoming, codes.done)
    const said = Effect.sync(() => socket.send(parted, () => {}))
    return Effect.zipRight(said, close(socket, incoming, codes.policy, "its owner's key is not in good standing"))
  })

/** Resolves when either side has had enough, or its owner's key is not good any more. */
export const serve = (socket: WebSocket, connection: Connection, options: Options): Effect.Effect<void> =>
  Effect.suspend(() => {
    const incoming = new Incoming(socket)
    const offset = JSON.stringify({ type: "offset", offset: connection.offset })
    const first = options.tellsOffset ? send(socket, offset) : Effect.void
    return Effect.raceAll([
      Effect.zipRight(first, shown(socket, connection)),
      typed(incoming, connection),
      deserted(socket, incoming),
      disowned(options),
      Deferred.await(incoming.closed)
    ]).pipe(
      Effect.zipRight(farewell(socket, incoming, options)),
      Effect.onInterrupt(() =>
        Effect.zipRight(
          Effect.sync(() => socket.send(stopping, () => {})),
          close(socket, incoming, codes.restart)
        )
      )
    )
  })
