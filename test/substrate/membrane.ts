/** The membrane that this project built, as this user and as an ordinary one: what it can do here. */
import { spawnSync } from "node:child_process"
import { chmodSync, chownSync, copyFileSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Option, Schema } from "effect"
import { HostFacts } from "../../src/substrate/local/HostFacts.js"
import { builtMembrane } from "../../src/substrate/local/LocalSubstrate.js"

const NOBODY = 65_534
const Probe = Schema.parseJson(Schema.Struct({ facts: HostFacts }))

/** None: no container can be made at all. */
const probe = (binary: string) => {
  const { status, stdout } = spawnSync(binary, ["probe"], { encoding: "utf8" })
  return status === 0 ? Option.map(Schema.decodeOption(Probe)(stdout), ({ facts }) => facts) : Option.none()
}

export interface Membrane {
  readonly binary: string
  readonly data: string
  readonly facts: typeof HostFacts.Type
  /** Whose process the spawner is. */
  readonly user: number
}

export const directory = () => mkdtempSync(join(tmpdir(), "unsandbox-test-"))

export const here = (): Option.Option<Membrane> =>
  Option.map(probe(builtMembrane), (facts) => ({
    binary: builtMembrane,
    data: directory(),
    facts,
    user: process.geteuid?.() ?? 0
  }))

/** Runs the program as nobody: what `unsandbox serve` without root comes down to. Needs root to become nobody. */
export const asNobody = (): Option.Option<Membrane> => {
  if (process.geteuid?.() !== 0) return Option.none()
  const data = directory()
  const [binary, own, run] = [join(data, "as-nobody"), join(data, "membrane"), join(data, "run")]
  chmodSync(data, 0o755)
  mkdirSync(run)
  chownSync(run, NOBODY, NOBODY)
  // The project itself may lie where nobody cannot go.
  copyFileSync(builtMembrane, own)
  const become = `setpriv --reuid=${NOBODY} --regid=${NOBODY} --clear-groups --inh-caps=-all`
  writeFileSync(binary, `#!/bin/sh\nexec ${become} ${own} "$@"\n`, { mode: 0o755 })
  return Option.map(probe(binary), (facts) => ({ binary, data, facts, user: NOBODY }))
}
