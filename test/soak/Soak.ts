/** A soak from its first server to the last word about what is left: several keys, random deeds, random faults. */
import { setTimeout as sleep } from "node:timers/promises"
import { json } from "../support/command.js"
import { spawnerOf } from "../support/leftovers.js"
import { type Server, startServer } from "../support/server.js"
import { Actor } from "./Actor.js"
import { Calls, Troubles } from "./Calls.js"
import { Checks } from "./Checks.js"
import { Faults } from "./Faults.js"
import { descriptors, inspected, inspectorOf, rssMib, type Size, size } from "./Meter.js"
import { Programs } from "./Programs.js"
import { random } from "./Random.js"
import { PUBLIC_PORTS } from "./Remains.js"
import { schedule } from "./Schedule.js"
import { counted, Tally } from "./Tally.js"
import { type Tenant, World } from "./World.js"

export interface Plan {
  readonly seed: number
  readonly seconds: number
  /** Kept until the caller removes it. */
  readonly data: string
  readonly progressSeconds: number
}

export interface Report {
  readonly violations: ReadonlyArray<string>
  readonly operations: number
  /** Of one server: at a pause when it was warm, and at the end, with the operations in between. */
  readonly sizes: { readonly before: Size; readonly after: Size; readonly between: number }
}

const args = [
  ...["--proxy-port", "0", "--deep-freeze", "3s", "--session-grace", "5s"],
  ...["--tcp-ports", `${PUBLIC_PORTS.first}-${PUBLIC_PORTS.last}`],
  ...["--memory-per-vcpu", "128MiB", "--reserve", "256MiB", "--tmp", "64MiB", "--volume", "256MiB"]
]
/** What a server must never say, whatever is done to it. */
const alarming = /level=(ERROR|FATAL)|fiber failed|defect|unhandled|uncaught/i

/** The key that is suspended now and then. */
const HELD = "held"

class Soak {
  readonly tally = new Tally()
  private readonly world = new World()
  private readonly troubles = new Troubles()
  private readonly calls = new Calls(this.tally, this.troubles)
  private readonly programs = new Programs(this.calls)
  private inspector = ""
  private paused = false
  private going = true

  constructor(private readonly plan: Plan) {}

  private heard(server: Server): void {
    for (const line of server.stderr().split("\n"))
      if (alarming.test(line)) this.tally.violated(`the server said: ${line.slice(0, 1_000)}`)
  }

  private readonly start = async (): Promise<void> => {
    if (this.last !== undefined) {
      this.heard(this.last)
      await this.last.stop()
    }
    const { data } = this.plan
    const server = await startServer({ data, pool: "3,semitrusted=0", args, env: { NODE_OPTIONS: inspected } })
    this.last = server
    this.inspector = inspectorOf(server)
    this.calls.server = server
  }
  private last: Server | undefined

  private async tenants({ data, publicKey, secretKey, url }: Server): Promise<ReadonlyArray<Tenant>> {
    const given = async (name: string, slots: number | undefined, ...more: ReadonlyArray<string>): Promise<Tenant> => {
      const limits = slots === undefined ? [] : ["--concurrency", String(slots)]
      const made = await json("keys", "create", "--data", data, "--label", name, ...limits, ...more)
      const pair = { publicKey: String(made.public_key), secretKey: String(made.secret_key) }
      return { ...pair, url, name, slots, suspended: name === HELD }
    }
    const [parent, held] = await Promise.all([
      given("parent", 8, "--services", "6", "--snapshots", "6"),
      given(HELD, undefined)
    ])
    const first = { url, publicKey, secretKey, name: "first", slots: undefined, suspended: false }
    return [first, parent, await given("child", 4, "--parent", parent.publicKey), held]
  }

  private async acts(actor: Actor): Promise<void> {
    while (this.going) {
      while (this.paused) await sleep(50)
      await actor.step().catch((error: unknown) => this.tally.violated(String(error)))
    }
  }

  private progress(): void {
    const { pid } = this.last ?? { pid: undefined }
    const spawner = spawnerOf(this.plan.data)
    const sizes = `server ${rssMib(pid)} MiB ${descriptors(pid)} fds, spawner ${rssMib(spawner)} MiB ${descriptors(spawner)} fds`
    const { operations, refusals, total } = this.tally
    process.stderr.write(
      `${this.tally.seconds().toFixed(0)} s: ${total} operations (${counted(operations)}); refusals: ${counted(refusals)}; ` +
        `${this.world.things.size} things alive; ${sizes}; ${this.tally.violations.length} violations\n`
    )
  }

  private before: { readonly size: Size; readonly operations: number } | undefined

  private async measured(): Promise<void> {
    if (this.last === undefined) return
    this.paused = true
    await sleep(Math.min(10_000, this.plan.seconds * 50))
    this.before = { size: await size(this.last, this.inspector), operations: this.tally.total }
    this.paused = false
  }

  private async broken(faults: Faults, held: Tenant): Promise<void> {
    for (const [at, deed] of schedule(this.plan, faults, held, () => this.measured())) {
      const wait = at - this.tally.seconds()
      if (wait > 0) await sleep(wait * 1_000)
      await deed().catch((error: unknown) => this.tally.violated(String(error)))
    }
    await sleep(Math.max(0, this.plan.seconds - this.tally.seconds()) * 1_000)
    this.going = false
    await faults.over().catch((error: unknown) => this.tally.violated(String(error)))
  }

  private async lived(tenants: ReadonlyArray<Tenant>, checks: Checks): Promise<void> {
    const { data, seed } = this.plan
    const held = tenants.find(({ suspended }) => suspended)
    if (held === undefined) throw new Error("nobody is suspended")
    const next = async () => {
      await this.start()
      await checks.graves(20)
    }
    const faults = new Faults(data, this.calls, this.world, this.troubles, random(seed, 1_001), next)
    const actor = (tenant: Tenant, number: number) =>
      new Actor(this.calls, this.world, this.programs, tenant, random(seed, number), `${tenant.name}${number}`)
    const actors = tenants.flatMap((tenant, index) => [actor(tenant, index * 2), actor(tenant, index * 2 + 1)])
    await Promise.all([this.broken(faults, held), ...actors.map((one) => this.acts(one))])
  }

  async run(): Promise<Report> {
    const progress = setInterval(() => this.progress(), this.plan.progressSeconds * 1_000)
    try {
      await this.start()
      const server = await this.calls.up()
      const tenants = await this.tenants(server)
      const checks = new Checks(this.calls, this.world, this.programs, tenants, this.plan.data)
      this.tally.begin()
      await this.lived(tenants, checks)
      return await this.judged(checks)
    } finally {
      clearInterval(progress)
      this.progress()
      await this.last?.stop()
    }
  }

  private async judged(checks: Checks): Promise<Report> {
    await checks.things()
    await checks.jobs()
    await checks.cleared()
    await checks.slots()
    await checks.atRest()
    if (this.last === undefined || this.before === undefined) throw new Error("nothing was measured")
    const after = await size(this.last, this.inspector)
    const between = this.tally.total - this.before.operations
    await this.last.stop()
    this.heard(this.last)
    await checks.over()
    return {
      violations: this.tally.violations,
      operations: this.tally.total,
      sizes: { before: this.before.size, after, between }
    }
  }
}

export const soak = (plan: Plan): Promise<Report> => new Soak(plan).run()
