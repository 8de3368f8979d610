/** When what is broken, and when it is measured: of the seed. */
import type { Faults } from "./Faults.js"
import { random } from "./Random.js"
import type { Tenant } from "./World.js"

/** The server is killed while the soak is young: its later life is one, and is measured. */
const KILLS_UNTIL = 0.5
const MEASURED_AT = 0.6
const FAULTS_UNTIL = 0.95

type Due = readonly [atSeconds: number, deed: () => Promise<unknown>]

export const schedule = (
  { seconds, seed }: { readonly seconds: number; readonly seed: number },
  faults: Faults,
  held: Tenant,
  measured: () => Promise<unknown>
): ReadonlyArray<Due> => {
  const chance = random(seed, 1_000)
  // A short one has its share of each.
  const scale = Math.min(1, Math.max(0.08, seconds / 300))
  const every = (period: number, until: number, deed: Due[1]): ReadonlyArray<Due> => {
    const times: Array<Due> = []
    const pause = () => period * scale * (0.5 + chance.next())
    for (let at = pause(); at < until * seconds; at += pause()) times.push([at, deed])
    return times
  }
  return [
    ...every(60, FAULTS_UNTIL, () => faults.spawnerKilled()),
    ...every(90, KILLS_UNTIL, () => faults.serverKilled()),
    ...every(45, FAULTS_UNTIL, () => faults.spawnerStalled()),
    ...every(70, FAULTS_UNTIL, () => faults.suspended(held, seconds * 100)),
    [MEASURED_AT * seconds, measured] as const
  ].sort(([a], [b]) => a - b)
}
