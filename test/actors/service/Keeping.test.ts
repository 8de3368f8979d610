import { Effect } from "effect"
import { describe, expect } from "vitest"
import { live } from "../../support/it.js"
import { refusal } from "../scripted.js"
import { becomes, inScript } from "../world.js"
import { consent, is, order, owned, running, typesOf, unlocked, viewOf } from "./running.js"

const commands = (launched: ReadonlyArray<{ readonly command: { readonly argv: ReadonlyArray<string> } }>) =>
  launched.length

describe("a service's keeper", () => {
  live("gives it a container with its root attached, kept under its name, and launches its bootstrap", () =>
    inScript((script) =>
      Effect.gen(function* () {
        const { services } = yield* running()
        const service = yield* services.create(order("shop", { env: { TOKEN: "secret" }, ports: [80] }))
        yield* is(service, "running")
        const box = script.boxes.find(({ launched }) => launched.length > 0)
        expect(box?.directory).toMatch(new RegExp(`/volumes/${service}$`))
        expect(box?.label).toBe((yield* viewOf(service)).container)
        expect(box?.launched[0]?.command.env).toMatchObject({ TOKEN: "secret", PORT: "80", SERVICE_NAME: "shop" })
        expect(box?.launched[0]?.log.path).toMatch(new RegExp(`/logs/${service}\\.log$`))
        expect(yield* typesOf(`service/${service}`)).toEqual(["ServiceCreated", "VaultChanged", "ServiceStarted"])
        yield* services.destroy(owned(service), unlocked(service), consent(service))
        yield* becomes(Effect.sync(() => box?.over === true))
        expect((yield* typesOf(`service/${service}`)).slice(-2)).toEqual(["ServiceDestroyed", "ServiceErased"])
        expect(yield* typesOf("name/shop")).toEqual(["NameClaimed", "NameReleased"])
      })
    )
  )

  live("starts it again when its container dies, with a pause", () =>
    inScript((script) =>
      Effect.gen(function* () {
        const { services } = yield* running()
        const service = yield* services.create(order("shop"))
        yield* is(service, "running")
        const [first] = script.boxes.filter(({ launched }) => launched.length > 0)
        first?.end("died")
        yield* becomes(Effect.sync(() => script.boxes.filter(({ launched }) => launched.length > 0).length === 2))
        yield* is(service, "running")
        expect(yield* typesOf(`service/${service}`)).toEqual([
          ...["ServiceCreated", "ServiceStarted", "ServiceStarting", "ServiceStarted"]
        ])
      })
    )
  )

  live("lets it fail when its bootstrap says so, and gives the container up", () =>
    inScript((script) =>
      Effect.gen(function* () {
        const { services, status, keepers, actors } = yield* running()
        const service = yield* services.create(order("shop"))
        yield* is(service, "running")
        const box = script.boxes.find(({ launched }) => launched.length > 0)
        box?.launched[0]?.end({ how: "exited", code: 3 })
        yield* is(service, "failed")
        expect((yield* viewOf(service)).failure).toMatchObject({ cause: "exit", exitCode: 3 })
        yield* becomes(Effect.map(status, ({ busy }) => busy === 0))
        // Whoever does not run has no fiber here.
        yield* becomes(Effect.map(Effect.all([keepers.size, actors.size]), ([a, b]) => a + b === 0))
        yield* services.redeploy(owned(service), unlocked(service), consent(service), {
          bootstrap: undefined,
          files: order("x").files
        })
        yield* is(service, "running")
      })
    )
  )

  live("keeps one whose bootstrap ended well", () =>
    inScript((script) =>
      Effect.gen(function* () {
        const { services } = yield* running()
        const service = yield* services.create(order("shop"))
        yield* is(service, "running")
        const box = script.boxes.find(({ launched }) => launched.length > 0)
        box?.launched[0]?.end({ how: "exited", code: 0 })
        yield* services.freeze(owned(service))
        expect([box?.frozen, box?.over]).toEqual([true, false])
      })
    )
  )

  live("gives up on what cannot be started", () =>
    inScript((script) =>
      Effect.gen(function* () {
        const { services } = yield* running()
        script.keeping = Effect.fail(refusal)
        const service = yield* services.create(order("shop"))
        yield* becomes(Effect.sync(() => script.boxes.filter(({ over }) => over).length >= 2))
        expect((yield* viewOf(service)).state).toBe("starting")
        yield* services.destroy(owned(service), unlocked(service), consent(service))
        expect((yield* viewOf(service)).ended).not.toBeNull()
      })
    )
  )

  live("puts what it could not record again, and loses nothing", () =>
    inScript((script, world) =>
      Effect.gen(function* () {
        const { services } = yield* running()
        world.faults.plan("ServiceStarted", "no", 1)
        const service = yield* services.create(order("shop"))
        yield* is(service, "running")
        expect(script.alive.filter(({ launched }) => launched.length > 0)).toHaveLength(1)
        world.faults.plan("ServiceStarting", "unknown", 1)
        for (const box of script.boxes.filter(({ launched }) => launched.length > 0)) box.end("died")
        yield* becomes(
          Effect.map(
            viewOf(service),
            ({ state }) => state === "running" && script.alive.some((b) => commands(b.launched) > 0)
          )
        )
      })
    )
  )

  live("follows a new size, and takes back what cannot be had", () =>
    inScript((script) =>
      Effect.gen(function* () {
        const { services } = yield* running({ maximum: 4, capacityBytes: 5 * 256 * 2 ** 20 })
        const service = yield* services.create(order("shop"))
        yield* is(service, "running")
        yield* services.change(owned(service), unlocked(service), { vcpu: 2 })
        const box = script.boxes.find(({ launched }) => launched.length > 0)
        expect(box?.limits.memoryBytes).toBe(2 * 256 * 2 ** 20)
        const refused = yield* Effect.flip(services.change(owned(service), unlocked(service), { vcpu: 8 }))
        expect(refused).toMatchObject({ _tag: "Refused", point: "D10" })
        yield* becomes(Effect.map(viewOf(service), ({ vcpu }) => vcpu === 2))
      })
    )
  )
})
