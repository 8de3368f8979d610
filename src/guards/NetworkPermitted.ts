/** D14: may this run use the network mode that it asks for? */
import type { PoolId } from "../../events/Ids.js"
import { list, oneOf } from "./Fact.js"
import { Permit, type Reason } from "./Guard.js"

export interface NetworkMode {
  readonly mode: PoolId
}

interface NetworkAsked extends NetworkMode {
  /** The modes that this server has and that the key may use. */
  readonly available: ReadonlyArray<PoolId>
}

const mode = oneOf("zerotrust", "semitrusted")

const unavailable = ({ available, mode }: NetworkAsked): Reason => ({
  code: "network_mode_unavailable",
  message: `This server has no "${mode}" network. Ask for network_mode ${
    available.length === 0 ? "again when a pool is enabled" : available.map((one) => `"${one}"`).join(" or ")
  }; nothing was run in another mode instead.`,
  status: 403,
  details: { network_mode: mode, available: available.join(",") }
})

export const networkPermitted = Permit.guard("D14", {
  name: "network-permitted",
  claim: "the key may use the network mode and the mode exists here",
  known: { mode, available: list(mode) },
  rule: (asked: NetworkAsked) => asked.available.includes(asked.mode) || unavailable(asked),
  carries: ({ mode }): NetworkMode => ({ mode })
})
