/** The REST socket of LXD and of Incus, which speak the same. */
import { constants } from "node:fs"
import { access } from "node:fs/promises"
import { Agent, request } from "node:http"
import { Effect, Schema } from "effect"

const WAIT_SECONDS = 60

export interface Daemon {
  readonly socketPath: string
  readonly agent: Agent
}

/** The first that a daemon listens on and that we may use. */
export const socketOf = (sockets: ReadonlyArray<string>): Effect.Effect<string | undefined> =>
  Effect.promise(async () => {
    for (const socket of sockets) {
      const usable = await access(socket, constants.R_OK | constants.W_OK).then(
        () => true,
        () => false
      )
      if (usable) return socket
    }
    return undefined
  })

/** Its connections are kept from call to call and closed with the scope. */
export const connected = (socketPath: string) =>
  Effect.acquireRelease(
    Effect.sync((): Daemon => ({ socketPath, agent: new Agent({ keepAlive: true }) })),
    ({ agent }) => Effect.sync(() => agent.destroy())
  )

type Body = string | Buffer

const send = ({ agent, socketPath }: Daemon, method: string, path: string, body: Body) =>
  Effect.async<string, Error>((resume) => {
    const type = typeof body === "string" ? "application/json" : "application/octet-stream"
    const headers = { "content-type": type, "content-length": Buffer.byteLength(body) }
    const fail = (error: Error) => resume(Effect.fail(error))
    const sent = request({ socketPath, agent, method, path, headers }, (response) => {
      const chunks: Array<Buffer> = []
      response.on("data", (chunk: Buffer) => chunks.push(chunk)).on("error", fail)
      response.on("end", () => resume(Effect.succeed(Buffer.concat(chunks).toString())))
    })
    sent.on("error", fail).end(body)
    return Effect.sync(() => sent.destroy())
  })

const Operation = Schema.Struct({
  id: Schema.String,
  status_code: Schema.Number,
  err: Schema.optional(Schema.String),
  metadata: Schema.optional(Schema.Unknown)
})

const Reply = Schema.parseJson(
  Schema.Struct({
    type: Schema.Literal("sync", "async", "error"),
    error: Schema.optional(Schema.String),
    metadata: Schema.optional(Schema.Unknown)
  })
)

const DONE = 200

const refused = (path: string, why: string) => Effect.fail(new Error(`${path}: ${why}`))

/** What a call gives; where it only begins something, what that gives when it has ended. */
export const call = (
  of: Daemon,
  method: string,
  path: string,
  body: Body | object = ""
): Effect.Effect<unknown, Error> =>
  send(of, method, path, typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body)).pipe(
    Effect.flatMap(Schema.decode(Reply)),
    Effect.flatMap(({ error = "", metadata, type }): Effect.Effect<unknown, Error> => {
      if (type === "error") return refused(path, error)
      return type === "sync" ? Effect.succeed(metadata) : ended(of, path, metadata)
    })
  )

const ended = (of: Daemon, path: string, begun: unknown): Effect.Effect<unknown, Error> =>
  Schema.decodeUnknown(Operation)(begun).pipe(
    Effect.flatMap(({ id }) => call(of, "GET", `/1.0/operations/${id}/wait?timeout=${WAIT_SECONDS}`)),
    Effect.flatMap(Schema.decodeUnknown(Operation)),
    Effect.flatMap(({ err = "", metadata, status_code }) =>
      status_code === DONE ? Effect.succeed(metadata) : refused(path, err || `status ${status_code}`)
    )
  )
