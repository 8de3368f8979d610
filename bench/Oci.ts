/** runc and crun: a container for each run, from a minimal bundle. */
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { Effect } from "effect"
import { type Root, root } from "./Root.js"

const bind = (path: string) => ({ destination: path, type: "bind", source: path, options: ["rbind", "ro", "nosuid"] })
const tmpfs = (path: string, ...more: ReadonlyArray<string>) => ({
  destination: path,
  type: "tmpfs",
  source: "tmpfs",
  options: ["nosuid", "size=64m", ...more]
})

/** As little as a program needs, and every namespace, like bubblewrap's. */
const config = ({ binds }: Root, argv: ReadonlyArray<string>) => ({
  ociVersion: "1.0.2",
  process: {
    terminal: false,
    user: { uid: 0, gid: 0 },
    args: argv,
    env: ["PATH=/usr/bin:/bin"],
    cwd: "/",
    noNewPrivileges: true,
    capabilities: { bounding: [], effective: [], permitted: [], ambient: [] }
  },
  root: { path: "rootfs", readonly: true },
  hostname: "bench",
  mounts: [
    { destination: "/proc", type: "proc", source: "proc" },
    tmpfs("/dev"),
    tmpfs("/tmp", "nodev"),
    ...binds.map(bind)
  ],
  linux: { namespaces: ["pid", "network", "ipc", "uts", "mount"].map((type) => ({ type })) }
})

/** What runs `argv` in a container of its own; the bundle goes with the scope. */
export const perRun = Effect.fnUntraced(function* (runtime: string, argv: ReadonlyArray<string>) {
  const made = yield* root
  yield* Effect.promise(() => writeFile(join(made.directory, "config.json"), JSON.stringify(config(made, argv))))
  return ["/bin/sh", "-c", `exec ${runtime} run --bundle ${made.directory} unsandbox-bench-$$`]
})
