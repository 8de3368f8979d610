/** Keys of one line against each other: nobody acts on what another has, and all of it ends where its root ends. */
import { execFileSync } from "node:child_process"
import { expect, it } from "vitest"
import { request, type Target } from "../support/client.js"
import { anotherKey } from "../support/keys.js"
import { type Server, serverForTest } from "../support/server.js"

const service = async (key: Target): Promise<string> => {
  const { json } = await request(key, "POST", "/services", { body: { bootstrap: "sleep 600" } })
  return `/services/${String(json.id)}`
}

const keys = ({ data }: Server, ...argv: ReadonlyArray<string>) =>
  execFileSync("node", ["bin/unsandbox.mjs", "keys", ...argv, "--json", "--data", data], { stdio: "pipe" })

const harmful = [
  ["DELETE", ""],
  ["POST", "/freeze"],
  ["POST", "/execute"],
  ["POST", "/redeploy"],
  ["POST", "/unlock"],
  ["PUT", "/env"],
  ["POST", "/env/export"],
  ["PUT", "/domains"],
  ["POST", "/snapshot"]
] as const

const statuses = (key: Target, path: string) =>
  Promise.all(
    harmful.map(async ([method, verb]) => {
      const body = method === "DELETE" ? {} : { body: { command: "id" } }
      return (await request(key, method, `${path}${verb}`, body)).status
    })
  )

it("children, siblings and parents cannot touch what is another's, and end with their root", async () => {
  const server = await serverForTest({ pool: 3 })
  const parent = anotherKey(server, "--confirm", "off")
  const below = (key: Target) => anotherKey(server, "--parent", key.publicKey, "--confirm", "off")
  const [child, sibling] = [below(parent), below(parent)]
  const grandchild = below(child)
  const [of, ofChild] = [await service(parent), await service(child)]
  for (const key of [child, grandchild, sibling]) expect(new Set(await statuses(key, of))).toEqual(new Set([404]))
  for (const key of [parent, grandchild, sibling]) expect(new Set(await statuses(key, ofChild))).toEqual(new Set([404]))
  keys(server, "suspend", parent.publicKey, "--reason", "test")
  for (const key of [child, grandchild]) expect((await request(key, "GET", "/services")).status).toBe(403)
  keys(server, "resume", parent.publicKey)
  keys(server, "revoke", child.publicKey, "--reason", "test")
  for (const key of [child, grandchild]) expect((await request(key, "GET", "/services")).status).toBe(401)
  expect((await request(parent, "GET", "/services")).status).toBe(200)
  expect(() => anotherKey(server, "--parent", child.publicKey)).toThrow()
}, 90_000)
