/** Services outlive the server that runs them: killed or stopped, it goes on with the same containers when it comes back. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, it, onTestFinished } from "vitest"
import { type Ask, request } from "../support/client.js"
import { eventually } from "../support/eventually.js"
import { cgroupsOf, kill, membranesOf, spawnerOf } from "../support/leftovers.js"
import { type Server, startServer } from "../support/server.js"

const args = ["--memory-per-vcpu", "256MiB", "--reserve", "256MiB"]

const directory = () => {
  const data = mkdtempSync(join(tmpdir(), "unsandbox-test-"))
  onTestFinished(async () => {
    const left = spawnerOf(data)
    if (left !== undefined) process.kill(left, "SIGTERM")
    await eventually("nothing is left", () => membranesOf(data).length === 0)
    rmSync(data, { recursive: true, force: true })
  })
  return data
}

const on = (server: Server) => {
  const ask = (method: string, path: string, more: Ask = {}) => request(server, method, path, more)
  const state = async (id: unknown) => (await ask("GET", `/services/${String(id)}`)).json
  const made = async (body: object) => (await ask("POST", "/services", { body })).json.id
  const becomes = (id: unknown, wanted: string) =>
    eventually(`${String(id)} is ${wanted}`, async () => (await state(id)).state === wanted)
  const runs = async (id: unknown, command: string) =>
    (await ask("POST", `/services/${String(id)}/execute`, { body: { command } })).json.stdout
  const act = (id: unknown, verb: string) => ask("POST", `/services/${String(id)}/${verb}`, { body: {} })
  return { ask, state, made, becomes, runs, act }
}

const ticking = { bootstrap: "echo $$ >> /srv/starts; while :; do date +%s%N > /tmp/tick; sleep 0.05; done" }

it("go on through kill -9 and a graceful stop of the server, in the same containers", async () => {
  const data = directory()
  let server = await startServer({ data, pool: 1, args })
  onTestFinished(() => server.stop())
  let { act, becomes, made, runs, state } = on(server)
  const [running, cold] = [await made(ticking), await made(ticking)]
  await becomes(running, "running")
  await becomes(cold, "running")
  await eventually("both tick", async () => (await runs(cold, "ls /tmp/tick")) === "/tmp/tick\n")
  await act(cold, "freeze")
  const before = [(await state(running)).container_name, (await state(cold)).container_name]

  const again = async () => {
    server = await startServer({ data, pool: 1, args })
    ;({ act, becomes, made, runs, state } = on(server))
    expect([(await state(running)).container_name, (await state(cold)).container_name]).toEqual(before)
    expect((await state(cold)).state).toBe("frozen")
    await eventually("it can be asked again", async () => (await runs(running, "echo yes")) === "yes\n")
    expect(await runs(running, "wc -l < /srv/starts")).toBe("1\n")
    const first = await runs(running, "cat /tmp/tick")
    await eventually("it ticks", async () => (await runs(running, "cat /tmp/tick")) !== first)
  }
  await server.kill("SIGKILL")
  await again()
  await server.stop()
  await again()

  expect((await act(cold, "unfreeze")).json).toMatchObject({ state: "running", container_name: before[1] })
  expect(await runs(cold, "wc -l < /srv/starts")).toBe("1\n")
  for (const id of [running, cold]) expect((await on(server).ask("DELETE", `/services/${String(id)}`)).status).toBe(200)
  await server.stop()
  await eventually("nothing is left", () => membranesOf(data).length === 0 && cgroupsOf(data).length === 0)
}, 180_000)

it("start again from their roots when their containers are gone", async () => {
  const data = directory()
  let server = await startServer({ data, pool: 1, args })
  onTestFinished(() => server.stop())
  const first = on(server)
  const id = await first.made(ticking)
  await first.becomes(id, "running")
  await eventually("it runs", async () => (await first.runs(id, "wc -l < /srv/starts")) === "1\n")
  await server.kill("SIGKILL")
  // As after the machine was started anew: spawner and containers are no more.
  for (const pid of membranesOf(data)) kill(pid)
  server = await startServer({ data, pool: 1, args })
  const { becomes, runs } = on(server)
  await becomes(id, "running")
  await eventually("it started again", async () => (await runs(id, "wc -l < /srv/starts")) === "2\n")
  expect((await on(server).ask("DELETE", `/services/${String(id)}`)).status).toBe(200)
}, 180_000)

it("sleep deeply after a while: no container, no memory, and awake from their roots", async () => {
  const server = await startServer({ pool: 1, args: [...args, "--deep-freeze", "500ms"] })
  onTestFinished(() => server.stop())
  const { act, becomes, made, runs, state, ask } = on(server)
  const id = await made(ticking)
  await becomes(id, "running")
  await eventually("it began", async () => (await runs(id, "wc -l < /srv/starts")) === "1\n")
  await runs(id, "echo kept > /home/sandbox/note")
  await act(id, "freeze")
  await eventually("it gave its container up", async () => (await state(id)).container_name === "")
  expect(await state(id)).toMatchObject({ state: "frozen", status: "frozen" })
  expect((await act(id, "unfreeze")).json).toMatchObject({ state: "running" })
  await eventually("it began again", async () => (await runs(id, "wc -l < /srv/starts")) === "2\n")
  expect(await runs(id, "cat /home/sandbox/note")).toBe("kept\n")
  await act(id, "freeze")
  expect((await ask("DELETE", `/services/${String(id)}`)).status).toBe(200)
}, 120_000)
