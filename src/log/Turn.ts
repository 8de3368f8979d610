/** One turn of the event loop: what waits for a socket or a timer gets it before the fiber goes on. */
import { Effect } from "effect"

export const turn = Effect.async<void>((resume) => {
  setImmediate(() => resume(Effect.void))
})
