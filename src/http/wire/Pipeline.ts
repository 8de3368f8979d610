/** The requests of one connection that are under way at once, sent before earlier ones were answered: few, and all let go with it. */
import type { ServerResponse } from "node:http"
import type { Socket } from "node:net"

/** No client of this API sends a second one before the first is answered; some load generators do. */
const most = 64

interface Pipeline {
  /** False: one too many, and its connection is gone. */
  readonly enter: (socket: Socket, response: ServerResponse) => boolean
}

/** An answer whose turn has not come knows nothing of its connection, and would wait for ever: node tells it nothing. */
const abandon = (response: ServerResponse): void => {
  if (response.socket !== null) return
  response.destroy()
  response.emit("close")
}

export const make = (): Pipeline => {
  const lines = new WeakMap<Socket, Set<ServerResponse>>()

  const lineOf = (socket: Socket): Set<ServerResponse> => {
    const known = lines.get(socket)
    if (known !== undefined) return known
    const open = new Set<ServerResponse>()
    lines.set(socket, open)
    socket.once("close", () => {
      for (const response of open) abandon(response)
    })
    return open
  }

  return {
    enter: (socket, response) => {
      // What else was in the piece that was being read is still handed on.
      if (socket.destroyed) return false
      const open = lineOf(socket)
      if (open.size >= most) {
        socket.destroy()
        return false
      }
      open.add(response)
      response.once("close", () => open.delete(response))
      return true
    }
  }
}
