/** Somebody who uses a key: does one random thing after another with what it made, and looks whether it came out so. */
import { Belongings, type Deeds } from "./Belongings.js"
import type { Calls } from "./Calls.js"
import type { Programs } from "./Programs.js"
import type { Random } from "./Random.js"
import { terminal } from "./Terminals.js"
import { pathOf, type Tenant, type Thing, type World } from "./World.js"

const MOST_PLACES = 4
const MOST_KEPT = 3

export class Actor {
  private readonly mine: Belongings

  constructor(
    private readonly calls: Calls,
    private readonly world: World,
    private readonly programs: Programs,
    private readonly tenant: Tenant,
    private readonly chance: Random,
    name: string
  ) {
    this.mine = new Belongings(calls, world, tenant, chance, name)
  }

  private async strange(): Promise<void> {
    const others = [...this.world.things.values()].filter(({ tenant }) => tenant !== this.tenant)
    const other = this.chance.one(others)
    if (other === undefined) return
    const [method, verb] = this.chance.one([
      ["GET", ""],
      ["DELETE", ""],
      ["POST", "/lock"],
      ["POST", "/unlock"]
    ]) ?? ["GET", ""]
    const { answer, disturbed } = await this.calls.ask(this.tenant, method, `${pathOf(other)}${verb}`)
    this.calls.tally.did("another key's")
    if (answer === undefined || answer.status === 404) return
    const suspended = this.tenant.suspended && answer.json.error === "suspended"
    if (answer.status < 500 ? !suspended : !disturbed)
      this.calls.tally.violated(
        `${method} ${pathOf(other)}${verb} by ${this.tenant.name}: ${answer.status} ${answer.text}`
      )
  }

  private programmed(): Promise<void> {
    const { chance, mine, programs, tenant } = this
    const kind = chance.under(5)
    if (kind < 3) return programs.awaited(tenant, mine.mark())
    return kind === 3 ? programs.polled(tenant, mine.mark()) : programs.cancelled(tenant, chance)
  }

  async step(): Promise<void> {
    const { chance, mine } = this
    const { kept, places } = mine
    const [place, layer] = [chance.one(places), chance.one(kept)]
    if (place !== undefined && places.length > MOST_PLACES) return mine.deleted(place)
    if (layer !== undefined && kept.length > MOST_KEPT) return mine.deleted(layer)
    const about: Deeds = [
      [place === undefined ? 0 : 12, async () => place && this.touched(place, mine.withPlace(place))],
      [layer === undefined ? 0 : 3, async () => layer && this.touched(layer, mine.withKept(layer))],
      [place === undefined ? 6 : 2, () => mine.born()],
      [1, () => terminal(this.calls, this.world, this.tenant, chance)],
      [3, () => this.programmed()],
      [1, () => this.strange()]
    ]
    await chance.weighted(about, () => this.programmed())()
  }

  private async touched(one: Thing, deeds: Deeds): Promise<void> {
    await this.chance.weighted(deeds, async () => undefined)()
    await this.mine.looked(one)
  }
}
