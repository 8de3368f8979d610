/** Section 8 of the contract, with its aliases, against the real server and real containers. */
import { createHash } from "node:crypto"
import { get as fetch } from "node:http"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { imageOf } from "../store/images.js"
import { type Answer, answerOf, begin, credentials, request, type Target } from "../support/client.js"
import { anotherKey } from "../support/keys.js"
import { type Server, startServer } from "../support/server.js"

let server: Server
let other: Target
let third: Target
beforeAll(async () => {
  server = await startServer({ pool: 4, args: ["--proxy-port", "0"] })
  other = anotherKey(server)
  third = anotherKey(server)
}, 120_000)
afterAll(() => server?.stop(), 60_000)

const by = (who: Target, method: string, path: string, body?: object) =>
  request(who, method, path, body === undefined ? {} : { body })
const get = (path: string) => by(server, "GET", path)
const post = (path: string, body: object = {}) => by(server, "POST", path, body)

const fine = (answer: Answer): Record<string, unknown> => {
  expect([200, 201], answer.text).toContain(answer.status)
  expect(answer.text).not.toMatch(/:null|": /)
  return answer.json
}
const idsOf = ({ images }: Record<string, unknown>): ReadonlyArray<unknown> =>
  Array.isArray(images) ? images.map(({ id }) => id) : []

/** What was asked, until it is so. */
const standing = async (who: Target, id: unknown, state: string): Promise<void> => {
  for (let tries = 0; tries < 200; tries++) {
    const { json } = await by(who, "GET", `/services/${String(id)}`)
    if (json.state === state) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`${String(id)} is not ${state}`)
}
const run = async (who: Target, id: unknown, command: string): Promise<string> => {
  const answer = await by(who, "POST", `/services/${String(id)}/execute`, { command })
  expect([200, 202], answer.text).toContain(answer.status)
  return String(answer.json.stdout)
}

const bootstrap = "sleep 1000000"
const service = async (): Promise<string> => {
  const { service_id } = fine(await post("/services", { bootstrap }))
  await standing(server, service_id, "running")
  return String(service_id)
}

const published = async (path = "/images", more: object = {}) => {
  const source_id = await service()
  await run(server, source_id, "echo base > /srv/base")
  const body = { source_type: "service", source_id, name: "base", description: "a base", ...more }
  return { source_id, image: fine(await post(path, body)) }
}

describe("an image", () => {
  it("is published of a service or a snapshot, whose content it shares", async () => {
    const { image, source_id } = await published()
    expect(image).toMatchObject({
      ...{ name: "base", description: "a base", source_type: "service", source_id },
      ...{ visibility: "private", locked: false, owner_api_key: server.publicKey, image_id: image.id }
    })
    expect(image.id).toMatch(/^unsb-image(-[0-9a-f]{4}){4}$/)
    expect(image.fingerprint).toMatch(/^[0-9a-f]{64}$/)
    expect(Number(image.size_bytes)).toBeGreaterThan(0)
    expect(new Date(String(image.created_at)).toISOString()).toBe(image.created_at)

    const { id: snapshot } = fine(await post(`/services/${source_id}/snapshot`))
    const again = fine(await post("/images/publish", { source_type: "snapshot", source_id: snapshot }))
    expect(again).toMatchObject({ source_type: "snapshot", source_id: snapshot, name: again.id })
    expect(fine(await get(`/images/${String(image.id)}`))).toMatchObject({ ...image, trusted_keys: [] })
    // What it was made of may go; it stays.
    fine(await by(server, "DELETE", `/snapshots/${String(snapshot)}`))
    const cloned = fine(await post(`/images/${String(again.id)}/clone`, { name: "copy" }))
    expect(cloned).toMatchObject({ name: "copy", fingerprint: again.fingerprint, source_type: "image" })
    expect(cloned.id).not.toBe(again.id)
    expect(idsOf(fine(await get("/images/owned")))).toEqual([cloned.id, again.id, image.id])
  }, 180_000)

  it("is started as a service, with its content", async () => {
    const { image } = await published()
    const body = { name: "spawned", ports: "80,81", bootstrap }
    const spawned = fine(await post(`/images/${String(image.id)}/spawn`, { ...body, network: "semitrusted" }))
    expect(spawned).toMatchObject({ name: "spawned", source_image: image.id, state: "starting", ports: [80, 81] })
    expect(spawned).toMatchObject({ network_mode: "semitrusted" })
    expect(spawned.id).toBe(spawned.service_id)
    await standing(server, spawned.id, "running")
    expect(await run(server, spawned.id, "cat /srv/base")).toBe("base\n")
  }, 180_000)

  it("is one key's alone until it is granted or shown", async () => {
    const { image } = await published()
    const path = `/images/${String(image.id)}`
    const sees = async (who: Target, filter = "") =>
      idsOf(fine(await by(who, "GET", `/images${filter}`))).includes(image.id)
    for (const [method, route, body] of [
      ["GET", path, undefined],
      ["POST", `${path}/clone`, {}],
      ["POST", `${path}/spawn`, {}],
      ["POST", `${path}/lock`, {}],
      ["DELETE", path, undefined]
    ] as const)
      expect((await by(other, method, route, body)).status, `${method} ${route}`).toBe(404)
    expect(await sees(other)).toBe(false)

    expect(fine(await post(`${path}/grant`, { api_key: other.publicKey }))).toMatchObject({
      success: true,
      trusted_keys: [other.publicKey]
    })
    expect(fine(await by(other, "GET", path)).id).toBe(image.id)
    expect(await sees(other, "/shared")).toBe(true)
    expect(await sees(other, "?filter=shared")).toBe(true)
    expect(await sees(other, "/owned")).toBe(false)
    expect((await by(third, "GET", path)).status).toBe(404)
    // A guest uses it, and changes nothing of it.
    expect((await by(other, "DELETE", path)).status).toBe(403)
    expect((await by(other, "GET", `${path}/trusted`)).status).toBe(403)
    const cloned = fine(await by(other, "POST", `${path}/clone`, {}))
    expect(cloned).toMatchObject({ owner_api_key: other.publicKey, visibility: "private" })

    fine(await post(`${path}/revoke`, { api_key: other.publicKey }))
    expect((await by(other, "GET", path)).status).toBe(404)
    expect(fine(await by(other, "GET", `/images/${String(cloned.id)}`)).id).toBe(cloned.id)

    expect(fine(await post(`${path}/visibility`, { visibility: "unlisted" })).visibility).toBe("unlisted")
    expect(fine(await by(third, "GET", path)).id).toBe(image.id)
    expect(await sees(third)).toBe(false)
    fine(await post(`${path}/visibility`, { visibility: "public" }))
    expect(await sees(third, "/public")).toBe(true)
    expect(await sees(third)).toBe(true)
    expect((await post(`${path}/visibility`, { visibility: "world" })).status).toBe(400)
  }, 180_000)

  it("is granted and revoked by every path and name that clients use", async () => {
    const { image } = await published("/images/publish")
    const path = `/images/${String(image.id)}`
    const key = other.publicKey
    const trusted = async (route = "trusted") => fine(await get(`${path}/${route}`)).trusted
    const grants = [
      ["/grant", { trusted_api_key: key }],
      ["/grant", { trusted_key: key }],
      ["/grant-access", { api_key: key }],
      ["/access/grant", { api_key: key }],
      ["/access", { trusted_api_key: key }]
    ] as const
    const revokes: ReadonlyArray<readonly [string, string, object?]> = [
      ["POST", "/revoke", { trusted_key: key }],
      ["POST", "/revoke-access", { api_key: key }],
      ["POST", "/access/revoke", { api_key: key }],
      ["DELETE", `/access/${key}`],
      ["DELETE", "/access", { api_key: key }]
    ]
    for (const [index, [route, body]] of grants.entries()) {
      expect(fine(await post(path + route, body)).success, route).toBe(true)
      expect(await trusted(index % 2 === 0 ? "trusted" : "access"), route).toEqual([key])
      const [method = "", away = "", said] = revokes[index] ?? []
      expect(fine(await by(server, method, path + away, said)).success, away).toBe(true)
      expect(await trusted(), away).toEqual([])
    }
    expect((await post(`${path}/grant`, { api_key: "nobody" })).status).toBe(400)
    expect((await post(`${path}/grant`, {})).status).toBe(400)
  }, 120_000)

  it("is locked, given away and deleted", async () => {
    const { image } = await published()
    const path = `/images/${String(image.id)}`
    expect(fine(await post(`${path}/lock`))).toMatchObject({ locked: true })
    expect((await by(server, "DELETE", path)).status).toBe(409)
    expect((await post(`${path}/transfer`, { to_api_key: other.publicKey })).status).toBe(409)
    expect(fine(await post(`${path}/unlock`))).toMatchObject({ locked: false })
    expect((await post(`${path}/transfer`, { to_api_key: "unsb-pk-nobo-dyno-body-0000" })).status).toBe(400)
    expect(fine(await post(`${path}/transfer`, { to_api_key: other.publicKey })).success).toBe(true)
    expect((await get(path)).status).toBe(404)
    expect(fine(await by(other, "GET", path)).owner_api_key).toBe(other.publicKey)
    expect(fine(await by(other, "DELETE", path))).toMatchObject({ success: true })
    expect((await by(other, "GET", path)).status).toBe(410)
    expect((await by(third, "GET", path)).status).toBe(404)
  }, 120_000)

  it("is refused with the reason", async () => {
    expect(await post("/images")).toMatchObject({ status: 400, json: { error: "source_required" } })
    expect((await post("/images", { source_type: "session", source_id: "x" })).status).toBe(400)
    expect((await post("/images", { source_type: "service", source_id: "unsb-service-0000000000000000" })).status).toBe(
      404
    )
    const { source_id } = await published()
    expect((await by(other, "POST", "/images", { source_type: "service", source_id })).status).toBe(404)
    expect((await get("/images/unsb-image-0000-0000-0000-0000")).status).toBe(404)
    expect((await get("/images?filter=mine")).status).toBe(400)
  }, 120_000)
})

/** As an archive goes out. */
const exported = (path: string): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const headers = credentials(server, "GET", path, Buffer.alloc(0))
    fetch(new URL(path, server.url), { headers }, (response) => {
      const chunks: Array<Buffer> = []
      response.on("data", (chunk: Buffer) => chunks.push(chunk))
      response.on("error", reject)
      response.on("end", () => {
        expect(response.headers["content-type"]).toBe("application/x-tar")
        const all = Buffer.concat(chunks)
        expect(Number(response.headers["content-length"])).toBe(all.length)
        resolve(all)
      })
    })
  })

/** What is signed is the digest; the body may be large. */
const imported = (archive: Buffer, query = "", digest = createHash("sha256").update(archive).digest("hex")) => {
  const path = `/images/import${query}`
  const sent = begin(server, "POST", path, {
    "content-type": "application/x-tar",
    "content-length": String(archive.length),
    "x-content-sha256": digest,
    ...credentials(server, "POST", path, Buffer.from(digest))
  })
  const answer = answerOf(sent)
  sent.end(archive)
  return answer
}

describe("an image as an OCI layout", () => {
  it("goes out and comes back, larger than any other body may be", async () => {
    const source_id = await service()
    await run(
      server,
      source_id,
      "head -c 20000000 /dev/urandom > /srv/large; ln -s /etc/passwd /srv/link; chmod 700 /srv"
    )
    const image = fine(await post("/images", { source_type: "service", source_id, name: "out" }))
    const archive = await exported(`/images/${String(image.id)}/export`)
    expect(archive.length).toBeGreaterThan(20_000_000)
    const back = fine(await imported(archive, "?name=back&visibility=unlisted"))
    expect(back).toMatchObject({
      ...{ name: "back", source_type: "import", source_id: "", visibility: "unlisted", skipped: 0 },
      ...{ fingerprint: image.fingerprint, owner_api_key: server.publicKey }
    })
    const spawned = fine(await post(`/images/${String(back.id)}/spawn`, { bootstrap }))
    await standing(server, spawned.id, "running")
    expect(await run(server, spawned.id, "stat -c %s /srv/large; readlink /srv/link")).toBe("20000000\n/etc/passwd\n")
    expect((await by(other, "GET", `/images/${String(image.id)}/export`)).status).toBe(404)
  }, 180_000)

  it("is refused when it is hostile, or not what was signed", async () => {
    const foreign = await imageOf([
      [
        { name: "etc/passwd", content: "x" },
        { name: "srv/x", content: "y" }
      ]
    ])
    expect(await imported(foreign)).toMatchObject({ status: 400, json: { error: "archive_outside" } })
    expect(fine(await imported(foreign, "?partial=1"))).toMatchObject({ skipped: 1 })
    const climbing = await imageOf([[{ name: "srv/../../etc/cron.d/x", content: "x" }]])
    expect(await imported(climbing)).toMatchObject({ status: 400, json: { error: "archive_traversal" } })
    const lie = createHash("sha256").update("else").digest("hex")
    expect(await imported(foreign, "?partial=1", lie)).toMatchObject({ status: 400, json: { error: "archive_digest" } })
    expect((await imported(foreign, "", "x")).json.error).toBe("digest_required")
    const unsigned = await request(server, "POST", "/images/import", {
      body: foreign,
      headers: { "x-content-sha256": lie }
    })
    expect(unsigned.status).toBe(401)
  }, 60_000)
})
