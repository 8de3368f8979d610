/** Sessions of the benchmark's own. */
import { Effect, Schema } from "effect"
import * as Client from "../src/cli/Client.js"

const Made = Schema.Struct({ id: Schema.String, websocket_url: Schema.String })
export type Session = typeof Made.Type

const asked = (of: Client.Credentials, wanted: object) =>
  Effect.flatMap(Client.call(of, { path: "/sessions", body: JSON.stringify(wanted) }), ({ body }) =>
    Schema.decodeUnknown(Made)(body)
  )

const ended = (of: Client.Credentials, { id }: Session) =>
  Effect.ignore(Client.call(of, { method: "DELETE", path: `/sessions/${id}` }))

/** Ends with the scope, which must be within the server's: one with a multiplexer would outlive the server. */
export const made = (of: Client.Credentials, wanted: object) =>
  Effect.acquireRelease(asked(of, wanted), (session) => ended(of, session))

/** An order about a session, with what it answers. */
export const order = (of: Client.Credentials, { id }: Session, verb: string) =>
  Client.call(of, { path: `/sessions/${id}/${verb}`, body: "{}" })
