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
import { ports } from "./conformance/ports.js"
import { pressure } from "./conformance/pressure.js"
import { streams } from "./conformance/streams.js"
import { survival } from "./conformance/survival.js"
import { volumes } from "./conformance/volumes.js"
import { running } from "./running.js"

export interface Host {
  /** A driver that the operator let start without limits is not asked for them. */
  readonly limited: boolean
  readonly freezes: boolean
  /** A new, empty directory that may be a volume, and hold logs and sockets for the driver. */
  readonly directory: () => string
}

export const conformance = (name: string, layer: Layer.Layer<Substrate>, host: Host) => {
  const hosted = { ports: ports(host), streams: streams(host), volumes: volumes(host) }
  const always = { execution, files, interaction, isolation, lifecycle, ...hosted }
  const parts = { ...always, ...(host.limited ? { pressure } : {}), ...(host.freezes ? { freezing } : {}) }
  for (const [part, suite] of Object.entries(parts))
    describe(`${name}, ${part}`, () =>
      suite((test, body, timeout) => live(test, () => running(layer, body()), timeout)))
  describe(`${name}, survival`, () => survival((body) => running(layer, body), host, live))
}
