/** LXD and Incus: one running container, and a program put into it through the daemon. */
import { readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { Effect, Schema } from "effect"
import { call, connected, type Daemon } from "./Daemon.js"
import { output } from "./Limit.js"
import { type Root, root } from "./Root.js"

/** Of the instance, and of the storage pool where there is none. */
const NAME = "unsandbox-bench"

const own = process.env.LXD_DIR

export const daemons = [
  {
    name: "lxd exec",
    sockets: [
      ...(own === undefined ? [] : [join(own, "unix.socket")]),
      "/var/snap/lxd/common/lxd/unix.socket",
      "/var/lib/lxd/unix.socket"
    ]
  },
  { name: "incus exec", sockets: ["/var/lib/incus/unix.socket"] }
] as const

const architectures: Readonly<Record<string, string>> = { x64: "x86_64", arm64: "aarch64" }
const Image = Schema.Struct({ fingerprint: Schema.String })

/** Nothing but links and empty directories: the programs are the host's, bound when the instance starts. */
const image = Effect.fnUntraced(function* (of: Daemon, { directory }: Root) {
  const archive = join(directory, "image.tar")
  const metadata = `architecture: ${architectures[process.arch] ?? process.arch}\ncreation_date: 1\n`
  yield* Effect.promise(() => writeFile(join(directory, "metadata.yaml"), metadata))
  const tar = ["-C", directory, "--numeric-owner", "--owner=0", "--group=0", "-cf", archive, "metadata.yaml", "rootfs"]
  yield* output("tar", tar)
  const packed = yield* Effect.promise(() => readFile(archive))
  const { fingerprint } = yield* Effect.acquireRelease(
    Effect.flatMap(call(of, "POST", "/1.0/images", packed), Schema.decodeUnknown(Image)),
    (made) => Effect.ignore(call(of, "DELETE", `/1.0/images/${made.fingerprint}`))
  )
  return fingerprint
})

const Names = Schema.Array(Schema.String)

/** The daemon's own where it has one. */
const pool = Effect.fnUntraced(function* (of: Daemon) {
  const [first] = yield* Effect.flatMap(call(of, "GET", "/1.0/storage-pools"), Schema.decodeUnknown(Names))
  if (first !== undefined) return first.slice(first.lastIndexOf("/") + 1)
  yield* Effect.acquireRelease(call(of, "POST", "/1.0/storage-pools", { name: NAME, driver: "dir", config: {} }), () =>
    Effect.ignore(call(of, "DELETE", `/1.0/storage-pools/${NAME}`))
  )
  return NAME
})

const disk = (path: string) => ({ type: "disk", source: path, path, readonly: "true" })

/** Unprivileged, as the daemon has it by default. Its first process is one that every host has. */
const started = Effect.fnUntraced(function* (of: Daemon) {
  const made = yield* root
  const rootDisk = { type: "disk", path: "/", pool: yield* pool(of) }
  const fingerprint = yield* image(of, made)
  const instance = {
    name: NAME,
    type: "container",
    ephemeral: true,
    profiles: [],
    source: { type: "image", fingerprint },
    config: { "raw.lxc": "lxc.init.cmd = /usr/bin/sleep infinity" },
    devices: { root: rootDisk, ...Object.fromEntries(made.binds.map((path, at) => [`host${at}`, disk(path)])) }
  }
  const path = `/1.0/instances/${NAME}`
  yield* Effect.acquireRelease(call(of, "POST", "/1.0/instances", instance), () =>
    Effect.ignore(call(of, "DELETE", path))
  )
  const state = (action: string) => call(of, "PUT", `${path}/state`, { action, timeout: 30, force: true })
  // An ephemeral one is gone when it has stopped.
  yield* Effect.acquireRelease(state("start"), () => Effect.ignore(state("stop")))
  return path
})

const Ran = Schema.Struct({ return: Schema.Literal(0) })

/** Output is recorded and not fetched: two more calls for each run would be the daemon's loss. */
const exec = (of: Daemon, path: string, command: ReadonlyArray<string>) =>
  Effect.flatMap(
    call(of, "POST", `${path}/exec`, {
      command,
      "wait-for-websocket": false,
      "record-output": true,
      interactive: false
    }),
    Schema.decodeUnknown(Ran)
  )

const median = (values: ReadonlyArray<number>): number =>
  [...values].sort((left, right) => left - right)[Math.floor(values.length / 2)] ?? 0

export const executed = Effect.fnUntraced(function* (
  socket: string,
  command: ReadonlyArray<string>,
  amount: number,
  concurrency: number
) {
  const of = yield* connected(socket)
  const path = yield* started(of)
  const once = Effect.suspend(() => {
    const begun = performance.now()
    return Effect.map(exec(of, path, command), () => performance.now() - begun)
  })
  yield* once
  const begun = performance.now()
  const millis = yield* Effect.all(
    Array.from({ length: amount }, () => once),
    { concurrency }
  )
  return { rps: (amount * 1000) / (performance.now() - begun), p50_ms: Math.round(median(millis) * 1000) / 1000 }
})
