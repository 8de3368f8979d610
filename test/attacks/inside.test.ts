/** What a tenant's program finds when it looks around, through the API as any caller has it. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { request } from "../support/client.js"
import { type Server, startServer } from "../support/server.js"

const hostFile = join(mkdtempSync(join(tmpdir(), "unsandbox-host-")), "secret")
let server: Server
beforeAll(async () => {
  writeFileSync(hostFile, "the host's own")
  server = await startServer({ pool: 4 })
}, 60_000)
afterAll(async () => {
  await server.stop()
  rmSync(join(hostFile, ".."), { recursive: true })
})

const shell = async (code: string, more: object = {}): Promise<string> => {
  const { json, status } = await request(server, "POST", "/execute", { body: { language: "bash", code, ...more } })
  expect(status).toBe(200)
  return String(json.stdout).trimEnd()
}

describe("inside a container", () => {
  it("has no capability, no new privileges, and a system call filter", async () => {
    const status = await shell("cat /proc/self/status")
    for (const set of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"])
      expect(status).toMatch(new RegExp(`^${set}:\\t0{16}$`, "m"))
    expect(status).toMatch(/^Seccomp:\t2$/m)
    expect(status).toMatch(/^NoNewPrivs:\t1$/m)
  })

  it("inherits no file descriptor beyond its three", async () =>
    // The fourth is the directory that ls itself looks into.
    expect(await shell("exec ls /proc/self/fd")).toBe("0\n1\n2\n3"))

  it("sees its own processes and no others", async () => {
    const seen = await shell("cat /proc/[0-9]*/comm | sort | uniq -c | wc -l; ls -d /proc/[0-9]* | wc -l")
    const [, count] = seen.split("\n").map(Number)
    expect(count).toBeLessThan(8)
  })

  it("sees no file of the host's and can write none", async () => {
    expect(await shell(`cat ${hostFile} 2>/dev/null || echo absent`)).toBe("absent")
    const writable = "find / -xdev -writable -type d -not -path '/proc/*' 2>/dev/null | sort"
    for (const directory of (await shell(writable)).split("\n").filter(Boolean))
      expect(directory).toMatch(/^\/(tmp|dev\/shm|home\/sandbox|run|var\/tmp)(\/|$)/)
    expect(await shell("touch /usr/x /etc/x /x /bin/x 2>/dev/null; echo $?")).toBe("1")
  })

  it("has loopback and nothing else", async () => {
    const interfaces = await shell("tail -n +3 /proc/net/dev | cut -d: -f1")
    expect(interfaces.trim()).toBe("lo")
    expect(await shell("tail -n +2 /proc/net/route | wc -l")).toBe("0")
    const out = "timeout 2 bash -c 'echo > /dev/tcp/1.1.1.1/80' 2>/dev/null && echo out || echo in"
    expect(await shell(out)).toBe("in")
  })

  it("cannot reach another tenant's sockets, files or shared memory", async () => {
    const stay = "echo mine > /tmp/mine; echo mine > /dev/shm/mine; sleep 3; echo done"
    const other = shell(stay)
    const found = await shell(
      "ls /tmp/mine /dev/shm/mine 2>/dev/null; tail -n +2 /proc/net/unix | wc -l; ipcs -m | grep -c 0x"
    )
    expect(found).toBe("0\n0")
    expect(await other).toBe("done")
  })

  it("cannot gain what it lacks", async () => {
    for (const attempt of [
      "unshare -Ur true",
      "unshare -n true",
      "mount -t tmpfs none /tmp",
      "umount /proc",
      "chroot /tmp /bin/true",
      "mknod /tmp/disk b 254 0",
      "su -c true",
      "echo 1 > /proc/sys/kernel/hostname",
      "cat /proc/1/environ",
      "cat /proc/kcore",
      "dmesg"
    ])
      expect([attempt, await shell(`${attempt} >/dev/null 2>&1 && echo gained || echo refused`)]).toEqual([
        attempt,
        "refused"
      ])
  })
})
