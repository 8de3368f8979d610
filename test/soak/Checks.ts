/** What must hold when it is over: nothing lost, nothing stuck, nothing left, and a history that says so. */
import type { Answer } from "../support/client.js"
import { json } from "../support/command.js"
import { eventually } from "../support/eventually.js"
import { cgroupsOf, membranesOf } from "../support/leftovers.js"
import type { Calls } from "./Calls.js"
import { look } from "./Looking.js"
import type { Programs } from "./Programs.js"
import { differences } from "./Rebuilding.js"
import { mountsOf, remains } from "./Remains.js"
import type { Tally } from "./Tally.js"
import { type Kind, pathOf, type Tenant, type World } from "./World.js"

const SETTLED_WITHIN = 60_000
const AT_ONCE = 4
const kinds: ReadonlyArray<Kind> = ["session", "service", "snapshot", "image"]

const inTurns = async <A>(all: ReadonlyArray<A>, each: (one: A) => Promise<unknown>): Promise<void> => {
  const left = [...all]
  const worker = async () => {
    for (let one = left.pop(); one !== undefined; one = left.pop()) await each(one)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}

const listed = ({ json }: Answer, kind: Kind): ReadonlyArray<string> => {
  const all = json[`${kind}s`]
  return Array.isArray(all) ? all.map((one) => String(one.id)) : []
}

/** Adds to the tally instead of failing: what is wrong is told together. */
const must = (tally: Tally, what: string, holds: () => boolean | Promise<boolean>, told: () => string = () => "") =>
  eventually(what, holds, SETTLED_WITHIN).catch((error: unknown) => tally.violated(`${String(error)} ${told()}`))

export class Checks {
  constructor(
    private readonly calls: Calls,
    private readonly world: World,
    private readonly programs: Programs,
    private readonly tenants: ReadonlyArray<Tenant>,
    private readonly data: string
  ) {}

  /** What was deleted stays so, and whoever had it is told. */
  async graves(most = Number.POSITIVE_INFINITY): Promise<void> {
    await inTurns([...this.world.graves].slice(-Math.min(most, this.world.graves.size)), async ([path, tenant]) => {
      const { status, text } = await this.calls.look(tenant, path)
      if (status !== 410) this.calls.tally.violated(`${path} is deleted, and answers ${status} ${text}`)
    })
  }

  /** Everything that an answer was given for is there, as it may be, and nothing is between two states. */
  async things(): Promise<void> {
    await inTurns([...this.world.things.values()], (one) =>
      look(this.calls, (gone) => this.world.bury(gone), one).catch((error: unknown) =>
        this.calls.tally.violated(String(error))
      )
    )
  }

  async jobs(): Promise<void> {
    await inTurns(this.programs.jobs, async (job) => {
      const { status, text } = await this.programs.ended(job)
      if (status !== 200) this.calls.tally.violated(`${job.id} was accepted, and answers ${status} ${text}`)
    })
  }

  /** Of all that is listed; what nobody here knows is as many as answers were lost. */
  async cleared(): Promise<void> {
    let strange = 0
    for (const tenant of this.tenants)
      for (const kind of kinds) {
        const ids = listed(await this.calls.look(tenant, kind === "image" ? "/images/owned" : `/${kind}s`), kind)
        for (const one of this.world.of(tenant, kind))
          if (!ids.includes(one.id)) this.calls.tally.violated(`${one.id} of ${tenant.name} is not listed`)
        strange += ids.filter((id) => !this.world.things.has(id)).length
        await inTurns(ids, (id) => this.deleted(tenant, pathOf({ kind, id })))
      }
    if (strange > this.world.lost)
      this.calls.tally.violated(`${strange} things are there that nobody made, of ${this.world.lost} lost answers`)
    await this.graves()
  }

  private async deleted(tenant: Tenant, path: string): Promise<void> {
    await this.calls.ask(tenant, "POST", `${path}/unlock`, {})
    const { answer } = await this.calls.ask(tenant, "DELETE", path)
    if (answer?.status !== 200) this.calls.tally.violated(`DELETE ${path}: ${answer?.status} ${answer?.text}`)
    this.world.things.delete(path.split("/").at(-1) ?? "")
    this.world.graves.set(path, tenant)
  }

  /** As many programs at one time as each key may have. */
  async slots(): Promise<void> {
    for (const tenant of this.tenants) {
      const run = () => this.calls.ask(tenant, "POST", "/execute", { language: "bash", code: "sleep 1; echo $$" })
      const told = await Promise.all(Array.from({ length: tenant.slots ?? 2 }, run))
      for (const { answer } of told)
        if (answer?.json.success !== true)
          this.calls.tally.violated(`a slot of ${tenant.name} is lost: ${answer?.text}`)
    }
  }

  /** The kernel and the disk have what the pools keep warm, and nothing else. */
  async atRest(): Promise<void> {
    const [{ tally }, [first]] = [this.calls, this.tenants]
    if (first === undefined) return
    let seen = ""
    let warm = 0
    const full = async () => {
      const { json, text } = await this.calls.look(first, "/pools")
      seen = text
      const pools: ReadonlyArray<Record<string, unknown>> = Array.isArray(json.pools) ? json.pools : []
      warm = pools.reduce((sum, pool) => sum + Number(pool.available), 0)
      return pools.every(
        (pool) => pool.allocated === 0 && pool.lingering === 0 && pool.waiting === 0 && pool.available === pool.target
      )
    }
    await must(tally, "pools are as they began", full, () => seen)
    for (const [what, found] of Object.entries(remains(this.data)))
      await must(
        tally,
        `no ${what} is left over (beyond those of ${warm} warm containers)`,
        () => found(warm).length === 0,
        () => found(warm).slice(0, 5).join(" ")
      )
  }

  /** After the server has ended. */
  async over(): Promise<void> {
    const { tally } = this.calls
    await must(tally, "every process of the membrane ended", () => membranesOf(this.data).length === 0)
    await must(tally, "every cgroup is removed", () => cgroupsOf(this.data).length === 0)
    await must(tally, "every mount is gone", () => mountsOf(this.data).length === 0)
    const verdict = await json("verify", "--data", this.data)
    if (verdict.ok !== true) tally.violated(`the chain: ${JSON.stringify(verdict)}`)
    for (const difference of await differences(this.data)) tally.violated(`not what the log makes of it: ${difference}`)
  }
}
