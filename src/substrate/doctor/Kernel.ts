/** What the kernel must be and allow. */
import { Effect } from "effect"
import { contents, type Finding, fine, missing } from "./Finding.js"

/** The oldest kernel whose system calls the membrane uses (clone3 with cgroups, close_range, pidfd). */
const OLDEST = [5, 10] as const

export const version = (release: string): Finding => {
  const [major = 0, minor = 0] = release.split(/[.-]/).map(Number)
  const enough = major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])
  const fix = `boot a kernel from ${OLDEST.join(".")} on (Debian 11, Ubuntu 22.04 and later have one)`
  return enough ? fine("kernel", release) : missing("kernel", release, fix)
}

interface NamespaceSettings {
  readonly root: boolean
  /** Texts of the settings; undefined where this kernel has none of that name. */
  readonly maximum: string | undefined
  readonly unprivileged: string | undefined
  readonly apparmor: string | undefined
}

const persist = (setting: string) =>
  `sysctl -w ${setting} (and put "${setting}" into /etc/sysctl.d/60-unsandbox.conf to keep it)`

/** Root needs only that there may be some; an ordinary user also that nothing keeps them from ordinary users. */
export const userNamespaces = ({ apparmor, maximum, root, unprivileged }: NamespaceSettings): Finding => {
  const name = "user namespaces"
  if (maximum === undefined)
    return missing(name, "this kernel has none", "use a kernel built with CONFIG_USER_NS, as distributions' are")
  if (Number(maximum) < 100) return missing(name, `at most ${maximum}`, persist("user.max_user_namespaces=15000"))
  if (!root && unprivileged === "0")
    return missing(name, "refused to ordinary users", persist("kernel.unprivileged_userns_clone=1"))
  if (!root && apparmor === "1")
    return missing(
      name,
      "Ubuntu's AppArmor takes the capabilities in them from ordinary users",
      `run as root, or ${persist("kernel.apparmor_restrict_unprivileged_userns=0")}`
    )
  return fine(name, `at most ${maximum}${root ? "" : ", for ordinary users too"}`)
}

/** `status` is /proc/self/status. */
const seccomp = (status: string | undefined): Finding =>
  /^Seccomp:/m.test(status ?? "")
    ? fine("seccomp", "filters are supported")
    : missing("seccomp", "not supported", "use a kernel built with CONFIG_SECCOMP_FILTER, as distributions' are")

export const examine = (root: boolean): Effect.Effect<ReadonlyArray<Finding>> =>
  Effect.gen(function* () {
    const of = (path: string) => contents(`/proc/sys/${path}`)
    const release = (yield* of("kernel/osrelease")) ?? "unknown"
    const settings = {
      root,
      maximum: yield* of("user/max_user_namespaces"),
      unprivileged: yield* of("kernel/unprivileged_userns_clone"),
      apparmor: yield* of("kernel/apparmor_restrict_unprivileged_userns")
    }
    return [version(release), userNamespaces(settings), seccomp(yield* contents("/proc/self/status"))]
  })
