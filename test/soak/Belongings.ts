/** What may be done with one thing of an actor's, and how often it is. */
import { births } from "./Births.js"
import type { Calls } from "./Calls.js"
import { look } from "./Looking.js"
import { type Order, order } from "./Orders.js"
import * as Places from "./Places.js"
import type { Random } from "./Random.js"
import type { Tenant, Thing, World } from "./World.js"

export type Deed = () => Promise<unknown>
export type Deeds = ReadonlyArray<readonly [weight: number, Deed]>

export class Belongings {
  private all: Array<Thing> = []
  private marks = 0

  constructor(
    private readonly calls: Calls,
    private readonly world: World,
    private readonly tenant: Tenant,
    private readonly chance: Random,
    private readonly name: string
  ) {}

  /** Different from any other, of whomever. */
  mark(): string {
    this.marks += 1
    return `${this.name}-${this.marks}`
  }

  get places(): ReadonlyArray<Thing> {
    return this.all.filter(({ kind }) => kind === "session" || kind === "service")
  }

  get kept(): ReadonlyArray<Thing> {
    return this.all.filter(({ kind }) => kind === "snapshot" || kind === "image")
  }

  private readonly bury = (one: Thing): void => {
    this.world.bury(one)
    this.all = this.all.filter((other) => other !== one)
  }

  async deleted(one: Thing): Promise<void> {
    if (one.locked.has(true) && this.chance.chance(0.8)) await order(this.calls, one, Places.unlock)
    if ((await order(this.calls, one, Places.remove)) !== undefined) this.bury(one)
  }

  /** What may be is what is, once what was done is over. */
  async looked(one: Thing): Promise<void> {
    if (this.all.includes(one)) await look(this.calls, this.bury, one)
  }

  async made(birth: Promise<Thing | undefined>): Promise<void> {
    const one = await birth
    if (one === undefined) return
    this.all.push(one)
    // It is only on its way.
    await this.looked(one)
  }

  private async restored(one: Thing, snapshot: Thing): Promise<void> {
    await order(this.calls, one, Places.restore(snapshot))
    // What is looked at afterwards is the snapshot.
    await this.looked(one)
  }

  private get births() {
    return births(this.calls, this.world, this.tenant)
  }

  born(): Promise<void> {
    if (this.chance.chance(0.5)) return this.made(this.births.session(this.chance.chance(0.7) ? "tmux" : "screen"))
    return this.made(this.births.service(this.chance.chance(0.5), this.chance.chance(0.2)))
  }

  withKept(one: Thing): Deeds {
    const { births, calls, chance } = this
    if (one.kind === "image")
      return [
        [3, () => this.made(births.spawn(one, chance.chance(0.5)))],
        [2, () => this.deleted(one)]
      ]
    const source = this.all.find(({ id }) => id === one.source)
    return [
      [source === undefined ? 0 : 4, async () => source && this.restored(source, one)],
      [2, () => this.made(births.clone(one, chance.chance(0.5) ? "session" : "service"))],
      [1, () => this.made(births.image(one))],
      [2, () => this.deleted(one)],
      [1, () => order(calls, one, Places.lock)]
    ]
  }

  withPlace(one: Thing): Deeds {
    const { births, calls, chance } = this
    const does = (given: Order) => [1, () => order(calls, one, given)] as const
    const often = (weight: number, given: Order) => [weight, () => order(calls, one, given)] as const
    const common: Deeds = [
      often(5, Places.freeze),
      often(5, Places.unfreeze),
      [6, () => Places.write(calls, one, this.mark())],
      [4, () => Places.read(calls, one)],
      does(Places.lock),
      often(2, Places.unlock),
      [3, () => Places.race(calls, one, chance)],
      [3, () => this.made(births.snapshot(one, chance.chance(0.5)))],
      [3, () => this.deleted(one)]
    ]
    if (one.kind === "session")
      return [...common, often(2, Places.boost(2)), often(2, Places.unboost), does(Places.extend)]
    const sized = does(Places.resize(1 + chance.under(2)))
    if (one.url === "") return [...common, sized]
    const published = [1, () => this.made(births.image(one))] as const
    return [...common, sized, published, [8, () => Places.visit(calls, one)], often(2, Places.redeploy)]
  }
}
