/** The door to the root key of everything that is sealed (port): an operator looks at it, and puts a new one in its place. */
import { Context, type Effect } from "effect"
import type { LogUnavailable } from "../../src/log/EventLog.js"
import type { RootKeys, Rotated } from "../../src/store/secrets/RootKeys.js"

export class VaultRoot extends Context.Tag("actors/VaultRoot")<
  VaultRoot,
  {
    readonly show: Context.Tag.Service<RootKeys>["show"]
    /** Resolves once the former root key is destroyed and the log says so. Asked again after a failure, it goes on. */
    readonly rotate: (
      by: string
    ) => Effect.Effect<Rotated, Effect.Effect.Error<Context.Tag.Service<RootKeys>["rotate"]> | LogUnavailable>
  }
>() {}
