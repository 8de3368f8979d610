/** The native program: can it be built, is it, and what does it say that it can have here? */
import { access, constants } from "node:fs/promises"
import { Effect, Schema } from "effect"
import * as HostFacts from "../local/HostFacts.js"
import { type Finding, fine, missing, prints } from "./Finding.js"

const Probe = Schema.parseJson(
  Schema.Struct({
    facts: HostFacts.HostFacts,
    reasons: Schema.Array(Schema.Struct({ what: Schema.String, why: Schema.String, fix: Schema.String }))
  })
)
type Probe = typeof Probe.Type

const BUILD = "npm run build"
const COMPILER = "apt-get install gcc libc6-dev (or your distribution's C compiler and headers)"

const compiler = (built: boolean) => {
  const program = process.env.CC ?? "cc"
  return prints(program, ["--version"]).pipe(
    Effect.map((text) => fine("C compiler", text.split("\n")[0] ?? program)),
    Effect.catchAll(() =>
      Effect.succeed(
        built
          ? fine("C compiler", `no ${program}; not needed as long as the membrane is built`)
          : missing("C compiler", `no ${program}`, COMPILER)
      )
    )
  )
}

const DELEGATE =
  "run as root, in a systemd unit with Delegate=yes, or with `systemd-run --user --scope -p Delegate=yes -- npm start`"
const BOOT = "systemd.unified_cgroup_hierarchy=1 on the kernel's command line gives version 2"

/** Why a user's own systemd does not hand a controller down by itself. */
const handDown = (controller: string) =>
  `if /sys/fs/cgroup/user.slice/user-$UID.slice/cgroup.controllers lacks ${controller}: put "[Service]" and ` +
  `"Delegate=cpu cpuset io memory pids" into /etc/systemd/system/user@.service.d/delegate.conf, systemctl daemon-reload, log in again`

export const controllers = ({ facts }: Probe): ReadonlyArray<Finding> => {
  const kind = facts.cgroup
  const there = fine("control groups", `version ${kind}`)
  const none = missing("control groups", "none that can be written to", `${DELEGATE}; ${BOOT}`)
  const each = (["memory", "cpu", "pids", "freezer"] as const).map((controller) => {
    const name = `${controller} controller`
    const has = facts.controllers[controller]
    if (has !== "none") return fine(name, `version ${has}`)
    return missing(name, "not available", `${DELEGATE}; ${handDown(controller)}`)
  })
  return [kind === "none" ? none : there, ...each]
}

/** What the probe found wanting beyond the controllers, which have findings of their own. */
const others = ({ reasons }: Probe) =>
  reasons
    .filter(({ what }) => !/^(control group|memory limit|cpu limit|process limit|freezing)/.test(what))
    .map(({ fix, what, why }) => missing(what, why, fix))

const probe = (binary: string) =>
  prints(binary, ["probe"]).pipe(
    Effect.flatMap(Schema.decodeUnknown(Probe)),
    Effect.map(
      (found): ReadonlyArray<Finding> => [
        fine("membrane", `${binary}, protocol ${found.facts.version}`),
        ...others(found),
        ...controllers(found)
      ]
    ),
    Effect.catchAll((error) => {
      const reason = error._tag === "NotRun" ? error.reason : "its probe cannot be read"
      return Effect.succeed([missing("membrane", `${binary}: ${reason}`, `${BUILD}, then this again`)])
    })
  )

export const examine = (binary: string): Effect.Effect<ReadonlyArray<Finding>> =>
  Effect.gen(function* () {
    const built = yield* Effect.promise(() =>
      access(binary, constants.X_OK).then(
        () => true,
        () => false
      )
    )
    const unbuilt = [missing("membrane", `${binary} is not built`, BUILD)]
    return [yield* compiler(built), ...(built ? yield* probe(binary) : unbuilt)]
  })
