/** How long a person waits at a session's terminal: for the first prompt, and for each key to show. */
import { Effect, type Scope } from "effect"
import WebSocket from "ws"
import type { Credentials } from "../src/cli/Client.js"
import { general } from "../src/cli/Failure.js"
import { server } from "./Servers.js"
import * as Sessions from "./Sessions.js"
import { median, millis, quantile } from "./Times.js"

const WITHIN = "20 seconds"
const PROMPT = /[$#] /

interface Terminal {
  readonly type: (keys: string) => Effect.Effect<void>
  /** Resolves when what has been shown since the last key was typed has it. */
  readonly shows: (wanted: RegExp) => Effect.Effect<void, Error>
}

const bytesOf = (data: WebSocket.RawData): Buffer => {
  if (Array.isArray(data)) return Buffer.concat(data)
  return data instanceof ArrayBuffer ? Buffer.from(data) : data
}

const terminalOn = (socket: WebSocket): Terminal => {
  let shown = ""
  let heard = () => {}
  socket.on("message", (data, isBinary) => {
    if (isBinary) shown += bytesOf(data).toString()
    heard()
  })
  return {
    type: (keys) =>
      Effect.sync(() => {
        shown = ""
        socket.send(Buffer.from(keys))
      }),
    shows: (wanted) =>
      Effect.async<void, Error>((resume) => {
        heard = () => {
          if (wanted.test(shown)) resume(Effect.void)
        }
        heard()
      }).pipe(
        Effect.timeoutFail({
          duration: WITHIN,
          onTimeout: () => general("bench", `the terminal did not show ${wanted} but ${JSON.stringify(shown)}`)
        })
      )
  }
}

const connected = (url: string): Effect.Effect<Terminal, Error, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => new WebSocket(url, "unsandbox-shell", { perMessageDeflate: false })),
    (socket) => Effect.sync(() => socket.terminate())
  ).pipe(
    Effect.flatMap((socket) =>
      Effect.async<Terminal, Error>((resume) => {
        // What comes right behind the answer to the upgrade must be heard too.
        const terminal = terminalOn(socket)
        socket.on("error", (error) => resume(Effect.fail(error)))
        socket.once("open", () => resume(Effect.succeed(terminal)))
      })
    ),
    Effect.timeout(WITHIN)
  )

/** From the call to the first prompt at its terminal. */
const opened = (of: Credentials, asked: object) =>
  Effect.flatMap(Sessions.made(of, asked), ({ websocket_url }) => connected(websocket_url)).pipe(
    Effect.tap(({ shows }) => shows(PROMPT))
  )

/** One at a time, each with the pause that the pool needs to be full again. */
const openings = (of: Credentials, asked: object, count: number) =>
  Effect.replicateEffect(Effect.delay(Effect.scoped(millis(opened(of, asked))), "50 millis"), count)

/** Short enough not to reach the terminal's edge, where a line is drawn anew. */
const LINE = 40
const CANCEL = "\u0003"

const echoes = Effect.fnUntraced(function* (of: Credentials, lines: number) {
  const { shows, type } = yield* opened(of, { shell: "bash" })
  const key = millis(Effect.zipRight(type("x"), shows(/x/)))
  const cancelled = Effect.zipRight(type(CANCEL), shows(PROMPT))
  return (yield* Effect.replicateEffect(Effect.zipLeft(Effect.replicateEffect(key, LINE), cancelled), lines)).flat()
}, Effect.scoped)

/** So many sessions of each kind are opened, one after the other; so many lines are typed in one. */
export const terminals = Effect.fnUntraced(function* (sessions: number, lines: number) {
  const of = yield* server("4")
  yield* openings(of, { shell: "bash" }, 3)
  const plain = yield* openings(of, { shell: "bash" }, sessions)
  const tmux = yield* openings(of, { shell: "bash", multiplexer: "tmux" }, sessions)
  const typed = yield* echoes(of, lines)
  return {
    session_open_p50_ms: median(plain),
    session_open_tmux_p50_ms: median(tmux),
    keystroke_echo_p50_ms: quantile(typed, 0.5),
    keystroke_echo_p99_ms: quantile(typed, 0.99)
  }
}, Effect.scoped)
