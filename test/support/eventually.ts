/** Waits for something of another process to become true; a deadline, not a pause, bounds it. */
import { setTimeout as sleep } from "node:timers/promises"

export const eventually = async (what: string, holds: () => boolean | Promise<boolean>, withinMillis = 20_000) => {
  const deadline = performance.now() + withinMillis
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`not within ${withinMillis} ms: ${what}`)
    await sleep(25)
  }
}
