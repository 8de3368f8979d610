/** The door to marked variables (port): containers have placeholders, and the proxy asks here what they stand for. */
import { Context, type Effect, type Redacted, type Scope } from "effect"
import type { ContainerId, PublicKey, ServiceId } from "../../events/Ids.js"
import type { Mark, Towards } from "../../src/guards/EgressMark.js"
import type { Refused } from "../../src/guards/Guard.js"
import type { Variables } from "../../src/guards/VaultVariables.js"
import type { LogUnavailable } from "../../src/log/EventLog.js"
import type { StoreUnavailable } from "../../src/store/Blobs.js"

/** The container that a service is at home in now. */
export interface Home {
  readonly container: ContainerId
  readonly service: ServiceId
  readonly owner: PublicKey
}

/** A marked variable, as its container knows it and as it is. */
export interface Substitute {
  readonly variable: string
  readonly placeholder: string
  readonly value: Redacted.Redacted<string>
  /** Any of them will do. */
  readonly marks: ReadonlyArray<Mark>
}

export interface Inhabitant {
  readonly home: Home
  /** Never none. */
  readonly substitutes: ReadonlyArray<Substitute>
}

/** It could not be told what is to go out, so it must not. */
export type Untold = LogUnavailable

export type Tiding =
  | { readonly _tag: "Substituted"; readonly variable: string; readonly mark: Mark }
  | { readonly _tag: "Withheld"; readonly variable: string }

/** A container that holds none is not slowed down by any of this. */
export class Substitutes extends Context.Tag("actors/Substitutes")<
  Substitutes,
  {
    /** The same again for the same container, also after a restart of the server; nobody else's. */
    readonly placeholder: (container: ContainerId, variable: string) => string
    /** Until the scope ends; `released` opens the vault, every time that something is to go out (D24). */
    readonly inhabit: (
      home: Home,
      released: Effect.Effect<Variables, Refused | StoreUnavailable>
    ) => Effect.Effect<void, never, Scope.Scope>
    /** Undefined: no service is at home there, or nothing of its vault is marked. */
    readonly of: (container: string) => Effect.Effect<Inhabitant | undefined, Refused | StoreUnavailable>
    /** Resolves once it is durable; what was told of this container within the last hour is not told again. */
    readonly tell: (
      home: Home,
      towards: Pick<Towards, "host" | "port">,
      tidings: ReadonlyArray<Tiding>
    ) => Effect.Effect<void, Untold>
  }
>() {}
