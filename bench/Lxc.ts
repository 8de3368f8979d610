/** LXC: one running container, and a program put into it by lxc-attach. */
import { mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { Effect } from "effect"
import { output } from "./Limit.js"
import { type Root, root } from "./Root.js"

const NAME = "bench"

const config = ({ binds, rootfs }: Root): string =>
  [
    `lxc.rootfs.path = dir:${rootfs}`,
    `lxc.uts.name = ${NAME}`,
    "lxc.net.0.type = empty",
    "lxc.mount.auto = proc:mixed sys:ro",
    "lxc.autodev = 1",
    "lxc.apparmor.profile = unconfined",
    ...binds.map((path) => `lxc.mount.entry = ${path} ${path.slice(1)} none rbind,ro,create=dir 0 0`),
    ""
  ].join("\n")

/** What runs `argv` in the container, which is stopped and gone with the scope. */
export const attached = Effect.fnUntraced(function* (attach: string, argv: ReadonlyArray<string>) {
  const made = yield* root
  const containers = join(made.directory, "lxc")
  yield* Effect.promise(async () => {
    await mkdir(join(containers, NAME), { recursive: true })
    await writeFile(join(containers, NAME, "config"), config(made))
  })
  const at = ["-P", containers, "-n", NAME]
  yield* Effect.acquireRelease(output("lxc-start", [...at, "-d", "--", "/usr/bin/sleep", "infinity"]), () =>
    Effect.ignore(output("lxc-stop", [...at, "-k"]))
  )
  return [attach, ...at, "--clear-env", "--", ...argv]
})
