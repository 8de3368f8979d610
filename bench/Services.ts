/** Services of the benchmark's own: made, ordered about, visited. */
import { Agent, get } from "node:http"
import { Effect, type Exit, Schedule, Schema } from "effect"
import * as Client from "../src/cli/Client.js"
import { general } from "../src/cli/Failure.js"

export interface Service {
  readonly id: string
  readonly url: string
}

const Made = Schema.Struct({ id: Schema.String, url: Schema.String })

const agent = new Agent({ keepAlive: false, maxSockets: Number.POSITIVE_INFINITY })

/** Milliseconds until the whole answer is there. */
export const visit = (url: string) =>
  Effect.async<number, Error>((resume) => {
    const { host, port } = new URL(url)
    const begun = performance.now()
    const one = get({ host: "127.0.0.1", port, agent, headers: { host } }, (response) => {
      response.resume().on("end", () => {
        if (response.statusCode === 200) resume(Effect.succeed(performance.now() - begun))
        else resume(Effect.fail(new Error(`the service answered ${response.statusCode}`)))
      })
    })
    one.on("error", (error) => resume(Effect.fail(error)))
  })

/** What is asked for beside a name and a script: ports, domains, wake on demand. */
export type More = Readonly<Record<string, unknown>>

const asked = Effect.fnUntraced(function* (of: Client.Credentials, bootstrap: string, more: More) {
  const { body } = yield* Client.call(of, { path: "/services", body: JSON.stringify({ bootstrap, ...more }) })
  const service: Service = yield* Schema.decodeUnknown(Made)(body)
  return service
})

/** A frozen service outlives its server, and keeps the spawner: nobody else would end it. */
const ended = (of: Client.Credentials, { id }: Service) =>
  Effect.ignore(Client.call(of, { method: "DELETE", path: `/services/${id}` }))

/** Asked for; it may not run yet. It ends with the scope, which must be within the server's, unless that is not wanted. */
export const made = (
  of: Client.Credentials,
  bootstrap: string,
  more: More = {},
  ends: (exit: Exit.Exit<unknown, unknown>) => boolean = () => true
) =>
  Effect.acquireRelease(asked(of, bootstrap, more), (service, exit) => (ends(exit) ? ended(of, service) : Effect.void))

/** An order about a service, with what it answers. */
export const order = (of: Client.Credentials, { id }: Service, verb: string, body: object = {}) =>
  Client.call(of, { path: `/services/${id}/${verb}`, body: JSON.stringify(body), timeoutMillis: 300_000 })

const noted = Effect.fnUntraced(function* (of: Client.Credentials, { id }: Service) {
  const { body } = yield* Client.call(of, { method: "GET", path: `/services/${id}` })
  return body
})

/** Resolves when it is as wanted; its words are those of GET /services/{id}. */
export const until = (of: Client.Credentials, service: Service, wanted: (view: Client.Answer["body"]) => boolean) =>
  noted(of, service).pipe(
    Effect.repeat({ until: wanted, schedule: Schedule.spaced("20 millis") }),
    Effect.timeoutFail({
      duration: "60 seconds",
      onTimeout: () => general("bench", `the service ${service.id} did not get where it should within 60 s`)
    })
  )

/** A service that answers visitors. */
export const answering = Effect.fnUntraced(function* (of: Client.Credentials, bootstrap: string, more: More = {}) {
  const service = yield* made(of, bootstrap, { ports: [8000], ...more })
  yield* Effect.retry(visit(service.url), Schedule.spaced("50 millis")).pipe(
    Effect.timeoutFail({ duration: "30 seconds", onTimeout: () => general("bench", "the service did not start") })
  )
  return service
})

export const runs = (view: Client.Answer["body"]): boolean => view.state === "running"

/** Frozen, its container kept. */
export const rests = (view: Client.Answer["body"]): boolean => view.state === "frozen" && view.container_name !== ""

/** Frozen, and without a container. */
export const sleeps = (view: Client.Answer["body"]): boolean => view.state === "frozen" && view.container_name === ""
