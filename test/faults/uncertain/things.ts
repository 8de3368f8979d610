/** What the server knows of things, broken: that they are, whose they are, who may use them, what state they are in. */
import type { Condition, Trial } from "./Condition.js"
import { destroying, undone } from "./callers.js"
import type { World } from "./World.js"

const deleting = ({ open, snapshot }: World): Trial["asks"] => [
  { method: "DELETE", path: `/snapshots/${snapshot}` },
  { method: "POST", path: `/snapshots/${snapshot}/restore`, body: { service_id: open } },
  { method: "POST", path: `/snapshots/${snapshot}/lock`, body: {} }
]
const locking = ({ snapshot }: World): Trial["asks"] => [
  { method: "POST", path: `/snapshots/${snapshot}/lock`, body: {} },
  { method: "POST", path: `/snapshots/${snapshot}/unlock`, body: {} }
]
const borrowing = ({ guest, image }: World): Trial["asks"] => [
  { method: "POST", path: `/images/${image}/clone`, body: {}, as: guest }
]

const ofServices = (breaking: (world: World) => Omit<Trial, "asks">) => (world: World) => ({
  ...breaking(world),
  asks: destroying(world),
  afterwards: undone(world)
})

const every = (table: string, column: string, value: string) =>
  ofServices(({ behind }) => behind.garbled({ table, column, value }))

const there: ReadonlyArray<Condition> = [
  {
    ...{ point: "D16", how: "fails", what: "the table of services is gone" },
    trial: ofServices((w) => w.behind.away("services"))
  },
  {
    ...{ point: "D16", how: "returns nothing", what: "the rows of services are gone" },
    certain: { status: 404, why: "what is not in the table is not there" },
    trial: ofServices(({ behind }) => behind.emptied("services", "true"))
  },
  {
    ...{ point: "D16", how: "returns garbage", what: "what is known of services cannot be read" },
    trial: every("services", "domains", "'{'")
  },
  {
    ...{ point: "D16", how: "fails", what: "the table of snapshots is gone" },
    trial: (world) => ({ ...world.behind.away("snapshots"), asks: deleting(world), afterwards: locking(world) })
  },
  {
    ...{ point: "D16", how: "returns garbage", what: "what a snapshot is of cannot be read" },
    trial: (world) => ({
      ...world.behind.garbled({ table: "snapshots", column: "source", value: "'enchanted'" }),
      asks: deleting(world),
      afterwards: locking(world)
    })
  }
]

const owned: ReadonlyArray<Condition> = [
  {
    ...{ point: "D17", by: "D16", how: "returns garbage", what: "services have no owner" },
    trial: every("services", "owner", "''")
  },
  {
    ...{ point: "D17", by: "D22", how: "returns garbage", what: "a service is said to be a stranger's" },
    certain: { status: 409, why: "its own history knows whose it is" },
    trial: (world) => ({
      ...world.behind.garbled({ table: "services", column: "owner", value: `'${world.guest.publicKey}'` }),
      asks: [
        { method: "DELETE", path: `/services/${world.open}`, as: world.guest },
        { method: "POST", path: `/services/${world.locked}/unlock`, body: {}, as: world.guest }
      ],
      afterwards: undone(world)
    })
  },
  {
    ...{ point: "D17", by: "D18", how: "returns garbage", what: "images have no owner" },
    trial: (world) => ({
      ...world.behind.garbled({ table: "images", column: "owner", value: "''" }),
      asks: [{ method: "DELETE", path: `/images/${world.image}` }, ...borrowing(world)],
      afterwards: borrowing(world)
    }),
    leaves: ["ImagePublished"]
  }
]

const trusted: ReadonlyArray<Condition> = [
  {
    ...{ point: "D18", how: "fails", what: "the table of grants is gone" },
    trial: (world) => ({ ...world.behind.away("image_guests"), asks: borrowing(world) })
  },
  {
    ...{ point: "D18", how: "fails", what: "the table of images is gone" },
    trial: (world) => ({ ...world.behind.away("images"), asks: borrowing(world) })
  },
  {
    ...{ point: "D18", how: "returns nothing", what: "the grants are gone" },
    certain: { status: 404, why: "what is granted to nobody is nobody else's" },
    trial: (world) => ({ ...world.behind.emptied("image_guests", "true"), asks: borrowing(world) })
  },
  {
    ...{ point: "D18", how: "returns garbage", what: "who may see an image is garbled" },
    trial: (world) => ({
      ...world.behind.garbled({ table: "images", column: "visibility", value: "'enchanted'" }),
      asks: borrowing(world)
    })
  }
]

const locks: ReadonlyArray<Condition> = [
  {
    ...{ point: "D20", by: "D16", how: "returns garbage", what: "services are neither locked nor not" },
    trial: (world) => ({
      ...world.behind.garbled({ table: "services", column: "locked", value: "2" }),
      asks: [
        { method: "DELETE", path: `/services/${world.locked}` },
        { method: "PATCH", path: `/services/${world.locked}`, body: { name: "quick" } }
      ],
      afterwards: undone(world)
    })
  },
  {
    ...{ point: "D20", by: "D16", how: "returns nothing", what: "nothing tells which services are locked" },
    trial: (world) => ({
      breaks: () => world.behind.sql("ALTER TABLE services RENAME COLUMN locked TO locked_away"),
      mends: () => world.behind.sql("ALTER TABLE services RENAME COLUMN locked_away TO locked"),
      asks: [{ method: "DELETE", path: `/services/${world.locked}` }],
      afterwards: undone(world)
    })
  },
  {
    ...{ point: "D20", by: "D22", how: "returns garbage", what: "a locked service is said to be open" },
    certain: { status: 409, why: "its own history knows that it is locked" },
    trial: (world) => ({
      ...world.behind.garbled({ table: "services", column: "locked", value: "0" }),
      asks: [{ method: "DELETE", path: `/services/${world.locked}` }],
      afterwards: undone(world)
    })
  },
  {
    ...{ point: "D20", by: "D16", how: "returns garbage", what: "snapshots are neither locked nor not" },
    trial: (world) => ({
      ...world.behind.garbled({ table: "snapshots", column: "locked", value: "-1" }),
      asks: [{ method: "DELETE", path: `/snapshots/${world.lockedSnapshot}` }],
      afterwards: locking(world)
    })
  },
  {
    ...{ point: "D20", by: "D18", how: "returns garbage", what: "images are neither locked nor not" },
    trial: (world) => ({
      ...world.behind.garbled({ table: "images", column: "locked", value: "7" }),
      asks: [{ method: "DELETE", path: `/images/${world.lockedImage}` }],
      afterwards: borrowing(world)
    })
  }
]

const confirmed: ReadonlyArray<Condition> = (["fails", "hangs"] as const).map((how) => ({
  point: "D21",
  how,
  what: how === "fails" ? "the memory of challenges is gone" : "a challenge cannot be written in time",
  trial: ({ behind, careful, treasure }) => ({
    ...(how === "fails" ? behind.away("confirmations") : behind.held()),
    asks: [{ method: "DELETE", path: `/services/${treasure}`, as: careful }],
    // Its person has not spoken: what else it asks for is done.
    afterwards: [{ method: "PATCH", path: `/services/${treasure}`, body: { name: "treasure" }, as: careful }]
  })
}))

/** A person's right code, for a challenge whose own history says that it lives for a week. */
const answered: Condition = {
  ...{ point: "D21", how: "lies about time", what: "a challenge lives longer than any" },
  trial: async ({ ask, behind, careful, operator, treasure }, mark) => {
    const path = `/services/${treasure}`
    const { json, text } = await ask("DELETE", `${path}?${mark}`, undefined, careful)
    const challenge = String(json.challenge_id)
    const code = await operator.code(challenge)
    if (code === undefined) throw new Error(`nobody was asked: ${text}`)
    const value = "json_set(data, '$.expiresAt', json_extract(data, '$.expiresAt') + 604800000000)"
    const headers = { "x-sudo-challenge": challenge, "x-sudo-otp": code }
    return {
      ...behind.garbled({
        table: "events",
        column: "data",
        value,
        where: `stream = 'confirmation/${challenge}' AND version = 1`
      }),
      asks: [{ method: "DELETE", path, headers, as: careful }],
      afterwards: [{ method: "PATCH", path, body: { name: "treasure" }, as: careful }]
    }
  },
  leaves: ["ConfirmationGiven"]
}

/** Its first event is garbled or gone: those who are woken for a command read it. */
const history = ({ snapshot }: World) => `stream = 'snapshot/${snapshot}' AND version = 1`

const states: ReadonlyArray<Condition> = [
  {
    ...{ point: "D22", or: ["D05", "D06"], how: "fails", what: "no history can be read" },
    trial: (world) => ({ ...world.behind.away("events"), asks: deleting(world), afterwards: locking(world) })
  },
  {
    ...{ point: "D22", how: "returns garbage", what: "a history is no text of ours" },
    trial: (world) => ({
      ...world.behind.garbled({ table: "events", column: "data", value: "'{'", where: history(world) }),
      asks: deleting(world),
      afterwards: locking(world)
    })
  },
  {
    ...{ point: "D22", how: "returns garbage", what: "a history tells of what nobody knows" },
    trial: (world) => ({
      ...world.behind.garbled({ table: "events", column: "data", value: "'{}'", where: history(world) }),
      asks: deleting(world),
      afterwards: locking(world)
    })
  },
  {
    ...{ point: "D22", how: "returns nothing", what: "a history lacks its beginning" },
    trial: (world) => ({
      ...world.behind.emptied("events", `stream = 'snapshot/${world.lockedSnapshot}' AND version = 1`),
      asks: [{ method: "POST", path: `/snapshots/${world.lockedSnapshot}/unlock`, body: {} }],
      afterwards: locking(world)
    })
  }
]

export const things = [...there, ...owned, ...trusted, ...locks, ...confirmed, answered, ...states]
