/** What the soak believes: every thing that some key has, the states that it may be in, and what its files may say. */
import type { Target } from "../support/client.js"

export type Kind = "session" | "service" | "snapshot" | "image"
export type Standing = "running" | "frozen" | "failed" | "gone" | "kept"

/** Whoever has a key. */
export interface Tenant extends Target {
  readonly name: string
  /** Undefined: as many slots as it wants. */
  readonly slots: number | undefined
  /** Its operator suspends and resumes it. */
  readonly suspended: boolean
}

export interface Thing {
  readonly kind: Kind
  readonly id: string
  readonly tenant: Tenant
  /** A service's: where it is visited. */
  readonly url: string
  /** What may be true; more than one thing while nobody has looked since an answer was lost. */
  may: Set<Standing>
  locked: Set<boolean>
  /** What may be in its file; "" for none. */
  marks: Set<string>
  readonly wakes: boolean
  /** It has lost its container since somebody looked: it starts again, after a pause that doubles. */
  restarting: boolean
  /** Containers that it has lost, for those that give up after too many. */
  deaths: number
  /** The name of what it was made of. */
  readonly source: string | undefined
}

export const thing = (
  kind: Kind,
  id: string,
  tenant: Tenant,
  more: Partial<Pick<Thing, "marks" | "source" | "url" | "wakes">> = {}
): Thing => ({
  kind,
  id,
  tenant,
  may: new Set(
    kind === "snapshot" || kind === "image" ? ["kept"] : tenant.suspended ? ["running", "frozen"] : ["running"]
  ),
  locked: new Set([false]),
  marks: more.marks ?? new Set([""]),
  url: more.url ?? "",
  wakes: more.wakes ?? false,
  restarting: false,
  deaths: 0,
  source: more.source
})

export const pathOf = ({ id, kind }: Pick<Thing, "id" | "kind">): string => `/${kind}s/${id}`

export const only = <A>(set: ReadonlySet<A>, one: A): boolean => set.size === 1 && set.has(one)

export class World {
  readonly things = new Map<string, Thing>()
  /** What is gone and must stay so, by path, and who is told that it is. */
  readonly graves = new Map<string, Tenant>()
  /** Creations whose answer was lost: there may be so many things that nobody here knows. */
  lost = 0

  add(made: Thing): Thing {
    this.things.set(made.id, made)
    return made
  }

  bury(dead: Thing): void {
    this.things.delete(dead.id)
    this.graves.set(pathOf(dead), dead.tenant)
  }

  of(tenant: Tenant, ...kinds: ReadonlyArray<Kind>): ReadonlyArray<Thing> {
    return [...this.things.values()].filter((one) => one.tenant === tenant && kinds.includes(one.kind))
  }

  /** The containers are lost: sessions end with them; services start again, but do not try it for ever. */
  containersLost(deaths: 0 | 1): void {
    for (const one of this.things.values()) {
      one.deaths += deaths
      if (one.kind === "session") one.may.add("gone")
      one.restarting = true
      if (one.kind === "service" && one.deaths > 5) one.may.add("failed")
    }
  }

  /** The operator's word: whatever of it runs is held frozen, sooner or later. */
  held(tenant: Tenant): void {
    for (const one of this.of(tenant, "session", "service")) if (one.may.has("running")) one.may.add("frozen")
  }
}
