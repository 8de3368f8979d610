/** A data directory on a file system that shares blocks: what is photographed goes on while its layer is packed. */
import { readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { beforeAll, expect, it, onTestFinished } from "vitest"
import { type Ask, request } from "../support/client.js"
import { eventually } from "../support/eventually.js"
import { membranesOf, spawnerOf } from "../support/leftovers.js"
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

  const seen = new Set<string>()
  let answered = false
  const photographed = ask("POST", `/services/${String(id)}/snapshot`, { body: {} }).finally(() => {
    answered = true
  })
  for (let [before, now] = [0, 0]; !answered; before = now) {
    now = packed(data)
    // While it grows: afterwards the service goes on wherever it is.
    if (now > before && before > 0) seen.add(counted(first))
    await sleep(10)
  }
  const { snapshot_id: snapshot } = await photographed
  expect(seen.size).toBeGreaterThan(5)
  expect(readdirSync(join(data, "layers/clones"))).toEqual([])
  await becomes("running")

  await ask("POST", `/snapshots/${String(snapshot)}/restore`, { body: {} })
  await becomes("running")
  const [one = 0, other = 0] = (await runs("cat /srv/first /srv/second")).trim().split("\n").map(Number)
  expect(one).toBeLessThan(Number([...seen].at(-1)))
  expect([0, 1]).toContain(one - other)
  expect(await runs("sha256sum < /srv/noise | cmp - /srv/sum && echo same")).toBe("same\n")
  await ask("DELETE", `/services/${String(id)}`)
}, 120_000)

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
