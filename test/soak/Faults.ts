/** What is broken meanwhile: the server and the spawner are killed, the spawner stalls, a key is suspended for a while. */
import { setTimeout as sleep } from "node:timers/promises"
import { unsandbox } from "../support/command.js"
import { spawnerOf } from "../support/leftovers.js"
import type { Calls, Troubles } from "./Calls.js"
import type { Random } from "./Random.js"
import type { Tenant, World } from "./World.js"

/** A stall of ours must not look like a death: the server gives a spawner up after 12 s. */
const STALL_MILLIS = 2_000
const HELD_MILLIS = 8_000
/** There is no server for some of that time. */
const RESUMED_WITHIN = 60_000

export class Faults {
  constructor(
    private readonly data: string,
    private readonly calls: Calls,
    private readonly world: World,
    private readonly troubles: Troubles,
    private readonly chance: Random,
    /** Starts the next one on the same data. */
    private readonly next: () => Promise<void>
  ) {}

  private told(what: string): void {
    this.calls.tally.did(what)
    process.stderr.write(`${this.calls.tally.seconds().toFixed(1)} s: ${what}\n`)
  }

  spawnerKilled(): Promise<void> {
    return this.troubles.during(async () => {
      const spawner = spawnerOf(this.data)
      if (spawner === undefined) return
      this.told("spawner killed")
      this.world.containersLost(1)
      process.kill(spawner, "SIGKILL")
      await sleep(500)
      // What was begun before it died was lost as well.
      this.world.containersLost(0)
    })
  }

  /** No excuse for anything: whoever asks meanwhile waits a little longer. */
  async spawnerStalled(): Promise<void> {
    const spawner = spawnerOf(this.data)
    if (spawner === undefined) return
    this.told("spawner stalled")
    process.kill(spawner, "SIGSTOP")
    await sleep(200 + this.chance.under(STALL_MILLIS))
    process.kill(spawner, "SIGCONT")
  }

  serverKilled(): Promise<void> {
    return this.troubles.during(async () => {
      const { server } = this.calls
      if (server === undefined) return
      this.told("server killed")
      this.calls.server = undefined
      await server.kill("SIGKILL")
      // Sometimes both are gone before anybody looks.
      if (this.chance.chance(0.2)) await this.spawnerKilled()
      await this.next()
    })
  }

  private holding: Promise<void> | undefined

  /** Goes on beside the others; at most one at one time. */
  async suspended(tenant: Tenant, mostMillis: number): Promise<void> {
    if (this.holding !== undefined) return
    this.holding = this.held(tenant, this.chance.under(Math.min(HELD_MILLIS, mostMillis)))
  }

  /** Resolves when every key is good again. */
  async over(): Promise<void> {
    await this.holding
  }

  private async held(tenant: Tenant, millis: number): Promise<void> {
    const keys = (verb: string) => unsandbox("keys", verb, tenant.publicKey, "--data", this.data)
    this.told("key suspended")
    this.world.held(tenant)
    await keys("suspend")
    await sleep(millis)
    // A server that is killed meanwhile may take the suspension along.
    const good = async () => {
      const { code, stderr } = await keys("resume")
      return code === 0 || stderr.includes("it is active")
    }
    for (const deadline = performance.now() + RESUMED_WITHIN; !(await good()); await sleep(200))
      if (performance.now() > deadline) throw new Error(`${tenant.name} cannot be resumed`)
    this.world.held(tenant)
    this.holding = undefined
  }
}
