/** The life of the membrane's process under `run`: deaths, restarts, and what is left behind (nothing). */
import { spawnSync } from "node:child_process"
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Effect, Fiber, Logger, LogLevel, Schedule, Schema } from "effect"
import { afterAll, describe, expect } from "vitest"
import { type LocalOptions, layer } from "../../src/substrate/local/LocalSubstrate.js"
import { Substrate } from "../../src/substrate/Substrate.js"
import { live } from "../support/it.js"
import { directory } from "./membrane.js"
import { answering, box, command, eventually, limits, running, says, sh } from "./running.js"

const weak = process.geteuid?.() !== 0
const data = directory()
const instance = `test-${process.pid}`
const local = (over: Partial<LocalOptions> = {}) => layer({ data, acceptWeak: weak, instance, ...over })
afterAll(() => rmSync(data, { recursive: true }))

const Pid = Schema.decodeUnknownSync(Schema.parseJson(Schema.Struct({ pid: Schema.Int })))
const spawnerPid = Effect.flatMap(Substrate, ({ facts }) => Effect.map(facts, ({ text }) => Pid(text).pid))

/** Control groups of this instance, in every hierarchy. */
const groups = () =>
  spawnSync("find", ["/sys/fs/cgroup", "-type", "d", "-name", `unsandbox-${instance}`], { encoding: "utf8" })
    .stdout.split("\n")
    .filter((path) => path !== "")

/** Not merely unreaped: a machine's own pid 1 may take its time. */
const alive = (pid: string | undefined) =>
  existsSync(`/proc/${pid}/stat`) && !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"))

/** `run` again and again, as a supervisor does. */
const supervised = Effect.flatMap(Substrate, ({ run }) =>
  Effect.forkScoped(Effect.retry(run, Schedule.spaced("20 millis")))
)

const killed = (pid: number) => Effect.sync(() => process.kill(pid, "SIGKILL"))

describe("the death of the spawner", () => {
  live("takes every container, fails what waits, and is told at once", () =>
    Effect.gen(function* () {
      const { create, run } = yield* Substrate
      const ending = yield* Effect.fork(Effect.flip(run))
      yield* answering
      const boxes = yield* Effect.replicateEffect(create("box", limits), 5)
      const waiting = yield* Effect.forEach(boxes, (each) => Effect.fork(Effect.flip(each.run(sh("sleep 1000")))))
      yield* Effect.sleep("100 millis")
      yield* killed(yield* spawnerPid)
      for (const fiber of waiting) expect(yield* fiber).toMatchObject({ _tag: "SubstrateLost" })
      for (const each of boxes) {
        expect(yield* each.gone).toMatchObject({ reason: "lost", left: null })
        expect(yield* Effect.flip(each.destroy)).toMatchObject({ _tag: "SubstrateLost" })
        expect(yield* Effect.flip(each.run(sh("true")))).toMatchObject({ _tag: "SubstrateLost" })
      }
      expect((yield* ending).reason).toMatch(/killed by SIGKILL/)
      expect(yield* Effect.flip(create("box", limits))).toMatchObject({ _tag: "SubstrateLost" })
      yield* eventually(Effect.sync(() => boxes.every(({ seal }) => !alive(seal.get("pid")))))
    }).pipe(Effect.provide(local()))
  )

  live("is followed by a fresh one that clears what was left", () =>
    Effect.gen(function* () {
      yield* supervised
      for (let round = 0; round < 3; round++) {
        yield* answering
        const container = yield* box()
        expect(yield* says(container, `echo ${round}`)).toBe(String(round))
        yield* Effect.fork(Effect.either(container.run(sh("setsid sleep 1000 & sleep 1000"))))
        const pid = yield* spawnerPid
        yield* killed(pid)
        yield* container.gone
        yield* eventually(Effect.map(Effect.either(spawnerPid), (now) => now._tag === "Right" && now.right !== pid))
        expect(alive(container.seal.get("pid"))).toBe(false)
      }
    }).pipe(Effect.provide(local()))
  )
})

describe("the end of the substrate", () => {
  live("leaves no process, control group or socket", () =>
    Effect.gen(function* () {
      const pids = yield* running(
        local(),
        Effect.gen(function* () {
          const { create } = yield* Substrate
          const boxes = yield* Effect.replicateEffect(create("box", limits), 10)
          yield* Effect.forEach(boxes, (each) =>
            Effect.fork(Effect.either(each.run(sh("setsid sleep 1000 & sleep 1000"))))
          )
          yield* Effect.sleep("100 millis")
          return [...boxes.map(({ seal }) => seal.get("pid")), String(yield* spawnerPid)]
        })
      )
      expect(pids.filter(alive)).toEqual([])
      expect(groups()).toEqual([])
      expect(readdirSync(join(data, "run"))).toEqual([])
    })
  )

  live("refuses creations afterwards", () =>
    Effect.gen(function* () {
      const { create, run } = yield* Substrate
      expect(yield* Effect.flip(create("box", limits))).toMatchObject({ reason: /not started/ })
      const life = yield* Effect.fork(run)
      yield* answering
      yield* Fiber.interrupt(life)
      expect((yield* Effect.flip(create("box", limits)))._tag).toBe("SubstrateLost")
      expect((yield* Effect.flip(answering.pipe(Effect.timeout("50 millis"))))._tag).toBe("TimeoutException")
    }).pipe(Effect.provide(local()))
  )

  live("follows creations that were given up", () =>
    running(
      local(),
      Effect.gen(function* () {
        const { create } = yield* Substrate
        const given = yield* Effect.replicateEffect(Effect.fork(create("box", limits)), 30)
        yield* Effect.sleep("3 millis")
        yield* Fiber.interruptAll(given)
        const pid = yield* spawnerPid
        const children = () => spawnSync("pgrep", ["-P", String(pid)], { encoding: "utf8" }).stdout
        yield* eventually(Effect.sync(() => children() === ""))
      })
    )
  )
})

describe("a start that fails says why:", () => {
  const reason = (over: Partial<LocalOptions>) =>
    Effect.flatMap(Substrate, ({ run }) => Effect.flip(run)).pipe(
      Effect.map((lost) => lost.reason),
      Effect.provide(local(over))
    )
  const program = (name: string, script: string) => {
    const path = join(data, name)
    writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 })
    return path
  }

  live("the program is not built", () =>
    Effect.map(reason({ binary: "/nowhere/membrane" }), (why) => expect(why).toContain("npm run build"))
  )
  live("it ends at once", () =>
    Effect.map(reason({ binary: program("refuses", "echo no memory limit here >&2; exit 3") }), (why) => {
      expect(why).toContain("exit status 3")
      expect(why).toContain("no memory limit here")
    })
  )
  live("it does not listen", () =>
    Effect.map(reason({ binary: program("deaf", "echo ready; exec sleep 1") }), (why) => expect(why).toMatch(/ENOENT/))
  )
})

describe("its place", () => {
  live("may have a long path", () =>
    Effect.gen(function* () {
      const deep = join(data, "d".repeat(120))
      mkdirSync(deep)
      const said = yield* running(
        local({ data: deep }),
        Effect.flatMap(box(), (container) => says(container, "echo hi"))
      ).pipe(Logger.withMinimumLogLevel(LogLevel.None))
      expect(said).toBe("hi")
    })
  )

  live("may be beside another's", () =>
    Effect.gen(function* () {
      const other = directory()
      yield* Effect.addFinalizer(() => Effect.sync(() => rmSync(other, { recursive: true })))
      const hello = Effect.flatMap(box(), (container) => container.run(command(["sleep", "0.2"])))
      const both = [layer({ data, acceptWeak: weak }), layer({ data: other, acceptWeak: weak })]
      const ran = yield* Effect.forEach(both, (each) => running(each, hello), { concurrency: 2 })
      expect(ran.map(({ code }) => code)).toEqual([0, 0])
    })
  )
})
