/** Connections that have not shaken hands: no server of HTTP knows of them yet, and they would keep it from stopping. */
import type { Socket } from "node:net"
import type { Server as TlsServer } from "node:tls"

interface Handshakes {
  readonly underWay: () => number
  /** Ends those that are under way, and whatever comes after. */
  readonly end: () => void
}

/** The secured socket is another object than the one that was accepted; the other end is the same. */
const nameOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`

/** To be made before the server listens. */
export const of = (server: TlsServer): Handshakes => {
  const open = new Map<string, Socket>()
  let ended = false
  server.on("connection", (socket: Socket) => {
    if (ended) {
      socket.destroy()
      return
    }
    const name = nameOf(socket)
    open.set(name, socket)
    socket.once("close", () => {
      if (open.get(name) === socket) open.delete(name)
    })
  })
  server.on("secureConnection", (socket) => open.delete(nameOf(socket)))
  return {
    underWay: () => open.size,
    end: () => {
      ended = true
      for (const socket of open.values()) socket.destroy()
    }
  }
}
