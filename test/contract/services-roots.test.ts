/** Roots of services: photographed, put back, and begun with; and the way in for visitors while they sleep. */
import { request as open } from "node:http"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type Ask, request } from "../support/client.js"
import { eventually } from "../support/eventually.js"
import { type Server, serverForTest, startServer } from "../support/server.js"

let server: Server
beforeAll(async () => {
  server = await startServer({ pool: 3, args: ["--memory-per-vcpu", "256MiB", "--reserve", "256MiB"] })
}, 120_000)
afterAll(() => server?.stop(), 60_000)

const ask = (method: string, path: string, more: Ask = {}) => request(server, method, path, more)
const act = (id: unknown, verb: string, body: object = {}) => ask("POST", `/services/${String(id)}/${verb}`, { body })
const runs = async (id: unknown, command: string) => (await act(id, "execute", { command })).json.stdout
const state = async (id: unknown) => (await ask("GET", `/services/${String(id)}`)).json.state
const becomes = (id: unknown, wanted: string) => eventually(`it is ${wanted}`, async () => (await state(id)) === wanted)
const made = async (body: object) => {
  const answer = await ask("POST", "/services", { body })
  expect(answer.status, answer.text).toBe(201)
  await becomes(answer.json.id, "running")
  return answer.json
}

describe("a root", () => {
  it("is photographed, put back, and what another service begins with", async () => {
    const { id } = await made({ bootstrap: "echo booted >> /srv/boots; sleep 1000" })
    await runs(id, "echo one > /home/sandbox/note; chmod 640 /home/sandbox/note; ln -s note /home/sandbox/link")
    const snapshot = await act(id, "snapshot", { name: "before" })
    expect(snapshot.json, snapshot.text).toMatchObject({ name: "before", source_id: id })
    expect(await state(id)).toBe("running")
    await runs(id, "echo two > /home/sandbox/note")
    const restored = await ask("POST", `/snapshots/${String(snapshot.json.snapshot_id)}/restore`, { body: {} })
    expect(restored.json, restored.text).toMatchObject({ status: "restored", service_id: id })
    await becomes(id, "running")
    expect(await runs(id, "cat /home/sandbox/link; stat -c %a /home/sandbox/note")).toBe("one\n640\n")

    const image = await ask("POST", "/images", { body: { source_type: "service", source_id: id, name: "gold" } })
    expect(image.status, image.text).toBeLessThan(300)
    const begun = await made({ golden_image: image.json.image_id })
    await eventually("its bootstrap ran", async () => (await runs(begun.id, "wc -l < /srv/boots")) !== "2\n")
    expect(await runs(begun.id, "cat /home/sandbox/link")).toBe("one\n")
    const unknown = await ask("POST", "/services", { body: { golden_image: "unsb-image-0000-0000-0000-0000" } })
    expect(unknown.status, unknown.text).toBe(404)
    for (const one of [id, begun.id]) expect((await ask("DELETE", `/services/${String(one)}`)).status).toBe(200)
  })

  it("of one that sleeps is photographed without waking it", async () => {
    const { id } = await made({})
    await runs(id, "echo asleep > /srv/note")
    await act(id, "freeze")
    expect((await act(id, "snapshot")).status).toBe(200)
    expect(await state(id)).toBe("frozen")
    expect((await ask("DELETE", `/services/${String(id)}`)).status).toBe(200)
  })
})

const serving = `exec perl -MIO::Socket::INET -e '
  my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => $ENV{PORT}, Listen => 99, ReuseAddr => 1) or die $!;
  while (my $c = $s->accept) { while (<$c>) { last if /^\\r?$/ } print $c "HTTP/1.0 200 OK\\r\\n\\r\\nhello"; close $c }'`

/** `fetch` does not let a Host be chosen. */
const visit = (url: string) =>
  new Promise<string>((resolve, reject) => {
    const { host, port } = new URL(url)
    const sent = open({ host: "127.0.0.1", port, path: "/", headers: { host }, agent: false }, (answer) => {
      const pieces: Array<Buffer> = []
      answer.on("data", (piece: Buffer) => pieces.push(piece))
      answer.on("end", () => resolve(`${answer.statusCode} ${Buffer.concat(pieces).toString()}`))
    })
    sent.on("error", reject)
    sent.end()
  })

describe("files of its owner's", () => {
  it("make way for those of the next deployment, whatever they have become", async () => {
    const files = (text: string) => [{ filename: "f", content: Buffer.from(text).toString("base64") }]
    const { id } = await made({ bootstrap: "cat /tmp/input/f > /srv/seen; sleep 1000", input_files: files("one") })
    await runs(id, "chmod 0444 /tmp/input/f; rm /tmp/bootstrap.sh; ln -s /etc/passwd /tmp/bootstrap.sh")
    await act(id, "redeploy", { bootstrap: "cat /tmp/input/f > /srv/seen; sleep 2000", input_files: files("two") })
    await becomes(id, "running")
    await eventually("it has the new file", async () => (await runs(id, "cat /srv/seen")) === "two")
    expect((await ask("DELETE", `/services/${String(id)}`)).status).toBe(200)
  })
})

describe("a visitor", () => {
  it("is answered by a service of which only files were left", async () => {
    const deep = await serverForTest({ args: ["--memory-per-vcpu", "256MiB", "--deep-freeze", "300ms"] })
    const body = { name: "deep", ports: [8080], bootstrap: `sleep 1; ${serving}`, unfreeze_on_demand: true }
    const { json } = await request(deep, "POST", "/services", { body })
    const come = () => visit(String(json.url))
    await eventually("it answers", async () => (await come()) === "200 hello")
    await request(deep, "POST", `/services/${String(json.id)}/freeze`, { body: {} })
    const looked = async () => (await request(deep, "GET", `/services/${String(json.id)}`)).json
    await eventually("its container is given up", async () => (await looked()).container_name === "")
    expect(await come()).toBe("200 hello")
  })

  it("reaches a service of bytes at its public port", async () => {
    const { id } = await made({ name: "bytes", service_type: "tcp", ports: [8080], bootstrap: serving })
    const view = (await ask("GET", `/services/${String(id)}`)).json
    const port = Number(view.public_port)
    expect(port).toBeGreaterThanOrEqual(30_000)
    await eventually("it answers there", () =>
      visit(`http://any:${port}`).then(
        (said) => said === "200 hello",
        () => false
      )
    )
    expect((await ask("DELETE", `/services/${String(id)}`)).status).toBe(200)
    await eventually("nobody listens there", () =>
      visit(`http://any:${port}`).then(
        () => false,
        () => true
      )
    )
  })

  it("wakes it when it may, and is answered", async () => {
    const service = await made({ name: "inn", ports: [8080], bootstrap: serving, unfreeze_on_demand: true })
    const come = () => visit(String(service.url))
    await eventually("it answers", async () => (await come()) === "200 hello")
    for (let round = 0; round < 9; round++) {
      await act(service.id, "freeze")
      expect(await come()).toBe("200 hello")
    }
    expect(await state(service.id)).toBe("running")
    await act(service.id, "freeze")
    const many = await Promise.all(Array.from({ length: 50 }, come))
    expect(new Set(many)).toEqual(new Set(["200 hello"]))
    expect((await ask("DELETE", `/services/${String(service.id)}`)).status).toBe(200)
    expect(await come()).toMatch(/^410 /)
  })
})
