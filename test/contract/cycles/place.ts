/** Where trees live: a session or a service of a running server, what is done to it, and what is seen inside. */
import { readFileSync } from "node:fs"
import { deflateSync } from "node:zlib"
import { type Answer, request } from "../../support/client.js"
import { eventually } from "../../support/eventually.js"
import type { Server } from "../../support/server.js"
import type { Node } from "./trees.js"

export interface Place {
  readonly kind: "session" | "service"
  readonly id: string
}

const roots = "/home/sandbox/tree /srv/tree /tmp/tree"
const script = readFileSync(new URL("tenant.py", import.meta.url)).toString("base64")
/** An argument is no longer than 128 KiB, and a command no longer than 100. */
const longest = 60_000

const written = (trees: ReadonlyArray<ReadonlyArray<Node>>) => deflateSync(JSON.stringify(trees)).toString("base64")
export const fits = (trees: ReadonlyArray<ReadonlyArray<Node>>): boolean => written(trees).length <= longest

const at = ({ id, kind }: Place) => `/${kind}s/${id}`

export const on = (server: Server) => {
  const fine = (answer: Answer, what: string): Answer["json"] => {
    if (answer.status >= 200 && answer.status <= 202) return answer.json
    throw new Error(`${what}: ${answer.status} ${answer.text}; ${server.stderr().slice(-2_000)}`)
  }
  const post = async (path: string, body: object = {}) => fine(await request(server, "POST", path, { body }), path)
  const look = async (place: Place) => fine(await request(server, "GET", at(place)), at(place))
  const becomes = (place: Place, state: string) =>
    eventually(`${place.id} is ${state}`, async () => (await look(place)).state === state, 60_000)

  const ready = async (place: Place): Promise<Place> => {
    await becomes(place, "running")
    return place
  }
  const placed = (kind: Place["kind"], answer: Answer["json"]) => ready({ kind, id: String(answer[`${kind}_id`]) })

  const inside = async (place: Place, verb: string, given: string): Promise<string> => {
    const command = `python3 -c "$(printf %s ${script} | base64 -d)" ${verb} '${given}' ${roots}`
    const { exit_code, stderr, stdout } = await post(`${at(place)}/execute`, { command, timeout: 60_000 })
    if (exit_code !== 0) throw new Error(`${verb} in ${place.id}: ${String(exit_code)} ${String(stderr)}`)
    return String(stdout)
  }
  const photograph = async (place: Place, hot: boolean) =>
    String((await post(`${at(place)}/snapshot`, { hot })).snapshot_id)

  return {
    open: async (kind: Place["kind"]) =>
      kind === "session"
        ? placed("session", await post("/sessions", { multiplexer: "tmux" }))
        : placed("service", await post("/services")),
    close: async (place: Place) => {
      fine(await request(server, "DELETE", at(place)), at(place))
    },
    grow: (place: Place, trees: ReadonlyArray<ReadonlyArray<Node>>) => inside(place, "grow", written(trees)),
    spoil: (place: Place, seed: number) => inside(place, "spoil", String(seed)),
    census: (place: Place) => inside(place, "census", ""),
    photograph,
    freeze: async (place: Place) => {
      await post(`${at(place)}/freeze`)
      await becomes(place, "frozen")
    },
    unfreeze: async (place: Place) => {
      await post(`${at(place)}/unfreeze`)
      await becomes(place, "running")
    },
    /** Resolves when its container is given up. */
    sleeps: (place: Place) =>
      eventually(`${place.id} sleeps`, async () => (await look(place)).container_name === "", 60_000),
    restore: async (place: Place, snapshot: string) => {
      await post(`/snapshots/${snapshot}/restore`)
      await becomes(place, "running")
    },
    clone: async (snapshot: string, type: Place["kind"]) =>
      placed(type, await post(`/snapshots/${snapshot}/clone`, { type, multiplexer: "tmux" })),
    spawn: async (snapshot: string) => {
      const { id } = await post("/images", { source_type: "snapshot", source_id: snapshot })
      return placed("service", await post(`/images/${String(id)}/spawn`))
    }
  }
}
