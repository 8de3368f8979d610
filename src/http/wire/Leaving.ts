/** Answers on their way out: who does not read them cannot make the server keep them. */
import type { ServerResponse } from "node:http"

/** Without any progress; node looks at what the socket still has to send. */
const stalledMillis = 15_000
/** All that is wholly written and has not left. */
const mostLeaving = 512 * 1024 * 1024
const small = 64 * 1024

interface Leaving {
  readonly watch: (response: ServerResponse) => void
}

export const make = (): Leaving => {
  // In the order in which they were sent: the first is the one whose reader takes longest.
  const large = new Map<ServerResponse, number>()
  let total = 0

  const release = (response: ServerResponse) => {
    total -= large.get(response) ?? 0
    large.delete(response)
  }

  const makeRoom = (last: ServerResponse) => {
    for (const response of large.keys()) {
      if (total <= mostLeaving || response === last) return
      release(response)
      response.destroy()
    }
  }

  const onSent = (response: ServerResponse) => {
    const size = response.writableLength
    // A kept connection gets its usual time-out back when this answer has left.
    response.socket?.setTimeout(stalledMillis)
    if (size <= small) return
    total += size
    large.set(response, size)
    makeRoom(response)
  }

  return {
    watch: (response) => {
      // Many look after one answer: node's warning of a leak begins at ten.
      response.setMaxListeners(32)
      // What goes out in pieces is never here as a whole, and who does not read it is known long before the last one.
      response.on("pipe", () => response.socket?.setTimeout(stalledMillis))
      response.on("prefinish", () => onSent(response)).on("close", () => release(response))
    }
  }
}
