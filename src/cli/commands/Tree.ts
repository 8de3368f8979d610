/** `unsandbox tree`: the running server's supervision tree. */
import { Command } from "@effect/cli"
import { Array as Arr, Clock, Effect } from "effect"
import type { Node } from "../../rpc/Control.js"
import * as ControlClient from "../../rpc/ControlClient.js"
import { general } from "../Failure.js"
import { json, place, settings } from "../Options.js"
import * as Output from "../Output.js"

const age = (millis: number): string => {
  const seconds = Math.max(0, Math.floor(millis / 1000))
  if (seconds < 120) return `${seconds}s`
  if (seconds < 7_200) return `${Math.floor(seconds / 60)}m`
  return seconds < 172_800 ? `${Math.floor(seconds / 3_600)}h` : `${Math.floor(seconds / 86_400)}d`
}

const parentOf = (path: string) => path.slice(0, Math.max(0, path.lastIndexOf("/")))

/** Each node below its parent, in the order in which they started. */
export const draw = (nodes: ReadonlyArray<Node>, now: number): string => {
  const paths = new Set(nodes.map((node) => node.path))
  const children = Arr.groupBy(nodes, (node) => (paths.has(parentOf(node.path)) ? parentOf(node.path) : ""))
  const branch = (node: Node, before: string, last: boolean, top: boolean): ReadonlyArray<string> => {
    const name = node.path.slice(parentOf(node.path) === "" ? 0 : parentOf(node.path).length + 1)
    const restarts = node.restarts === 0 ? "" : `  ${node.restarts} restart${node.restarts === 1 ? "" : "s"}`
    const detail = node.detail === "" ? "" : `  ${Output.cut(Output.plain(node.detail), 80)}`
    const line = `${name}  ${node.state}  ${age(now - node.since)}${restarts}${detail}`
    const below = children[node.path] ?? []
    const inner = top ? "" : `${before}${last ? "   " : "│  "}`
    const lines = below.flatMap((child, at) => branch(child, inner, at === below.length - 1, false))
    return [top ? line : `${before}${last ? "└─ " : "├─ "}${line}`, ...lines]
  }
  return (children[""] ?? []).flatMap((root) => branch(root, "", true, true)).join("\n")
}

export const tree = Command.make("tree", { place, json }, (given) =>
  Effect.gen(function* () {
    const { data } = yield* settings(given.place)
    if (!(yield* ControlClient.running(data)))
      return yield* general("not_running", `no server runs on ${data}; start one with \`unsandbox serve\``)
    const client = yield* ControlClient.make(data)
    const nodes = yield* client.tree
    const now = yield* Clock.currentTimeMillis
    yield* given.json ? Output.json({ tree: nodes }) : Output.line(draw(nodes, now))
  }).pipe(Effect.scoped)
).pipe(Command.withDescription("Show the supervision tree of the running server"))
