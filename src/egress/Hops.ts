/** Headers that are meant for the next hop only, and what is left when they are gone. */
import { Agent } from "node:http"
import type { Socket } from "node:net"

/** What frames a body stays: it is made anew for the next one. */
const HOP_BY_HOP = [
  ...["connection", "proxy-connection", "keep-alive", "te", "trailer", "upgrade"],
  ...["proxy-authenticate", "proxy-authorization", "proxy-authentication-info", "expect"]
]
const FRAMING = new Set(["content-length", "transfer-encoding", "host"])

/** Also what the sender says is meant for this hop only; in lower case. */
export const namesOf = (...connections: ReadonlyArray<string | undefined>): ReadonlySet<string> => {
  const said = connections.join(",").toLowerCase().split(",")
  const all = [...HOP_BY_HOP, ...said.map((one) => one.trim())]
  return new Set(all.filter((name) => !FRAMING.has(name)))
}

/** Hands out the one connection that was made for a request. */
export class Once extends Agent {
  constructor(private readonly connected: Socket) {
    super({ keepAlive: false, maxSockets: 1 })
  }
  override createConnection(): Socket {
    return this.connected
  }
}
