/** What the command line needs of the whole system (port): main builds it, so that nothing here imports main. */
import { Context, type Effect, type Layer } from "effect"
import type { Confirmations } from "../../actors/confirmation/Confirmations.js"
import type { Contacts } from "../../actors/confirmation/Contacts.js"
import type { EgressPolicies } from "../../actors/egress/EgressPolicies.js"
import type { Keys } from "../../actors/key/Keys.js"
import type { VaultRoot } from "../../actors/node/VaultRoot.js"
import type { Pools } from "../../actors/pool/Pools.js"
import type { Tree } from "../kernel/Tree.js"
import type { EventLog } from "../log/EventLog.js"
import type { Settings } from "./Settings.js"

/** A server that accepts requests. */
export class Running extends Context.Tag("cli/Running")<
  Running,
  {
    /** Where it really listens, for example `http://127.0.0.1:8080`. */
    readonly url: string
    /** Never resolves; fails with the reason when the root supervisor gave up. */
    readonly gaveUp: Effect.Effect<never, unknown>
  }
>() {}

export class Application extends Context.Tag("cli/Application")<
  Application,
  {
    /** The server: built when it serves, released when it has stopped and let go of its data. */
    readonly layer: (
      settings: Settings
    ) => Layer.Layer<
      Running | Keys | Confirmations | Contacts | VaultRoot | EgressPolicies | Pools | Tree | EventLog,
      unknown
    >
    /** Keys straight from the store, for when no server runs; the store's lock refuses when one does. */
    readonly keys: (settings: Settings) => Layer.Layer<Keys, unknown>
    /** The root key straight from the store, likewise. */
    readonly vault: (settings: Settings) => Layer.Layer<VaultRoot, unknown>
  }
>() {}
