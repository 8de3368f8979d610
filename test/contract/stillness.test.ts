/** A data directory on a file system that shares blocks: what is photographed goes on while its layer is packed. */
import { readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { beforeAll, expect, it, onTestFinished } from "vitest"
import { type Ask, request } from "../support/client.js"
import { eventually } from "../support/eventually.js"
import { membranesOf, processesWith, spawnerOf } from "../support/leftovers.js"
import * as Mounted from "../support/mounted.js"
import { serverForTest } from "../support/server.js"

const args = ["--memory-per-vcpu", "256MiB", "--reserve", "256MiB"]
const MEBIBYTES = 128

/** Counts for ever, one after the other in two files; from a root where it has counted it only looks on. */
const counting = `[ -e /srv/done ] && exec sleep 1000
head -c ${MEBIBYTES}M /dev/urandom > /srv/noise
sha256sum < /srv/noise > /srv/sum
sync
touch /srv/done
while :; do
  n=$((n + 1))
  echo $n > /srv/next; mv /srv/next /srv/first
  echo $n > /srv/next; mv /srv/next /srv/second
  sleep 0.005
done`

const dataOnXfs = (): string => {
  const { at, release } = Mounted.xfs("1000M")
  const data = join(at, "data")
  onTestFinished(async () => {
    const left = spawnerOf(data)
    if (left !== undefined) process.kill(left, "SIGTERM")
    await eventually("nothing is left", () => membranesOf(data).length === 0).finally(release)
  })
  return data
}

beforeAll(Mounted.prepare, 240_000)

it("a service counts on while its layer is packed, and what was photographed is of one moment", async () => {
  const data = dataOnXfs()
  const server = await serverForTest({ data, pool: 1, args })
  const ask = async (method: string, path: string, more: Ask = {}) => {
    const answer = await request(server, method, path, more)
    expect(answer.status, answer.text).toBeLessThan(300)
    return answer.json
  }
  const { id } = await ask("POST", "/services", { body: { bootstrap: counting } })
  const runs = async (command: string) =>
    String((await ask("POST", `/services/${String(id)}/execute`, { body: { command } })).stdout)
  const becomes = (state: string) =>
    eventually(`it is ${state}`, async () => (await ask("GET", `/services/${String(id)}`)).state === state)
  const first = join(data, "volumes", String(id), "srv/first")
  await eventually("it counts", () => Number(counted(first)) > 10)

  let answered = false
  const photographed = ask("POST", `/services/${String(id)}/snapshot`, { body: {} }).finally(() => {
    answered = true
  })
  let last = 0
  await whileItIsPacked(data, async () => {
    const from = Number(counted(first))
    await eventually("it counts on", () => {
      last = Number(counted(first))
      return last > from + 5
    })
    expect([answered, packed(data) > 0]).toEqual([false, true])
  })
  const { snapshot_id: snapshot } = await photographed
  expect(readdirSync(join(data, "layers/clones"))).toEqual([])
  await becomes("running")

  await ask("POST", `/snapshots/${String(snapshot)}/restore`, { body: {} })
  await becomes("running")
  const [one = 0, other = 0] = (await runs("cat /srv/first /srv/second")).trim().split("\n").map(Number)
  expect(one).toBeLessThan(last)
  expect([0, 1]).toContain(one - other)
  expect(await runs("sha256sum < /srv/noise | cmp - /srv/sum && echo same")).toBe("same\n")
  await ask("DELETE", `/services/${String(id)}`)
}, 120_000)

/** Runs `body` while a layer is half packed: who packs it stands still for that long, however fast or slow this host is. */
const whileItIsPacked = async (data: string, body: () => Promise<void>) => {
  await eventually("it is being packed", () => packed(data) > 0)
  const packing = processesWith(join(data, "layers/clones"))
  expect(packing.length, "who packs it").toBeGreaterThan(0)
  for (const pid of packing) process.kill(pid, "SIGSTOP")
  await body().finally(() => {
    for (const pid of packing) process.kill(pid, "SIGCONT")
  })
}

/** Bytes of the layer that is being packed. */
const packed = (data: string): number =>
  readdirSync(join(data, "layers/unfinished"))
    .map((name) => statSync(join(data, "layers/unfinished", name), { throwIfNoEntry: false })?.size ?? 0)
    .reduce((sum, size) => sum + size, 0)

/** Nothing, while it has not begun. */
const counted = (path: string): string => {
  try {
    return readFileSync(path, "utf8").trim()
  } catch {
    return ""
  }
}
