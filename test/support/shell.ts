/** A client of a session's terminal, as the C one is: the subprotocol, binary keys, texts that end it. */
import type { IncomingMessage } from "node:http"
import WebSocket from "ws"
import { eventually } from "./eventually.js"

export interface Shell {
  readonly socket: WebSocket
  /** All that was shown. */
  readonly shown: () => string
  /** How many bytes were shown. */
  readonly bytes: () => number
  readonly texts: ReadonlyArray<Readonly<Record<string, unknown>>>
  readonly type: (keys: string) => void
  readonly resize: (cols: number, rows: number) => void
  /** Resolves when it was shown; the whole of what was shown so far. */
  readonly sees: (wanted: string | RegExp, withinMillis?: number) => Promise<string>
  /** Resolves with the code. */
  readonly closed: Promise<number>
}

/** The upgrade was answered instead of made. */
export class NotUpgraded extends Error {
  constructor(
    readonly status: number,
    readonly body: Readonly<Record<string, unknown>>
  ) {
    super(`${status} ${JSON.stringify(body)}`)
  }
}

const refused = (response: IncomingMessage): Promise<NotUpgraded> =>
  new Promise((resolve) => {
    let text = ""
    response.on("data", (chunk: Buffer) => {
      text += chunk.toString()
    })
    response.on("end", () => resolve(new NotUpgraded(response.statusCode ?? 0, JSON.parse(text))))
  })

const matches = (text: string, wanted: string | RegExp) =>
  typeof wanted === "string" ? text.includes(wanted) : wanted.test(text)

const shellOn = (socket: WebSocket): Shell => {
  const chunks: Array<Buffer> = []
  const texts: Array<Readonly<Record<string, unknown>>> = []
  socket.on("message", (data, isBinary) => {
    const bytes = Array.isArray(data) ? Buffer.concat(data) : data instanceof ArrayBuffer ? Buffer.from(data) : data
    if (isBinary) chunks.push(bytes)
    else texts.push(JSON.parse(bytes.toString()))
  })
  const shown = () => Buffer.concat(chunks).toString()
  return {
    socket,
    shown,
    bytes: () => chunks.reduce((sum, { length }) => sum + length, 0),
    texts,
    type: (keys) => socket.send(Buffer.from(keys)),
    resize: (cols, rows) => socket.send(JSON.stringify({ type: "resize", cols, rows })),
    sees: async (wanted, withinMillis = 15_000) => {
      await eventually(
        `${String(wanted)} in ${JSON.stringify(shown().slice(-300))}`,
        () => matches(shown(), wanted),
        withinMillis
      ).catch((error: unknown) => {
        throw new Error(`${String(error)}; shown: ${JSON.stringify(shown().slice(-500))}`)
      })
      return shown()
    },
    closed: new Promise((resolve) => socket.on("close", resolve))
  }
}

/** Resolves when it is connected; rejects with `NotUpgraded`. */
export const connect = (url: string, more = ""): Promise<Shell> =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(`${url}${more}`, "unsandbox-shell", { perMessageDeflate: false })
    const shell = shellOn(socket)
    socket.on("open", () => resolve(shell))
    socket.on("error", reject)
    socket.on("unexpected-response", (_, response) => void refused(response).then(reject))
  })
