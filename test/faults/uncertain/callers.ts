/** What the server knows of who calls, broken: keys, their secrets, their rates, their line. */
import { expect } from "vitest"
import type { Broken } from "../../support/behind.js"
import type { Target } from "../../support/client.js"
import { type Condition, ofKey, run, type Trial } from "./Condition.js"
import type { World } from "./World.js"

/** No time that a clock of this world shows: neither is it an integer that can be reckoned with. */
const NEVER = "4611686018427387904"

/** Of a key that nobody has used yet, so that nothing of it is in memory. */
const unused =
  (breaking: (world: World, key: Target) => Broken) =>
  async (world: World): Promise<Trial> => {
    const key = await world.operator.key()
    return { ...breaking(world, key), asks: [run(key)] }
  }

/** The server looks at keys of its own accord, and may have read the row between the two: then it is done again. */
const unreadable = ({ ask, behind, operator }: World, key: Target): Broken => {
  const { breaks, mends } = behind.away("keys")
  const isRead = async () => (await ask("GET", "/keys/self", undefined, key)).status === 200
  return {
    breaks: async () => {
      for (let turn = 0; turn < 10; turn += 1) {
        await operator.confirm(key, turn % 2 === 0 ? "always" : "on")
        await breaks()
        if (!(await isRead())) return
        await mends()
      }
      throw new Error("the key was always read in time")
    },
    mends: async () => {
      await mends()
      await operator.confirm(key, "off")
    }
  }
}

const row = (change: string) => unused((world, key) => ofKey(world, key, change))
const above = (change: string) => (world: World) => ({
  ...ofKey(world, world.parent, change),
  asks: [run(world.child), { method: "DELETE", path: `/services/${world.childs}`, as: world.child }],
  afterwards: [run(world.child)]
})

const known: ReadonlyArray<Condition> = [
  {
    ...{ point: "D01", how: "fails", what: "the table of keys is gone" },
    trial: unused(unreadable)
  },
  {
    ...{ point: "D01", how: "returns nothing", what: "a key's row is gone" },
    certain: { status: 401, why: "what is not in the table is no key" },
    trial: row("DELETE FROM keys")
  },
  {
    ...{ point: "D02", how: "returns garbage", what: "a key has a standing that nobody knows" },
    trial: row("UPDATE keys SET status = 'enchanted'")
  },
  {
    ...{ point: "D02", how: "returns garbage", what: "the key above has a standing that nobody knows" },
    trial: above("UPDATE keys SET status = 'enchanted'")
  },
  {
    ...{ point: "D02", how: "lies about time", what: "a key expires at no time" },
    trial: row(`UPDATE keys SET expires_at = ${NEVER}`)
  },
  {
    ...{ point: "D02", how: "lies about time", what: "the key above expires at no time" },
    trial: above(`UPDATE keys SET expires_at = ${NEVER}`)
  },
  {
    ...{ point: "D02", how: "lies about time", what: "a key expired before there was time" },
    trial: row("UPDATE keys SET expires_at = -1")
  },
  {
    ...{ point: "D02", how: "lies about time", what: "a key has expired in 1970" },
    certain: { status: 401, why: "that is a time, and it has passed" },
    trial: row("UPDATE keys SET expires_at = 1")
  }
]

/** A service that sleeps is called by somebody who is nobody to the server. */
const visited: Condition = {
  ...{ point: "D02", how: "fails", what: "a visitor comes while the key of a sleeping service's owner cannot be read" },
  trial: async (world) => {
    const { ask, child, childs } = world
    const path = `/services/${childs}`
    await ask("PATCH", path, { unfreeze_on_demand: true }, child)
    await ask("POST", `${path}/freeze`, {}, child)
    const { host, origin } = new URL(String((await ask("GET", path, undefined, child)).json.url))
    const as = { ...child, url: origin.replace(/\/\/[^:]*/, "//127.0.0.1") }
    return {
      ...ofKey(world, child, "UPDATE keys SET limits = 'enchanted'"),
      asks: [{ method: "GET", path: "/", headers: { host }, as }],
      afterwards: [{ method: "POST", path: `${path}/unfreeze`, body: {}, as: child }]
    }
  },
  refuses: ({ status, text }) => expect(status, text).toBe(503),
  action: (_, { childs }) => `wake ${childs}`
}

const sealed = ({ publicKey }: Target) => `name = 'key/${publicKey}'`
const sealedWith = (value: string) =>
  unused(({ behind }, key) => behind.garbled({ table: "secrets", column: "sealed", value, where: sealed(key) }))

const proven: ReadonlyArray<Condition> = [
  {
    ...{ point: "D03", how: "fails", what: "the table of secrets is gone" },
    trial: unused(({ behind }) => behind.away("secrets"))
  },
  {
    ...{ point: "D03", how: "returns nothing", what: "a key's secret is gone" },
    trial: unused(({ behind }, key) => behind.emptied("secrets", sealed(key)))
  },
  { ...{ point: "D03", how: "returns garbage", what: "a key's secret is garbled" }, trial: sealedWith("x'00'") },
  {
    ...{ point: "D03", how: "returns garbage", what: "a key's secret is another key's" },
    trial: async (world) => {
      const other = await world.operator.key()
      const columns = "(version, root, wrapped, nonce, sealed)"
      const value = `(SELECT version, root, wrapped, nonce, sealed FROM secrets WHERE ${sealed(other)})`
      const key = await world.operator.key()
      return {
        ...world.behind.garbled({ table: "secrets", column: columns, value, where: sealed(key) }),
        asks: [run(key)]
      }
    }
  }
]

/** Everything that `destroying` asks for needs consent, which is remembered; the last can be undone. */
const destroying = ({ locked, open }: World): Trial["asks"] => [
  { method: "DELETE", path: `/services/${open}` },
  { method: "POST", path: `/services/${open}/redeploy`, body: { bootstrap_content: "echo overwritten" } },
  { method: "POST", path: `/services/${locked}/unlock`, body: {} }
]
const undone = ({ locked }: World): Trial["asks"] => [
  { method: "POST", path: `/services/${locked}/unlock`, body: {} },
  { method: "POST", path: `/services/${locked}/lock`, body: {} }
]

const remembered: ReadonlyArray<Condition> = [
  {
    ...{ point: "D05", how: "fails", what: "the memory of requests is gone" },
    trial: (world) => ({ ...world.behind.away("seen_requests"), asks: destroying(world), afterwards: undone(world) })
  },
  {
    ...{ point: "D05", how: "hangs", what: "the memory of requests cannot be written in time" },
    trial: (world) => ({
      ...world.behind.held(),
      asks: [{ method: "DELETE", path: `/services/${world.open}` }, ...undone(world).slice(0, 1)],
      afterwards: undone(world)
    })
  }
]

const reserved = (tat: string) =>
  unused(({ behind: { sql } }, { publicKey }) => ({
    breaks: () => sql(`INSERT INTO rates VALUES ('${publicKey}', ${tat})`),
    mends: () => sql(`DELETE FROM rates WHERE key = '${publicKey}'`)
  }))

const charged: ReadonlyArray<Condition> = [
  {
    ...{ point: "D06", how: "fails", what: "the ledger of rates is gone" },
    trial: unused(({ behind }) => behind.away("rates"))
  },
  {
    ...{ point: "D06", how: "hangs", what: "the ledger of rates cannot be written in time" },
    trial: unused(({ behind }) => behind.held())
  },
  {
    ...{ point: "D06", how: "lies about time", what: "a key has used up its rate for ten days to come" },
    trial: reserved("(strftime('%s', 'now') + 864000) * 1000000")
  },
  { ...{ point: "D06", how: "returns garbage", what: "a key's rate is no number" }, trial: reserved(NEVER) }
]

const granted: ReadonlyArray<Condition> = [
  {
    ...{ point: "D08", by: "D01", how: "returns garbage", what: "a key's limits cannot be read" },
    trial: row("UPDATE keys SET limits = 'enchanted'")
  },
  {
    ...{ point: "D08", by: "D01", how: "returns garbage", what: "a key has a scope that nobody knows" },
    trial: row(`UPDATE keys SET scopes = '["fly"]'`)
  },
  {
    ...{ point: "D08", how: "returns garbage", what: "a key has a tier that nobody knows" },
    certain: { status: 403, why: "such a tier includes nothing" },
    trial: (world) => ({
      ...ofKey(world, world.child, "UPDATE keys SET tier = 'enchanted'"),
      asks: [{ method: "PATCH", path: `/services/${world.childs}`, body: { vcpu: 1 }, as: world.child }]
    })
  },
  {
    ...{ point: "D21", by: "D01", how: "returns garbage", what: "whether a person must confirm is garbled" },
    trial: (world) => ({
      ...ofKey(world, world.child, "UPDATE keys SET confirm = 'enchanted'"),
      asks: [{ method: "DELETE", path: `/services/${world.childs}`, as: world.child }, run(world.child)],
      afterwards: [run(world.child)]
    })
  }
]

const born: ReadonlyArray<Condition> = [
  {
    ...{ point: "D19", how: "returns garbage", what: "a key was given to a service that nobody can name" },
    trial: (world) => ({
      ...ofKey(world, world.child, "UPDATE keys SET given_to = ''"),
      asks: [{ method: "DELETE", path: `/services/${world.childs}`, as: world.child }],
      afterwards: [run(world.child)]
    })
  },
  {
    ...{ point: "D19", by: "D02", how: "returns nothing", what: "the key above is not there" },
    certain: { status: 401, why: "a key without the one that answers for it counts as revoked" },
    trial: (world) => ({
      ...ofKey(world, world.parent, "DELETE FROM keys"),
      asks: [{ method: "DELETE", path: `/services/${world.childs}`, as: world.child }],
      afterwards: [run(world.child)]
    })
  },
  {
    ...{ point: "D11", how: "returns garbage", what: "the secret that nothing handed over may hold is garbled" },
    trial: async ({ behind, operator }) => {
      const parent = await operator.key()
      const child = await operator.key({ parent })
      return {
        ...behind.garbled({ table: "secrets", column: "sealed", value: "x'00'", where: sealed(parent) }),
        asks: [{ method: "POST", path: "/services", body: { bootstrap_content: "sleep 1" }, as: child }],
        afterwards: [run(child)]
      }
    }
  }
]

export const callers = [...known, visited, ...proven, ...remembered, ...charged, ...granted, ...born]
export { destroying, undone }
