/** The contract's section 5: every row against the real server, with a real WebSocket client. */
import { execFileSync } from "node:child_process"
import { existsSync } from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type Answer, type Ask, request } from "../support/client.js"
import { unsandbox } from "../support/command.js"
import { eventually } from "../support/eventually.js"
import { spawnerOf } from "../support/leftovers.js"
import { type Server, serverForTest, startServer } from "../support/server.js"
import { connect, NotUpgraded, type Shell } from "../support/shell.js"

const multiplexers = ["tmux", "screen"] as const

/** What an operator does whom the API tells so. */
const prepare = () => {
  const missing = multiplexers.filter((name) => !existsSync(`/usr/bin/${name}`))
  if (missing.length === 0) return
  execFileSync("apt-get", ["update", "-q"])
  execFileSync("apt-get", ["install", "-y", "-q", "--no-install-recommends", ...missing])
}

let server: Server
beforeAll(async () => {
  prepare()
  server = await startServer({ pool: 3, args: ["--session-grace", "2s"] })
}, 240_000)
afterAll(() => server?.stop(), 60_000)

const ask = (method: string, path: string, more: Ask = {}) => request(server, method, path, more)
const post = (path: string, body: object = {}, more: Ask = {}) => ask("POST", path, { body, ...more })

const open = async (body: object = {}, path = "/sessions"): Promise<Record<string, unknown> & { id: string }> => {
  const answer = await post(path, body)
  expect(answer.status, answer.text).toBe(200)
  return { ...answer.json, id: String(answer.json.session_id) }
}

const shell = (session: Readonly<Record<string, unknown>>, more = ""): Promise<Shell> =>
  connect(String(session.websocket_url), more)

/** As clients with no other way do: look until it is so. */
const becomes = (id: string, status: string) =>
  eventually(`${id} is ${status}`, async () => (await ask("GET", `/sessions/${id}`)).json.status === status)

const over = (id: string) =>
  eventually(`${id} is over`, async () => (await ask("GET", `/sessions/${id}`)).status === 410)

/** How the session that began last has ended, as the log tells it. */
const lastEnd = async (): Promise<unknown> => {
  const { stdout } = await unsandbox("events", "tail", "--once", "--last", "100", "--json", "--data", server.data)
  const rows = stdout.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line)]))
  const opened = rows.findLast(({ type }) => type === "SessionOpened")?.stream
  return rows.find(({ stream, type }) => stream === opened && type === "SessionEnded")?.data
}

/** It was answered before that was told. */
const endsLike = async (expected: object) => {
  await eventually("it has ended", async () => (await lastEnd()) !== undefined)
  expect(await lastEnd()).toMatchObject(expected)
}

const keys = [
  ...["id", "session_id", "container_name", "shell", "status", "state", "network_mode", "vcpu", "memory_mb"],
  ...["boosted", "remaining_ttl", "created_at", "last_activity", "websocket_url"]
]

describe("POST /sessions", () => {
  it("opens one with every key that some client reads, compact", async () => {
    const answer = await post("/sessions")
    expect(answer.status, answer.text).toBe(200)
    const { json } = answer
    for (const key of keys) expect(json, key).toHaveProperty(key)
    expect(json).toMatchObject({ shell: "bash", status: "running", network_mode: "zerotrust", vcpu: 1, boosted: false })
    expect(json.id).toBe(json.session_id)
    expect(json.id).toMatch(/^unsb-session-[0-9a-f]{32}$/)
    expect(json.container_name).toMatch(/^unsb-vm-[a-z0-9]+$/)
    expect(Number(json.remaining_ttl)).toBeGreaterThan(3_590)
    expect(Date.parse(String(json.expires_at)) - Date.parse(String(json.created_at))).toBeLessThan(3_601_000)
    expect(answer.text).not.toMatch(/:null|": /)
    await ask("DELETE", `/sessions/${String(json.id)}`)
  })

  it.each([
    [
      { network: "zerotrust", language: "sh" },
      { shell: "sh", network_mode: "zerotrust" }
    ],
    [{ persistence: "tmux" }, { multiplexer: "tmux" }],
    [{ tmux: true }, { multiplexer: "tmux" }],
    [{ screen: true }, { multiplexer: "screen" }],
    [{ ttl: 0 }, { remaining_ttl: 0 }],
    [
      { ttl: "60", vcpu: "2" },
      { vcpu: 2, memory_mb: 4_096 }
    ],
    [{ unheard_of: 1 }, { shell: "bash" }]
  ])("takes %j", async (body, expected) => {
    const session = await open(body)
    expect(session).toMatchObject(expected)
    await ask("DELETE", `/sessions/${session.id}`)
  })

  it.each(["", "{}", "[]", '""', "null"])("takes the body %j as nothing said", async (body) => {
    const answer = await ask("POST", "/sessions", { body })
    expect(answer.status, answer.text).toBe(200)
    await ask("DELETE", `/sessions/${String(answer.json.id)}`)
  })

  it.each([
    [{ shell: "nosuch" }, 400, "unknown_shell"],
    [{ multiplexer: "zellij" }, 400, "invalid_request"],
    [{ ttl: -1 }, 400, "invalid_request"],
    [{ vcpu: 9 }, 400, "invalid_request"],
    [{ network_mode: "open" }, 400, "invalid_request"],
    [{ input_files: [{ filename: "../x", content: "" }] }, 400, "invalid_filename"]
  ])("refuses %j", async (body, status, error) => {
    const answer = await post("/sessions", body)
    expect(answer).toMatchObject({ status, json: { error } })
    expect(String(answer.json.message).length).toBeGreaterThan(10)
  })

  it("puts input files in /tmp/input, and where the shell begins", async () => {
    const content = Buffer.from("file text\n").toString("base64")
    const files = [
      { filename: "data/a.txt", content },
      { filename: "b.txt", content_base64: content }
    ]
    const session = await open({ input_files: files })
    const ran = await post(`/sessions/${session.id}/execute`, { command: "cat data/a.txt b.txt /tmp/input/data/a.txt" })
    expect(ran.json).toMatchObject({ stdout: "file text\n".repeat(3), exit_code: 0 })
    await ask("DELETE", `/sessions/${session.id}`)
  })

  it("runs every shell of GET /shells that the image has", async () => {
    const { available } = (await ask("GET", "/shells")).json
    expect(Array.isArray(available) && available.length > 4).toBe(true)
    for (const name of Array.isArray(available) ? available : []) {
      const session = await open({ shell: name })
      expect(session.shell).toBe(name)
      const one = await shell(session)
      await one.sees(/\S/, 30_000)
      one.socket.close()
      const answer = await ask("DELETE", `/sessions/${session.id}`)
      expect(answer.status, `${String(name)} ${answer.text}`).toBe(200)
    }
  }, 240_000)
})

describe("GET /sessions", () => {
  it("lists the caller's, flat, and one bare", async () => {
    const session = await open()
    const { json } = await ask("GET", "/sessions")
    const listed = Array.isArray(json.sessions) ? json.sessions : []
    expect(json.count).toBe(listed.length)
    const found: Record<string, unknown> = listed.find((one) => one.id === session.id)
    for (const key of keys) expect(found, key).toHaveProperty(key)
    for (const value of Object.values(found)) expect(typeof value === "object").toBe(false)
    const one = await ask("GET", `/sessions/${session.id}`)
    expect(one.json).toMatchObject({ id: session.id, container_name: session.container_name })
    await ask("DELETE", `/sessions/${session.id}`)
    const after = await ask("GET", "/sessions")
    expect(after.text).not.toContain(session.id)
    expect((await ask("GET", "/sessions?all=1")).text).toContain(session.id)
  })

  it("knows nothing that never was", async () => {
    for (const id of ["unsb-session-nosuch", `unsb-session-${"0".repeat(32)}`]) {
      expect((await ask("GET", `/sessions/${id}`)).status).toBe(404)
      expect((await ask("DELETE", `/sessions/${id}`)).status).toBe(404)
      for (const verb of ["freeze", "unfreeze", "boost", "unboost", "lock", "unlock", "extend"])
        expect((await post(`/sessions/${id}/${verb}`)).status, verb).toBe(404)
      expect((await post(`/sessions/${id}/execute`, { command: "true" })).status).toBe(404)
    }
  })
})

describe("the terminal", () => {
  it("echoes the subprotocol, sizes itself, shows and takes bytes, and tells its end", async () => {
    const session = await open()
    const one = await shell(session)
    expect(one.socket.protocol).toBe("unsandbox-shell")
    one.resize(0, 0)
    await one.sees("$ ")
    one.resize(101, 31)
    one.type("stty size; printf 'caf\\303\\251-%s\\n' $((6*7)); id -u; pwd\n")
    const shown = await one.sees(/31 101[\s\S]*café-42[\s\S]*1000[\s\S]*\/home\/sandbox/)
    expect(shown).toContain("stty size")
    one.type("exit 7\n")
    expect(await one.closed).toBe(1000)
    expect(one.texts).toEqual([{ type: "exit", code: 7 }])
    const gone = await ask("GET", `/sessions/${session.id}`)
    expect(gone).toMatchObject({ status: 410, json: { error: "gone", details: { cause: "exit" } } })
    expect(await ask("DELETE", `/sessions/${session.id}`)).toMatchObject({
      status: 200,
      json: { status: "terminated", artifacts: [] }
    })
  })

  it("takes what was typed before anything was read, in order", async () => {
    const session = await open()
    const one = await shell(session)
    // Not by the terminal: it shows what is typed among what is printed.
    for (let line = 0; line < 300; line++) one.type(`echo line-${line} >> lines\n`)
    one.type("echo all-of-$((1+1))\n")
    await one.sees("all-of-2")
    const { json } = await post(`/sessions/${session.id}/execute`, { command: "cat lines" })
    expect(json.stdout).toBe(Array.from({ length: 300 }, (_, line) => `line-${line}\n`).join(""))
    await ask("DELETE", `/sessions/${session.id}`)
    expect(one.texts.at(-1)).toMatchObject({ type: "exit" })
  })

  it("lets several watch, and all type", async () => {
    const session = await open()
    const [first, second] = [await shell(session), await shell(session)]
    await first.sees("$ ")
    second.type("echo from-second\n")
    await Promise.all([first.sees(/[\r\n]from-second\r/), second.sees(/[\r\n]from-second\r/)])
    first.type("echo from-first\n")
    await Promise.all([first.sees(/[\r\n]from-first\r/), second.sees(/[\r\n]from-first\r/)])
    await ask("DELETE", `/sessions/${session.id}`)
  })

  it("loses nothing when a connection drops: since an offset, and without one what nobody saw", async () => {
    const session = await open()
    const first = await shell(session)
    await first.sees("$ ")
    first.type("sleep 0.4; for i in $(seq 2000); do echo n-$i; done; echo END-$((2+2))\n")
    await first.sees("sleep")
    const had = first.bytes()
    first.socket.terminate()
    await sleep(800)
    const second = await shell(session, `?since=${had}`)
    const shown = await second.sees("END-4")
    expect(second.texts[0]).toEqual({ type: "offset", offset: had })
    const numbers = [...shown.matchAll(/^n-(\d+)\r?$/gm)].map(([, number]) => Number(number))
    expect(numbers).toEqual(Array.from({ length: 2_000 }, (_, index) => index + 1))
    second.socket.terminate()
    await sleep(100)
    const third = await shell(session)
    third.type("echo again\n")
    expect(await third.sees(/[\r\n]again\r/)).not.toContain("END-4")
    const all = await shell(session, "?since=0")
    expect(await all.sees("END-4")).toContain("sleep 0.4")
    await ask("DELETE", `/sessions/${session.id}`)
  })

  it("stays bounded while a flood is not read, and loses nothing of it", async () => {
    const session = await open()
    const one = await shell(session)
    await one.sees("$ ")
    one.type("seq 3000000; echo FLOOD-$((3+4))\n")
    one.socket.pause()
    const before = rss()
    await sleep(3_000)
    expect(rss() - before).toBeLessThan(60)
    one.socket.resume()
    const shown = await one.sees("FLOOD-7", 120_000)
    expect(shown).toContain("\n2999999\r\n3000000\r\n")
    expect(shown).toContain("\n1500000\r\n")
    await ask("DELETE", `/sessions/${session.id}`)
  }, 180_000)

  it("ends a shell that nobody comes back to", async () => {
    const session = await open()
    const one = await shell(session)
    await one.sees("$ ")
    one.socket.close()
    await over(session.id)
    const gone = await ask("GET", `/sessions/${session.id}`)
    expect(gone.json.details).toMatchObject({ cause: "disconnected" })
  })

  it("bounds how many are there at one time", async () => {
    const session = await open()
    const there = await Promise.all(Array.from({ length: 16 }, () => shell(session)))
    await expect(shell(session)).rejects.toMatchObject({ status: 429, body: { error: "too_many_connections" } })
    there[0]?.socket.terminate()
    await eventually("there is room again", () =>
      shell(session).then(
        () => true,
        () => false
      )
    )
    await ask("DELETE", `/sessions/${session.id}`)
  })

  it("tells who may not connect, and where there is nothing", async () => {
    const at = server.url.replace("http", "ws")
    const rejected = async (path: string) => {
      const error: unknown = await connect(`${at}${path}`).then(
        () => undefined,
        (error: unknown) => error
      )
      return error instanceof NotUpgraded ? error : undefined
    }
    expect(await rejected(`/sessions/unsb-session-${"0".repeat(32)}/shell`)).toMatchObject({
      status: 404,
      body: { error: "not_found" }
    })
    expect(await rejected("/sessions/x/nothing")).toMatchObject({ status: 404 })
    expect(await rejected("/health")).toMatchObject({ status: 404 })
    const session = await open()
    await ask("DELETE", `/sessions/${session.id}`)
    expect(await rejected(`/sessions/${session.id}/shell`)).toMatchObject({ status: 410 })
  })

  it("answers a request that is no upgrade with 426", async () => {
    const session = await open()
    expect(await ask("GET", `/sessions/${session.id}/shell`)).toMatchObject({
      status: 426,
      json: { error: "upgrade_required" }
    })
    await ask("DELETE", `/sessions/${session.id}`)
  })
})

/** Of the server, in MiB. */
const rss = (): number =>
  Number(/^VmRSS:\s+(\d+)/m.exec(execFileSync("cat", [`/proc/${server.pid}/status`]).toString())?.[1] ?? 0) / 1_024

describe("POST /sessions/{id}/execute", () => {
  it.each(["execute", "shell"])("runs a command beside the shell: %s", async (verb) => {
    const session = await open()
    const ran = await post(`/sessions/${session.id}/${verb}`, { command: "echo out; echo err >&2; exit 3" })
    expect(ran).toMatchObject({
      status: 200,
      json: { stdout: "out\n", stderr: "err\n", exit_code: 3, success: false, output: "out\n", error: "err\n" }
    })
    const kept = await post(`/sessions/${session.id}/${verb}`, { command: "echo kept > /tmp/kept; cat /tmp/kept" })
    expect(kept.json).toMatchObject({ stdout: "kept\n", exit_code: 0, success: true, error: "" })
    const one = await shell(session)
    one.type("cat /tmp/kept\n")
    await one.sees(/[\r\n]kept\r/)
    await ask("DELETE", `/sessions/${session.id}`)
  })

  it("ends it when its time is over, and keeps what it had written", async () => {
    const session = await open()
    const ran = await post(`/sessions/${session.id}/execute`, { command: "echo begun; sleep 60", timeout: 3_000 })
    expect(ran.json).toMatchObject({ stdout: "begun\n", exit_code: 124, status: "timeout" })
    const left = async () => (await post(`/sessions/${session.id}/execute`, { command: "pgrep sleep" })).json.stdout
    await eventually("nothing of it is left", async () => (await left()) === "")
    await ask("DELETE", `/sessions/${session.id}`)
  })

  it.each([{}, { command: "" }, { command: 7 }, { command: "a\0b" }, { command: "true", timeout: "soon" }])(
    "refuses %j",
    async (body) => {
      const session = await open()
      expect((await post(`/sessions/${session.id}/execute`, body)).status).toBe(400)
      await ask("DELETE", `/sessions/${session.id}`)
    }
  )
})

describe("what it has written", () => {
  it("is put back from a snapshot, and its shell starts again", async () => {
    const session = await open()
    const run = async (command: string) => (await post(`/sessions/${session.id}/execute`, { command })).json.stdout
    await run("echo first > ~/a; mkdir /srv/d; echo deep > /srv/d/b")
    const taken = await post(`/sessions/${session.id}/snapshot`, { name: "one" })
    expect(taken.json, taken.text).toMatchObject({ name: "one", session_id: session.id })
    expect(taken.json.id).toBe(taken.json.snapshot_id)
    expect(Number(taken.json.size_bytes)).toBeGreaterThan(0)
    await run("rm -rf ~/a /srv/d; echo second > ~/c")
    const one = await shell(session)
    await post(`/sessions/${session.id}/lock`)
    const body = { snapshot_id: taken.json.snapshot_id }
    expect(await post(`/sessions/${session.id}/restore`, body)).toMatchObject({
      status: 409,
      json: { error: "locked" }
    })
    await post(`/sessions/${session.id}/unlock`)
    const restored = await post(`/sessions/${session.id}/restore`, body)
    expect(restored.json, restored.text).toMatchObject({ status: "restored", session_id: session.id })
    expect(await one.closed).toBe(1000)
    expect(one.texts.at(-1)).toEqual({ type: "detached", reason: "restoring" })
    expect(await run("cat ~/a /srv/d/b; ls ~")).toBe("first\ndeep\na\n")
    const after = await ask("GET", `/sessions/${session.id}`)
    expect(after.json).toMatchObject({ status: "running" })
    expect(after.json.container_name).not.toBe(session.container_name)
    const again = await shell(session)
    again.type("cat a\n")
    await again.sees(/[\r\n]first\r/)
    await ask("DELETE", `/sessions/${session.id}`)
  }, 60_000)

  it("may be anything that is typed, however much", async () => {
    const session = await open()
    const one = await shell(session)
    await one.sees("$ ")
    const bytes = 700_000
    one.type(`stty -icanon -echo; echo ready-$((1+1)); head -c ${bytes} > ~/typed; stty sane; echo took-$((1+1))\n`)
    await one.sees("ready-2")
    for (let at = 0; at < bytes; at += 250) one.type("x".repeat(250))
    await one.sees("took-2", 60_000)
    const ran = await post(`/sessions/${session.id}/execute`, { command: "tr -d x < ~/typed | wc -c; wc -c < ~/typed" })
    expect(ran.json.stdout).toBe(`0\n${bytes}\n`)
    await ask("DELETE", `/sessions/${session.id}`)
  }, 90_000)
})

describe("another key", () => {
  const keys = (...args: ReadonlyArray<string>) =>
    execFileSync("node", ["bin/unsandbox.mjs", "keys", ...args, "--data", server.data], { encoding: "utf8" })

  it("is told that there is nothing", async () => {
    const made = keys("create", "--label", "other")
    const [publicKey = "", secretKey = ""] = [/unsb-pk-\S+/, /unsb-sk-\S+/].map((word) => word.exec(made)?.[0] ?? "")
    const other = { url: server.url, publicKey, secretKey }
    const session = await open({ multiplexer: "tmux" })
    expect((await request(other, "GET", "/sessions")).json).toMatchObject({ sessions: [], count: 0 })
    expect((await request(other, "GET", `/sessions/${session.id}`)).status).toBe(404)
    expect((await request(other, "DELETE", `/sessions/${session.id}`)).status).toBe(404)
    for (const verb of ["freeze", "unfreeze", "boost", "unboost", "lock", "unlock", "extend", "snapshot"])
      expect((await request(other, "POST", `/sessions/${session.id}/${verb}`, { body: {} })).status, verb).toBe(404)
    for (const verb of ["execute", "shell"])
      expect(
        (await request(other, "POST", `/sessions/${session.id}/${verb}`, { body: { command: "true" } })).status
      ).toBe(404)
    expect((await request(other, "GET", `/sessions/${session.id}/recording`)).status).toBe(404)
    await becomes(session.id, "running")
    await ask("DELETE", `/sessions/${session.id}`)
  })

  it("that is revoked takes the way to its terminals with it", async () => {
    const made = keys("create", "--label", "short")
    const [publicKey = "", secretKey = ""] = [/unsb-pk-\S+/, /unsb-sk-\S+/].map((word) => word.exec(made)?.[0] ?? "")
    const short = { url: server.url, publicKey, secretKey }
    // It outlives the connection, however long the operator takes.
    const session = (await request(short, "POST", "/sessions", { body: { multiplexer: "tmux" } })).json
    const one = await shell(session)
    one.type("echo he''llo\r")
    await one.sees("hello")
    keys("revoke", publicKey)
    await eventually("it is closed", () => one.socket.readyState === one.socket.CLOSED, 10_000)
    expect(await one.closed).toBe(1008)
    expect(one.texts.at(-1)).toEqual({ type: "detached", reason: "key" })
    await expect(shell(session)).rejects.toMatchObject({ status: 401 })
  })
})

describe("what its owner changes", () => {
  it("boosts and unboosts it, live", async () => {
    const session = await open()
    const limit = async () =>
      Number((await post(`/sessions/${session.id}/execute`, { command: "ulimit -v >/dev/null; nproc" })).json.exit_code)
    expect(await limit()).toBe(0)
    const boosted = await post(`/sessions/${session.id}/boost`)
    expect(boosted).toMatchObject({
      status: 200,
      json: { vcpu: 2, memory_mb: 4_096, boosted: true, memory: "4096 MB" }
    })
    expect((await post(`/sessions/${session.id}/boost`, { vcpu: 9 })).status).toBe(400)
    expect(await post(`/sessions/${session.id}/unboost`)).toMatchObject({
      status: 200,
      json: { vcpu: 1, memory_mb: 2_048, boosted: false, status: "running" }
    })
    await ask("DELETE", `/sessions/${session.id}`)
  })

  it("locks it against its deletion", async () => {
    const session = await open()
    expect(await post(`/sessions/${session.id}/lock`)).toMatchObject({
      status: 200,
      json: { session_id: session.id, locked: true }
    })
    expect(await ask("DELETE", `/sessions/${session.id}`)).toMatchObject({ status: 409, json: { error: "locked" } })
    expect((await post(`/sessions/${session.id}/unlock`)).json).toMatchObject({ locked: false })
    expect((await ask("DELETE", `/sessions/${session.id}`)).status).toBe(200)
  })

  it("extends its time, by this alone", async () => {
    const session = await open({ ttl: 60 })
    const one = await shell(session)
    one.type("echo busy\n")
    await one.sees(/[\r\n]busy\r/)
    expect(Number((await ask("GET", `/sessions/${session.id}`)).json.remaining_ttl)).toBeLessThanOrEqual(60)
    const extended = await post(`/sessions/${session.id}/extend`, { ttl: 7_200 })
    expect(Number(extended.json.remaining_ttl)).toBeGreaterThan(7_100)
    expect((await post(`/sessions/${session.id}/extend`, { ttl: 0 })).json).toMatchObject({ remaining_ttl: 0 })
    await ask("DELETE", `/sessions/${session.id}`)
  })

  it("ends when its time is over, and says so", async () => {
    const session = await open({ ttl: 1 })
    const one = await shell(session)
    expect(await one.closed).toBe(1000)
    expect(one.texts.at(-1)).toMatchObject({ type: "exit" })
    await over(session.id)
    const gone = await ask("GET", `/sessions/${session.id}`)
    expect(gone.json.details).toMatchObject({ was: "expired", cause: "ttl" })
  })

  it("freezes only what a multiplexer keeps", async () => {
    const session = await open()
    expect(await post(`/sessions/${session.id}/freeze`)).toMatchObject({
      status: 400,
      json: { error: "not_freezable" }
    })
    await ask("DELETE", `/sessions/${session.id}`)
  })
})

describe.each(multiplexers)("with %s", (multiplexer) => {
  /** Somebody typed into it, and everybody has left. */
  const deserted = async () => {
    const session = await open({ multiplexer })
    const one = await shell(session)
    one.type("echo remember-$((40+2))\n")
    await one.sees("remember-42")
    one.socket.terminate()
    return session
  }

  it("is frozen, refuses meanwhile, and goes on where it was", async () => {
    const session = await open({ multiplexer })
    const one = await shell(session)
    one.type("n=0; while :; do n=$((n+1)); echo $n > /tmp/n; sleep 0.05; done\n")
    const count = async () =>
      Number((await post(`/sessions/${session.id}/execute`, { command: "cat /tmp/n" })).json.stdout)
    await eventually("it counts", async () => (await count()) > 3)
    expect(await post(`/sessions/${session.id}/freeze`)).toMatchObject({ status: 200, json: { status: "frozen" } })
    expect(await one.closed).toBe(1000)
    expect(one.texts.at(-1)).toMatchObject({ type: "detached" })
    expect(await post(`/sessions/${session.id}/execute`, { command: "true" })).toMatchObject({
      status: 409,
      json: { error: "not_running" }
    })
    await expect(shell(session)).rejects.toMatchObject({ status: 409 })
    await sleep(300)
    const unfrozen = await post(`/sessions/${session.id}/unfreeze`)
    expect(unfrozen).toMatchObject({ status: 200, json: { status: "running" } })
    expect(Number(unfrozen.json.unfreeze_time_ms)).toBeGreaterThan(0)
    const then = await count()
    await eventually("it goes on counting", async () => (await count()) > then)
    const again = await shell(session)
    await again.sees("sleep 0.05")
    await ask("DELETE", `/sessions/${session.id}`)
  })

  it("is there for commands beside it from the first", async () => {
    const has = multiplexer === "tmux" ? "tmux has-session -t =main" : "screen -S main -Q select ."
    const ids = await Promise.all(
      Array.from({ length: 6 }, async () => {
        const { id } = await open({ multiplexer })
        const { json } = await post(`/sessions/${id}/execute`, { command: has })
        expect(json).toMatchObject({ exit_code: 0 })
        return id
      })
    )
    for (const id of ids) await ask("DELETE", `/sessions/${id}`)
  })

  it("shows itself again to who comes back after nobody was there, and it was frozen and thawed meanwhile", async () => {
    const session = await deserted()
    // Each longer than the grace, after which nothing of it is at the terminal and it is looked after.
    await sleep(3_000)
    await post(`/sessions/${session.id}/freeze`)
    await sleep(3_000)
    expect((await post(`/sessions/${session.id}/unfreeze`)).status).toBe(200)
    const again = await shell(session)
    await again.sees("remember-42")
    again.socket.terminate()
    await ask("DELETE", `/sessions/${session.id}`)
  })

  it("is not over when its users have given it another name, or taken its socket away", async () => {
    const rename = multiplexer === "tmux" ? "tmux rename-session work" : "screen -S main -X sessionname work"
    const ids = await Promise.all(
      [rename, "rm -rf /home/sandbox/.cache"].map(async (command) => {
        const { id } = await open({ multiplexer })
        expect((await post(`/sessions/${id}/execute`, { command })).json).toMatchObject({ exit_code: 0 })
        return id
      })
    )
    await sleep(5_000)
    for (const id of ids) {
      await becomes(id, "running")
      await ask("DELETE", `/sessions/${id}`)
    }
  })

  it("begins with all that it was sent, or not at all", async () => {
    // The name is taken by the place of its sockets.
    const taken = [{ filename: ".cache", content: "" }]
    const answer = await post("/sessions", { multiplexer, input_files: taken })
    expect([answer.status, answer.json.error], answer.text).toEqual([503, "session_lost"])
    const reason = "its input files could not be put in place: exit status 1"
    await endsLike({ cause: "unstartable", exitCode: null, reason })
  })

  it("does not begin when the multiplexer cannot", async () => {
    const bare = await open()
    await post(`/sessions/${bare.id}/execute`, { command: "touch ~/.cache" })
    const { snapshot_id: snapshot } = (await post(`/sessions/${bare.id}/snapshot`)).json
    await ask("DELETE", `/sessions/${bare.id}`)
    const answer = await post(`/snapshots/${String(snapshot)}/clone`, { multiplexer })
    expect([answer.status, answer.json.error], answer.text).toEqual([503, "session_lost"])
    const reason = "its multiplexer could not be begun: exit status 1"
    await endsLike({ cause: "unstartable", exitCode: null, reason })
    await ask("DELETE", `/snapshots/${String(snapshot)}`)
  })

  it("ends by its own end when its shell ends at once", async () => {
    const content = Buffer.from("exit 3\n").toString("base64")
    const { id } = await open({ multiplexer, input_files: [{ filename: ".bashrc", content }] })
    await over(id)
    expect((await ask("GET", `/sessions/${id}`)).json.details).toMatchObject({ cause: "exit" })
  })

  it("is over when what ran in it ends with nobody connected", async () => {
    const { id } = await open({ multiplexer })
    // Longer than the grace: no client of the multiplexer is there any more, either.
    await sleep(3_000)
    await becomes(id, "running")
    await post(`/sessions/${id}/execute`, { command: "kill -9 -1" })
    await over(id)
  })

  it("is kept when everybody has left, and shows its screen to who comes back", async () => {
    const session = await deserted()
    await sleep(3_000)
    await becomes(session.id, "running")
    const again = await shell(session)
    await again.sees("remember-42")
    again.type("\n")
    // What comes at once is taken for a paste.
    await sleep(300)
    again.type(multiplexer === "tmux" ? "\u0002d" : "\u0001d")
    expect(await again.closed).toBe(1000)
    expect(again.texts).toEqual([{ type: "detached", reason: "asked" }])
    const third = await shell(session)
    await third.sees("remember-42")
    third.type("exit\n")
    await third.closed
    expect(third.texts.at(-1)).toMatchObject({ type: "exit" })
    await over(session.id)
  }, 60_000)
})

/** `{"…"}` lines of an asciicast. */
const castOf = (text: string): ReadonlyArray<unknown> =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line): unknown => JSON.parse(line))

const outputOf = (cast: ReadonlyArray<unknown>, kind: string): string =>
  cast.map((line) => (Array.isArray(line) && line[1] === kind ? String(line[2]) : "")).join("")

describe("the recording", () => {
  const artifactOf = ({ json }: Answer): string => {
    const [artifact] = Array.isArray(json.artifacts) ? json.artifacts : []
    expect(artifact.filename).toMatch(/\.cast$/)
    expect(artifact.content).toBe(artifact.content_base64)
    return Buffer.from(String(artifact.content_base64), "base64").toString()
  }

  it("comes with the deletion, signed without the query, and can be downloaded before and after", async () => {
    const session = await post("/sessions?audit=1", {}, { sign: { path: "/sessions" } })
    expect(session.json).toMatchObject({ status: "running", audit: true })
    const id = String(session.json.id)
    const one = await shell(session.json)
    one.resize(90, 20)
    one.type("echo audited-$((1+1))\n")
    await one.sees("audited-2")
    const meanwhile = await ask("GET", `/sessions/${id}/recording`)
    expect(meanwhile.headers["content-type"]).toContain("asciicast")
    expect(meanwhile.text).toContain("audited-2")
    const deleted = await ask("DELETE", `/sessions/${id}?audit=1`, { sign: { path: `/sessions/${id}` } })
    expect(deleted).toMatchObject({ status: 200, json: { status: "terminated" } })
    const cast = castOf(artifactOf(deleted))
    expect(cast[0]).toMatchObject({ version: 3, term: { cols: 80, rows: 24 } })
    expect(outputOf(cast, "o")).toContain("audited-2")
    expect(outputOf(cast, "r")).toContain("90x20")
    expect(outputOf(cast, "i")).toBe("")
    expect((await ask("GET", `/sessions/${id}/recording`)).text).toContain("audited-2")
  })

  it("is there when the shell ended by itself, with what was typed where that was asked for", async () => {
    const session = await open({ audit: "input" })
    const one = await shell(session)
    await one.sees("$ ")
    one.type("exit 4\n")
    await one.closed
    const cast = castOf(artifactOf(await ask("DELETE", `/sessions/${session.id}`)))
    expect(outputOf(cast, "i")).toBe("exit 4\n")
    expect(outputOf(cast, "x")).toBe("4")
  })

  it("is not made unasked", async () => {
    const session = await open()
    expect((await ask("GET", `/sessions/${session.id}/recording`)).status).toBe(404)
    expect((await ask("DELETE", `/sessions/${session.id}?audit=1`)).json.artifacts).toEqual([])
  })
})

describe("a server that demands tickets", () => {
  it("lets in who has one of late, for that session only", async () => {
    const strict = await serverForTest({ pool: 1, env: { UNSANDBOX_SESSION_WS: "signed" } })
    const opened = await request(strict, "POST", "/sessions", { body: {} })
    const url = String(opened.json.websocket_url)
    const [place = ""] = url.split("?")
    await expect(connect(place)).rejects.toMatchObject({ status: 401, body: { error: "ticket_required" } })
    await expect(connect(`${place}?ticket=9999999999.${"A".repeat(43)}`)).rejects.toMatchObject({ status: 401 })
    const other = await request(strict, "POST", "/sessions", { body: {} })
    const [, ticket] = url.split("?")
    await expect(connect(`${String(other.json.websocket_url).split("?")[0]}?${ticket}`)).rejects.toMatchObject({
      status: 401
    })
    const one = await connect(url)
    await one.sees("$ ")
  }, 60_000)
})

describe("a long freeze", () => {
  it("gives the container up, and starts from what was written, also by another server", async () => {
    const args = ["--deep-freeze", "300ms"]
    const first = await startServer({ pool: 1, args })
    const { data } = first
    const made = (await request(first, "POST", "/sessions", { body: { multiplexer: "tmux" } })).json
    const path = `/sessions/${String(made.id)}`
    await request(first, "POST", `${path}/execute`, { body: { command: "echo kept > ~/a" } })
    await request(first, "POST", `${path}/freeze`, { body: {} })
    const asleep = async (server: Server) => {
      const { json } = await request(server, "GET", path)
      return json.deep_frozen === true && json.status === "frozen" && json.container_name === ""
    }
    await eventually("it is deep-frozen", () => asleep(first))
    await first.kill("SIGKILL")
    const second = await serverForTest({ pool: 1, data, args })
    try {
      expect(await asleep(second)).toBe(true)
      await expect(
        connect(String(made.websocket_url).replace(first.url.slice(7), second.url.slice(7)))
      ).rejects.toMatchObject({ status: 409 })
      const unfrozen = await request(second, "POST", `${path}/unfreeze`, { body: {} })
      expect(unfrozen.json).toMatchObject({ status: "running", deep_frozen: false })
      const one = await connect(String(unfrozen.json.websocket_url))
      await one.sees("$ ")
      one.type("cat a\n")
      await one.sees("kept")
      expect((await request(second, "DELETE", path)).status).toBe(200)
    } finally {
      await second.stop()
      await first.stop()
    }
  }, 90_000)
})

describe("a start from rest that comes to nothing", () => {
  it.each(multiplexers)(
    "leaves what %s kept at rest, whole, until it can be started",
    async (multiplexer) => {
      const one = await serverForTest({ pool: 1, args: ["--deep-freeze", "300ms"] })
      const ask = (method: string, path: string, body?: object) =>
        request(one, method, path, body === undefined ? {} : { body })
      const made = (await ask("POST", "/sessions", { multiplexer })).json
      const path = `/sessions/${String(made.id)}`
      const run = async (command: string) => (await ask("POST", `${path}/execute`, { command })).json.stdout
      const asleep = async () => (await ask("GET", path)).json.deep_frozen === true
      const { snapshot_id: snapshot } = (await ask("POST", `${path}/snapshot`, { hot: true })).json
      await run("rm -rf ~/.cache; touch ~/.cache; echo kept > ~/a; sync")
      await ask("POST", `${path}/freeze`, {})
      await eventually("it is deep-frozen", asleep)
      // As often as its owner likes.
      for (const _ of [1, 2]) {
        const refused = await ask("POST", `${path}/unfreeze`, {})
        expect([refused.status, refused.json.error], refused.text).toEqual([503, "session_lost"])
        expect((await ask("GET", path)).json).toMatchObject({ status: "frozen", deep_frozen: true })
      }
      const cloned = (
        await ask("POST", `/snapshots/${String((await ask("POST", `${path}/snapshot`, {})).json.id)}/clone`)
      ).json
      const clone = `/sessions/${String(cloned.id)}`
      expect((await ask("POST", `${clone}/execute`, { command: "cat ~/a" })).json.stdout).toBe("kept\n")
      expect((await ask("DELETE", clone)).status).toBe(200)
      const restored = await ask("POST", `${path}/restore`, { snapshot_id: snapshot })
      expect(restored.status, restored.text).toBe(200)
      expect((await ask("GET", path)).json).toMatchObject({ status: "running" })
      expect(await run("ls ~")).toBe("")
      expect((await ask("DELETE", path)).status).toBe(200)
    },
    90_000
  )
})

describe("the loss of the containers' host process", () => {
  it("ends what ran, for that reason, and another begins", async () => {
    const one = await serverForTest({ pool: 1 })
    const made = (await request(one, "POST", "/sessions", { body: {} })).json
    const terminal = await connect(String(made.websocket_url))
    await terminal.sees("$ ")
    const spawner = spawnerOf(one.data)
    if (spawner !== undefined) process.kill(spawner, "SIGKILL")
    await terminal.closed
    await eventually(
      "it is over",
      async () => (await request(one, "GET", `/sessions/${String(made.id)}`)).status === 410
    )
    const { json } = await request(one, "GET", `/sessions/${String(made.id)}`)
    expect(json.details).toMatchObject({ cause: "node-lost" })
    const next = async () => (await request(one, "POST", "/sessions", { body: {} })).status === 200
    await eventually("another is opened", next)
  }, 60_000)
})

describe("a restart of the server", () => {
  it("leaves what was frozen frozen", async () => {
    const first = await startServer({ pool: 1 })
    const { data } = first
    const made = (await request(first, "POST", "/sessions", { body: { multiplexer: "tmux" } })).json
    const path = `/sessions/${String(made.id)}`
    const one = await connect(String(made.websocket_url))
    one.type("n=0; while :; do n=$((n+1)); echo $n > /tmp/n; sleep 0.05; done & echo going-$((1+1))\n")
    await one.sees("going-2")
    await request(first, "POST", `${path}/freeze`, { body: {} })
    await first.kill("SIGKILL")
    const second = await serverForTest({ pool: 1, data })
    try {
      expect((await request(second, "GET", path)).json).toMatchObject({ status: "frozen" })
      const unfrozen = await request(second, "POST", `${path}/unfreeze`, { body: {} })
      expect(unfrozen.json).toMatchObject({ status: "running", container_name: made.container_name })
      const again = await connect(String(unfrozen.json.websocket_url))
      await again.sees("going-2")
      expect((await request(second, "DELETE", path)).status).toBe(200)
    } finally {
      await second.stop()
      await first.stop()
    }
  }, 90_000)

  it.each([
    ["SIGKILL", "tmux"],
    ["SIGTERM", "screen"]
  ] as const)(
    "by %s leaves what %s keeps running, and ends the rest",
    async (signal, multiplexer) => {
      const first = await startServer({ pool: 2 })
      const { data } = first
      const [kept, plain] = [
        (await request(first, "POST", "/sessions?audit=1", { body: { multiplexer, ttl: 0 } })).json,
        (await request(first, "POST", "/sessions?audit=1", { body: {} })).json
      ]
      const [one, two] = [await connect(String(kept.websocket_url)), await connect(String(plain.websocket_url))]
      await two.sees("$ ")
      one.type("n=0; while :; do n=$((n+1)); echo $n > /tmp/n; sleep 0.05; done & echo going-$((1+1))\n")
      await one.sees("going-2")
      await request(first, "POST", `/sessions/${String(kept.id)}/lock`, { body: {} })
      await first.kill(signal)
      const second = await serverForTest({ pool: 2, data, args: [] })
      try {
        const after = await request(second, "GET", `/sessions/${String(kept.id)}`)
        expect(after.json).toMatchObject({ status: "running", container_name: kept.container_name, locked: true })
        const again = await connect(String(after.json.websocket_url))
        await again.sees("going-2")
        const count = async () =>
          Number(
            (await request(second, "POST", `/sessions/${String(kept.id)}/execute`, { body: { command: "cat /tmp/n" } }))
              .json.stdout
          )
        const then = await count()
        await eventually("its program goes on", async () => (await count()) > then)
        const ended = await request(second, "GET", `/sessions/${String(plain.id)}`)
        expect(ended).toMatchObject({ status: 410, json: { details: { cause: "control-plane-restart" } } })
        const recording = await request(second, "GET", `/sessions/${String(plain.id)}/recording`)
        expect(castOf(recording.text).length).toBeGreaterThan(1)
        await request(second, "POST", `/sessions/${String(kept.id)}/unlock`, { body: {} })
        const deleted = await request(second, "DELETE", `/sessions/${String(kept.id)}?audit=1`)
        const [artifact] = Array.isArray(deleted.json.artifacts) ? deleted.json.artifacts : []
        const cast = castOf(Buffer.from(String(artifact.content_base64), "base64").toString())
        expect(outputOf(cast, "m")).toContain("resumed")
        expect(outputOf(cast, "o")).toContain("going-2")
      } finally {
        await second.stop()
        await first.stop()
      }
    },
    90_000
  )
})
