import { Either } from "effect"
import { describe, expect, it } from "vitest"
import { containerSealed, type SealRead } from "../../src/guards/ContainerSealed.js"
import { limits, seal } from "./points.js"

const container = "unsb-vm-0000000000000001"
const weak: ReadonlyArray<string> = []
const decide = (changes: Parameters<typeof seal>[0], facts: Partial<SealRead> = {}) =>
  containerSealed.decide({ container, limits, weak, seal: seal(changes), ...facts })
const refused = (changes: Parameters<typeof seal>[0], facts: Partial<SealRead> = {}) =>
  Either.getOrThrow(Either.flip(decide(changes, facts)))

const FULL = "000001ffffffffff"

describe("D23 container-sealed", () => {
  it("passes a sealed container and carries what it is bound to", () => {
    const permit = Either.getOrThrow(decide({}))
    expect(permit.facts).toEqual({ container, limits, pid: "4711" })
    expect(Object.isFrozen(permit.facts.limits)).toBe(true)
  })

  for (const key of seal().keys())
    describe(key, () => {
      it("is uncertain when it is missing", () =>
        expect(refused({ [key]: undefined })).toMatchObject({
          certainty: "uncertain",
          reason: { code: "container_unsealed", status: 503 }
        }))
      if (key !== "groups")
        it.each(["", " ", "x", "-5", "1;2", "NaN", "1e3", "٣"])("issues none for %j", (value) =>
          expect(Either.isLeft(decide({ [key]: value }))).toBe(true)
        )
    })

  const wrong: ReadonlyArray<readonly [what: string, changes: Record<string, string>, note: string]> = [
    ["an effective capability", { capeff: FULL }, "capeff"],
    ["an inheritable capability", { capinh: "0000000000000001" }, "capinh"],
    ["a permitted capability", { capprm: "8000000000000000" }, "capprm"],
    ["a bounding capability", { capbnd: FULL }, "capbnd"],
    ["an ambient capability", { capamb: "0000000000000400" }, "capamb"],
    ["new privileges", { nonewprivs: "0" }, "nonewprivs"],
    ["no seccomp", { seccomp: "0" }, "seccomp"],
    ["strict seccomp, which is not the filter", { seccomp: "1" }, "seccomp"],
    ["root on the host", { uid: "0,0,0,0" }, "root on the host"],
    ["a saved id of root", { uid: "1001000,1001000,0,1001000" }, "root on the host"],
    ["group root on the host", { gid: "0,0,0,0" }, "root on the host"],
    ["root inside", { uid: "1000000,1000000,1000000,1000000" }, "root inside"],
    ["an id below its range", { uid: "999999,999999,999999,999999" }, "outside its range"],
    ["an id above its range", { gid: "1065536,1065536,1065536,1065536" }, "outside its range"],
    ["a supplementary group", { groups: "0 27" }, "supplementary groups"],
    ["a second interface", { net: "lo,eth0" }, "net"],
    ["the host's interface alone", { net: "eth0" }, "net"],
    ["more memory", { memory: "2147487744" }, "memory"],
    ["less memory", { memory: "1073741824" }, "memory"],
    ["boundless memory", { memory: "9223372036854771712" }, "memory"],
    ["swap", { swap: "4096" }, "swap"],
    ["2 % more cpu", { cpu: "1020" }, "cpu"],
    ["2 % less cpu", { cpu: "980" }, "cpu"],
    ["boundless cpu", { cpu: "-1" }, "cpu"],
    ["one process more", { pids: "513" }, "pids"],
    ["no memory limit", { memory: "none" }, "no memory limit"],
    ["no cpu limit", { cpu: "none" }, "no cpu limit"],
    ["no process limit", { pids: "none" }, "no pids limit"],
    ["root cgroups", { cgroup: "4:memory:/;0::/" }, "memory cgroup is /"],
    ["the server's own cgroup", { cgroup: "0::/system.slice/unsandbox.service" }, "memory cgroup"],
    ["the parent of the containers' cgroups", { cgroup: "0::/unsandbox-x" }, "memory cgroup"],
    ["one controller left out", { cgroup: "4:memory:/;0::/unsandbox-x/c1" }, "memory cgroup is /"],
    ...["user", "mnt", "pid", "ipc", "uts", "net", "cgroup"].map(
      (name, index) =>
        [`the host's ${name} namespace`, { [`ns.${name}`]: String(4026531000 + index) }, `${name} namespace`] as const
    )
  ]
  for (const [what, changes, note] of wrong)
    it(`refuses ${what}`, () => {
      const { certainty, reason } = refused(changes)
      expect(certainty).toBe("refused")
      expect(reason.note).toContain(note)
      expect(reason.message).not.toContain(note)
    })

  const right: ReadonlyArray<readonly [string, Record<string, string>]> = [
    ["tabs as /proc has them", { uid: "1001000\t1001000\t1001000\t1001000", groups: " " }],
    ["a map as /proc has it", { uidmap: "         0    1000000      65536" }],
    ["an ordinary user's single id", { uid: "1000,1000,1000,1000", uidmap: "1000 1000 1" }],
    ["a host without swap", { swap: "-1" }],
    ["a quota in whole microseconds", { cpu: "995" }],
    ["one cgroup for all", { cgroup: "0::/a/unsandbox-x/c1" }],
    [
      "controllers that are not used for it",
      { cgroup: "9:name=systemd:/;3:cpuset:/;4:cpu,cpuacct:/unsandbox-x/c1;0::/unsandbox-x/c1" }
    ]
  ]
  for (const [what, changes] of right) it(`passes ${what}`, () => expect(Either.isRight(decide(changes))).toBe(true))

  it("counts memory in pages", () =>
    expect(Either.isRight(decide({}, { limits: { ...limits, memoryBytes: limits.memoryBytes + 4095 } }))).toBe(true))

  it("passes a missing limit only when that very one was accepted", () => {
    const accepted = ["memory limit: no memory controller here; enable it", "cpu limit: likewise"]
    const without = { memory: "none", swap: "none", cpu: "none" }
    expect(Either.isRight(decide(without, { weak: accepted }))).toBe(true)
    expect(refused({ ...without, pids: "none" }, { weak: accepted }).reason.note).toBe("there is no pids limit")
    expect(refused({ memory: "4096" }, { weak: accepted }).reason.note).toContain("memory")
    expect(refused({ capeff: FULL }, { weak: ["capeff limit: x", "everything"] }).certainty).toBe("refused")
  })

  it("passes an ordinary user's container where all its weaknesses were accepted", () => {
    const all = ["memory limit: x", "cpu limit: x", "process limit: x", "groups: x", "uid range: x"]
    const changes = {
      ...{ memory: "none", swap: "none", cpu: "none", pids: "none", cgroup: "8:pids:/;0::/" },
      ...{ uid: "1000,1000,1000,1000", gid: "1000,1000,1000,1000", uidmap: "1000 1000 1", gidmap: "1000 1000 1" },
      groups: "27 1000"
    }
    expect(Either.isRight(decide(changes, { weak: all }))).toBe(true)
    for (const weakness of all.slice(0, 4))
      expect(Either.isLeft(decide(changes, { weak: all.filter((one) => one !== weakness) }))).toBe(true)
  })

  it("refuses a namespace of another container", () => {
    const note = refused({}, { others: new Set(["4026532005"]) }).reason.note
    expect(note).toBe("the net namespace is another container's")
  })

  it("knows a fact by the whole of it, and names the one that it does not know", () => {
    for (const [key, value] of seal()) {
      if (key === "cgroup") continue
      const missing = refused({ [key]: undefined }).reason.note
      expect(missing).toBe(`${key} is not known`)
      // What stands there is an interface, by another name.
      const other = key === "net" ? [] : [`x${value}`, `${value}x`]
      const beside = [...other, `${value};1`, `${value}\n/`, `!${value}`, `${value}!`]
      for (const garbled of beside)
        expect([garbled, refused({ [key]: garbled }).reason.note]).toEqual([garbled, missing])
    }
  })

  it("reads numbers of more than one digit, and refuses what they say", () => {
    for (const key of ["nonewprivs", "seccomp"])
      expect(refused({ [key]: "12" })).toMatchObject({
        certainty: "refused",
        reason: { note: expect.stringContaining(`${key} is 12, not`) }
      })
    const apart = "1001000, 1001000 ,1001000\t 1001000"
    expect(
      Either.isRight(decide({ uid: apart, gid: apart, uidmap: " 0  1000000\t 65536 ", gidmap: "0 1000000 65536" }))
    ).toBe(true)
    for (const map of [
      "0 1000000 65536 1",
      "1 0 1000000 65536",
      "0 1000000 0",
      "00 1000000 65536",
      "0 1000000 65536\nx"
    ])
      expect(refused({ uidmap: map }).reason.note).toBe("uidmap is not known")
    expect(refused({ groups: " 27 28 " }).reason.note).toBe("it has the supplementary groups 27 28")
  })

  it("takes a quota that is off by no more than a hundredth", () => {
    for (const cpu of ["990", "1010"]) expect(Either.isRight(decide({ cpu }))).toBe(true)
    for (const cpu of ["989", "1011"]) expect(refused({ cpu }).reason.note).toBe(`the cpu limit is ${cpu}`)
  })

  it("knows its cgroup by every line", () => {
    const lines = (cgroup: string) =>
      Either.match(decide({ cgroup }), { onLeft: ({ reason }) => reason.note, onRight: () => "sealed" })
    const unknown = ["memory", "cpu", "pids"].map((one) => `the ${one} cgroup is not known`).join("; ")
    const own = "0::/unsandbox-xyz/c1"
    for (const line of [own, `12:memory:/unsandbox-xyz/c1;${own}`, `12:cpu,pids:/a/unsandbox-x/c;${own}`])
      expect(lines(line)).toBe("sealed")
    for (const line of ["x", "", "memory:/", "x4:memory:/", "4:memory", "4:memory:relative", "4:memory:/a\n"])
      expect(lines(`${line};${own}`)).toBe(unknown)
    expect(lines("3:cpuset:/unsandbox-xyz/c1")).toBe(unknown)
    expect(lines(`12:memory:/else;${own}`)).toBe("its memory cgroup is /else")
    for (const path of ["/unsandbox-xyz/c1/deeper", "/unsandbox-/c1", "/unsandbox-xyz/", "/xunsandbox-xyz"])
      expect(lines(`4:memory:${path};${own}`)).toBe(`its memory cgroup is ${path}`)
    expect(lines(`4:memory:/unsandbox-xyz/c1/;${own}`)).toBe("its memory cgroup is /unsandbox-xyz/c1/")
  })

  it("tells all that is wrong, and is certain when any of it is", () => {
    const { certainty, reason } = refused({ capeff: FULL, seccomp: undefined })
    expect(certainty).toBe("refused")
    expect(reason.note).toBe(`capeff is ${FULL}, not empty; seccomp is not known`)
  })

  it("does not know a container without facts", () =>
    expect(refused({}, { seal: new Map() }).certainty).toBe("uncertain"))
})
