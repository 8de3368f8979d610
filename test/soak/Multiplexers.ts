/** The programs that keep sessions, as an operator installs them whom the API tells so. */
import { execFileSync } from "node:child_process"
import { existsSync } from "node:fs"

export const multiplexers = (): void => {
  const missing = ["tmux", "screen"].filter((name) => !existsSync(`/usr/bin/${name}`))
  if (missing.length === 0) return
  execFileSync("apt-get", ["update", "-q"])
  execFileSync("apt-get", ["install", "-y", "-q", "--no-install-recommends", ...missing])
}
