/** What every driver of the substrate must do, with real containers. Nothing in it knows which driver it is. */
import type { Layer } from "effect"
import { describe } from "vitest"
import type { Substrate } from "../../src/substrate/Substrate.js"
import { live } from "../support/it.js"
import { execution } from "./conformance/execution.js"
import { files } from "./conformance/files.js"
import { freezing } from "./conformance/freezing.js"
import { interaction } from "./conformance/interaction.js"
import { isolation } from "./conformance/isolation.js"
import { lifecycle } from "./conformance/lifecycle.js"
import { pressure } from "./conformance/pressure.js"
import { running } from "./running.js"

export interface Host {
  /** A driver that the operator let start without limits is not asked for them. */
  readonly limited: boolean
  readonly freezes: boolean
}

export const conformance = (name: string, layer: Layer.Layer<Substrate>, host: Host) => {
  const always = { execution, files, interaction, isolation, lifecycle }
  const parts = { ...always, ...(host.limited ? { pressure } : {}), ...(host.freezes ? { freezing } : {}) }
  for (const [part, suite] of Object.entries(parts))
    describe(`${name}, ${part}`, () =>
      suite((test, body, timeout) => live(test, () => running(layer, body()), timeout)))
}
