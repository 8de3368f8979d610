/** Large bodies to and from the HTTP API: signed like any other call, and never in memory as a whole. */
import { createHash } from "node:crypto"
import { type FileHandle, open, writeFile } from "node:fs/promises"
import { type ClientRequest, type IncomingMessage, request as plain } from "node:http"
import { request as secure } from "node:https"
import { pipeline } from "node:stream/promises"
import { Clock, Effect, type Scope } from "effect"
import * as Client from "./Client.js"
import { Failure, general, usage } from "./Failure.js"

/** Nothing goes either way for so long. */
const STALLED_MILLIS = 5 * 60_000
/** The server packs what it has been sent. */
const ANSWER_MILLIS = 45 * 60_000
const ANSWER_BYTES = 1024 * 1024

type Count = (bytes: number) => void

const fault = (what: string) => (error: unknown) => {
  if (error instanceof Failure) return error
  return new Failure({ ending: "api", code: "no_answer", message: `${what}: ${Client.wordsOf(error)}` })
}

const late = (what: string) => new Failure({ ending: "timeout", code: "timeout", message: `${what}: nothing came` })

interface Call {
  readonly method: "GET" | "POST"
  /** With its query. */
  readonly path: string
  /** What is signed as the body. */
  readonly signed: string
  readonly headers: Readonly<Record<string, string | number>>
}

const begin = Effect.fnUntraced(function* (credentials: Client.Credentials, { headers, method, path, signed }: Call) {
  const seconds = Math.floor((yield* Clock.currentTimeMillis) / 1_000)
  const all = { ...Client.headers(credentials, seconds, method, path, signed), ...headers }
  const url = new URL(path, credentials.url)
  const acquired = Effect.sync(() => {
    const sent = (url.protocol === "https:" ? secure : plain)(url, { method, headers: all, agent: false })
    // A server that refuses early and closes would take its answer back from whoever is still sending.
    sent.shouldKeepAlive = true
    // Whoever waits for it hears of it; it may end badly when nobody does any longer.
    sent.on("error", () => undefined)
    return sent.setTimeout(STALLED_MILLIS, () => sent.destroy(late(`${method} ${path}`)))
  })
  return yield* Effect.acquireRelease(acquired, (sent) => Effect.sync(() => sent.destroy()))
})

const answerOf = (sent: ClientRequest): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    sent.once("response", resolve).once("error", reject)
  })

const textOf = async (response: IncomingMessage): Promise<string> => {
  const pieces: Array<Buffer> = []
  let bytes = 0
  for await (const piece of response) {
    bytes += piece.length
    if (bytes > ANSWER_BYTES) throw new Error("the answer is too long")
    pieces.push(piece)
  }
  return Buffer.concat(pieces).toString()
}

const told = async (response: IncomingMessage): Promise<Client.Answer> => ({
  status: response.statusCode ?? 0,
  body: Client.parsed(await textOf(response))
})

const through = (count: Count) =>
  async function* (source: AsyncIterable<Buffer>) {
    for await (const piece of source) {
      count(piece.length)
      yield piece
    }
  }

interface Fetched {
  readonly bytes: number
  readonly sha256: string
}

/** Resolves when all that the server announced is in the file. */
export const download = Effect.fnUntraced(function* (
  credentials: Client.Credentials,
  path: string,
  file: FileHandle,
  count: Count
) {
  const sent = yield* begin(credentials, { method: "GET", path, signed: "", headers: {} })
  const hash = createHash("sha256")
  const fetched = async (): Promise<Client.Answer | Fetched> => {
    const answered = answerOf(sent)
    sent.end()
    const response = await answered
    if (response.statusCode !== 200) return told(response)
    let bytes = 0
    const hashed = async function* (source: AsyncIterable<Buffer>) {
      for await (const piece of source) {
        bytes += piece.length
        hash.update(piece)
        yield piece
      }
    }
    await pipeline(response, through(count), hashed, (pieces: AsyncIterable<Buffer>) => writeFile(file, pieces))
    if (String(bytes) !== response.headers["content-length"]) throw new Error("the answer was cut short")
    return { bytes, sha256: hash.digest("hex") }
  }
  const result = yield* Effect.tryPromise({ try: fetched, catch: fault(`GET ${path}`) })
  return "bytes" in result ? result : yield* Client.refusal(path, result)
}, Effect.scoped)

/** A file that is to be sent, as it is when it is looked at. */
interface Parcel {
  readonly file: FileHandle
  readonly bytes: number
  readonly sha256: string
}

/** Reads all of it once: its digest is signed before the first byte is sent. */
export const parcel = (path: string): Effect.Effect<Parcel, Failure, Scope.Scope> =>
  Effect.gen(function* () {
    const unreadable = (error: unknown) => general("unreadable", `${path}: ${Client.wordsOf(error)}`)
    const file = yield* Effect.acquireRelease(
      Effect.tryPromise({ try: () => open(path, "r"), catch: unreadable }),
      (opened) => Effect.promise(() => opened.close().catch(() => undefined))
    )
    const read = async () => {
      if (!(await file.stat()).isFile()) throw new Error("it is no file")
      const hash = createHash("sha256")
      let bytes = 0
      for await (const piece of file.createReadStream({ start: 0, autoClose: false })) {
        bytes += piece.length
        hash.update(piece)
      }
      return { file, bytes, sha256: hash.digest("hex") }
    }
    const found = yield* Effect.tryPromise({ try: read, catch: unreadable })
    return found.bytes === 0 ? yield* usage(`${path} is empty`) : found
  })

/** Resolves with what the server made of it; it hears the server also before all is sent. */
export const upload = Effect.fnUntraced(function* (
  credentials: Client.Credentials,
  path: string,
  { bytes, file, sha256 }: Parcel,
  count: Count
) {
  const headers = { "Content-Type": "application/x-tar", "Content-Length": bytes, "X-Content-SHA256": sha256 }
  const sent = yield* begin(credentials, { method: "POST", path, signed: sha256, headers })
  const sending = async () => {
    const answered = answerOf(sent)
    sent.once("finish", () => sent.setTimeout(ANSWER_MILLIS))
    const source = file.createReadStream({ start: 0, end: bytes - 1, autoClose: false })
    // That it ends badly is the request's failure, and met there, unless there is an answer.
    const pumped = pipeline(source, through(count), sent).catch(() => undefined)
    const answer = await told(await answered)
    sent.destroy()
    await pumped
    return answer
  }
  const answer = yield* Effect.tryPromise({ try: sending, catch: fault(`POST ${path}`) })
  return answer.status === 200 || answer.status === 201 ? answer.body : yield* Client.refusal(path, answer)
}, Effect.scoped)
