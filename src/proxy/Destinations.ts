/** Which service a visitor means, and the way to it (port). */
import type { Socket } from "node:net"
import { Context, Data, type Effect, type Scope } from "effect"
import type { ServiceId } from "../../events/Ids.js"

/** Nothing answers inside; the reason is for people. */
export class Unreachable extends Data.TaggedError("Unreachable")<{
  readonly reason: string
  /** The connection was there, and ended. */
  readonly hungUp?: boolean
}> {
  override get message() {
    return this.reason
  }
}

/** A connection of its own to the service's port; it ends with the scope. */
export type Dial = Effect.Effect<Socket, Unreachable, Scope.Scope>

export type Destination = Data.TaggedEnum<{
  /** No service was ever called so. */
  Unknown: {}
  /** It is never woken; its history says why it ended, and when (microseconds since 1970). */
  Destroyed: { readonly name: string; readonly cause: string; readonly at: number }
  /** Frozen, and not to be woken by visitors. `page`: people get a page, otherwise JSON. */
  Asleep: { readonly name: string; readonly page: boolean }
  /** Neither running nor to be woken. `retry`: it may come back on its own. */
  Down: { readonly name: string; readonly reason: string; readonly retry: boolean }
  /** `line`: names where `dial` leads; another container has another one. */
  Ready: {
    readonly name: string
    readonly service: ServiceId
    readonly line: string
    readonly dial: Dial
    /**
     * Calls back once, at once if need be, when it is to run no longer: what it was asked before then has no answer for now.
     * The result takes that back.
     */
    readonly asleep: (told: () => void) => () => void
  }
}>
export const Destination = Data.taggedEnum<Destination>()

/** A port of this host that leads to one service. */
export interface PublicPort {
  readonly port: number
  readonly service: ServiceId
}

export class Destinations extends Context.Tag("proxy/Destinations")<
  Destinations,
  {
    /** Of a host name in lower case. Wakes the service when visitors may; waits for that, but not for ever. */
    readonly byHost: (host: string) => Effect.Effect<Destination>
    readonly byService: (service: ServiceId) => Effect.Effect<Destination>
    /** All that should be listened on now. Not known: what is, stays. */
    readonly publicPorts: Effect.Effect<ReadonlyArray<PublicPort>, Unreachable>
  }
>() {}
