/** What the doctor says of machines that lack something. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"
import { describe, expect, it } from "vitest"
import { examine } from "../../src/substrate/Doctor.js"
import * as Host from "../../src/substrate/doctor/Host.js"
import * as Kernel from "../../src/substrate/doctor/Kernel.js"
import { controllers } from "../../src/substrate/doctor/Membrane.js"
import { live } from "../support/it.js"

describe("kernel", () => {
  for (const release of ["5.10.0-28-amd64", "5.15.0", "6.18.44-fc", "10.0"])
    it(`accepts ${release}`, () => expect(Kernel.version(release).ok).toBe(true))
  for (const release of ["4.19.0-26-amd64", "5.9.16", "unknown", ""])
    it(`refuses ${release}`, () =>
      expect(Kernel.version(release)).toMatchObject({ ok: false, fix: expect.stringContaining("5.10") }))
})

describe("user namespaces", () => {
  const allowed = { root: false, maximum: "15000", unprivileged: undefined, apparmor: undefined }
  it("are fine without restrictions", () => expect(Kernel.userNamespaces(allowed).ok).toBe(true))
  it("are fine for root whatever ordinary users may", () =>
    expect(Kernel.userNamespaces({ ...allowed, root: true, unprivileged: "0", apparmor: "1" }).ok).toBe(true))
  const restrictions = {
    "kernel.unprivileged_userns_clone=1": { unprivileged: "0" },
    "kernel.apparmor_restrict_unprivileged_userns=0": { apparmor: "1" },
    "user.max_user_namespaces=15000": { maximum: "0" },
    CONFIG_USER_NS: { maximum: undefined }
  }
  for (const [fix, settings] of Object.entries(restrictions))
    it(`says ${fix}`, () => {
      const finding = Kernel.userNamespaces({ ...allowed, ...settings })
      expect(finding.ok).toBe(false)
      expect(finding.fix).toContain(fix)
    })
})

describe("control groups", () => {
  const facts = {
    version: 1,
    pid: 1,
    kernel: "6.1",
    privileged: false,
    uid_range: 1,
    namespaces: [],
    seccomp: true,
    nofile: 1024,
    room: true as const,
    weak: []
  }
  it("names each controller that is missing, and how it is delegated", () => {
    const given = { memory: "v2", cpu: "none", pids: "v2", freezer: "v2" } as const
    const findings = controllers({ facts: { ...facts, cgroup: "v2", controllers: given }, reasons: [] })
    expect(findings.filter(({ ok }) => !ok).map(({ name }) => name)).toEqual(["cpu controller"])
    expect(findings.find(({ ok }) => !ok)?.fix).toContain("systemd-run --user --scope -p Delegate=yes")
  })
})

describe("host", () => {
  it("wants Node 20", () => {
    expect(Host.node("20.20.2").ok).toBe(true)
    expect(Host.node("18.19.0").ok).toBe(false)
  })
  it("wants open files", () => {
    const line = (hard: string) => `Max open files            1024                 ${hard}                files`
    expect(Host.descriptors(line("20000")).ok).toBe(true)
    expect(Host.descriptors(line("unlimited")).ok).toBe(true)
    expect(Host.descriptors(line("1024")).ok).toBe(false)
    expect(Host.descriptors(undefined).ok).toBe(false)
  })
  it("wants memory", () => {
    expect(Host.memory("MemAvailable:   24000000 kB").ok).toBe(true)
    expect(Host.memory("MemAvailable:      10000 kB").ok).toBe(false)
    expect(Host.memory(undefined).ok).toBe(false)
  })
})

live("examines this machine, and every failing part says what to do", () =>
  Effect.gen(function* () {
    const data = mkdtempSync(join(tmpdir(), "unsandbox-test-"))
    yield* Effect.addFinalizer(() => Effect.sync(() => rmSync(data, { recursive: true })))
    const findings = yield* examine({ data: join(data, "not", "yet", "there") })
    const names = [
      "node",
      "open files",
      "memory",
      "disk",
      "kernel",
      "user namespaces",
      "seccomp",
      "C compiler",
      "membrane"
    ]
    expect(names.filter((name) => !findings.some((finding) => finding.name === name))).toEqual([])
    for (const finding of findings) expect(finding.ok || finding.fix !== undefined).toBe(true)
  })
)

live("says how the membrane is built when it is not", () =>
  Effect.gen(function* () {
    const findings = yield* examine({ data: tmpdir(), binary: "/nowhere/membrane" })
    expect(findings.find(({ name }) => name === "membrane")).toMatchObject({ ok: false, fix: "npm run build" })
  })
)
