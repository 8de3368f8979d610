/** Programs that tests run inside containers or beside them; what is missing is installed where that is possible. */
import { spawnSync } from "node:child_process"
import { accessSync, constants } from "node:fs"
import { delimiter, join } from "node:path"

/** Program and Debian package. */
const wanted = new Map([
  ["cc", "gcc"],
  ["ip", "iproute2"],
  ["openssl", "openssl"],
  ["perl", "perl"],
  ["ps", "procps"],
  ["python3", "python3"],
  ["tar", "tar"],
  ["tmux", "tmux"],
  ["unshare", "util-linux"]
])

const places = `${process.env.PATH ?? ""}${delimiter}/usr/sbin${delimiter}/sbin`.split(delimiter)

const present = (program: string): boolean =>
  places.some((place) => {
    try {
      accessSync(join(place, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })

const apt = (...args: ReadonlyArray<string>): boolean => {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" }
  return spawnSync("apt-get", args, { stdio: ["ignore", 2, 2], env }).status === 0
}

/** Run once, before any test. */
export default (): void => {
  const missing = [...wanted].filter(([program]) => !present(program)).map(([, name]) => name)
  if (missing.length === 0) return
  const command = ["install", "--yes", "--no-install-recommends", ...missing]
  if (process.getuid?.() === 0 && apt("update") && apt(...command)) return
  throw new Error(`The tests need programs that this machine lacks: apt-get install ${missing.join(" ")}`)
}
