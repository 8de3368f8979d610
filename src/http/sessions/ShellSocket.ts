/** One WebSocket at a session's terminal: what is typed goes in, what is shown comes out, no faster than either side reads. */
import { Deferred, Effect } from "effect"
import type { WebSocket } from "ws"
import type { Connection, Parting } from "../../../actors/session/Sessions.js"
import type { Incoming } from "./ShellInput.js"

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
const deserted = (incoming: Incoming): Effect.Effect<void> =>
  Effect.sync(() => {
    if (incoming.held) return
    incoming.silence += 1
    incoming.socket.ping()
  }).pipe(Effect.delay(PING), Effect.repeat({ until: () => incoming.silence > SILENT }), Effect.asVoid)

/** Resolves when its owner's key is not good any more, or that cannot be known. */
const disowned = ({ allowed }: Options): Effect.Effect<void> =>
  allowed.pipe(Effect.delay(LOOK), Effect.repeat({ while: (still) => still }), Effect.asVoid)

const close = ({ closed, socket }: Incoming, code: number, reason = "") =>
  Effect.sync(() => socket.close(code, reason)).pipe(
    Effect.zipRight(Effect.timeoutOption(Effect.interruptible(Deferred.await(closed)), CLOSES_WITHIN)),
    Effect.zipRight(Effect.sync(() => socket.terminate()))
  )

const stopping = JSON.stringify({ type: "detached", reason: "stopping" })
const parted = JSON.stringify({ type: "detached", reason: "key" })

/** However it came to its end, whose key is not good any more is told that. It does not wait for a side that reads nothing. */
const farewell = (incoming: Incoming, { allowed }: Options) =>
  Effect.flatMap(allowed, (still) => {
    if (still) return close(incoming, codes.done)
    const said = Effect.sync(() => incoming.socket.send(parted, () => {}))
    return Effect.zipRight(said, close(incoming, codes.policy, "its owner's key is not in good standing"))
  })

/** Resolves when either side has had enough, or its owner's key is not good any more. */
export const serve = (incoming: Incoming, connection: Connection, options: Options): Effect.Effect<void> =>
  Effect.suspend(() => {
    const { socket } = incoming
    const offset = JSON.stringify({ type: "offset", offset: connection.offset })
    const first = options.tellsOffset ? send(socket, offset) : Effect.void
    return Effect.raceAll([
      Effect.zipRight(first, shown(socket, connection)),
      typed(incoming, connection),
      deserted(incoming),
      disowned(options),
      Deferred.await(incoming.closed)
    ]).pipe(
      Effect.zipRight(farewell(incoming, options)),
      Effect.onInterrupt(() =>
        Effect.zipRight(
          Effect.sync(() => socket.send(stopping, () => {})),
          close(incoming, codes.restart)
        )
      )
    )
  })
