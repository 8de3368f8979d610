/** Volumes of which nobody can say whether they are there. */
import { symlinkSync } from "node:fs"
import { Effect } from "effect"
import { expect } from "vitest"
import { ServiceId } from "../../events/Ids.js"
import { Volumes } from "../../src/store/Volumes.js"
import { live } from "../support/it.js"
import { storage } from "../support/storage.js"

const id = ServiceId.make("unsb-service-0123456789abcdef")

live("what cannot be looked at is not taken for absent", () =>
  Effect.gen(function* () {
    const volumes = yield* Volumes
    // A name that leads to itself: neither there nor not there.
    symlinkSync(id, volumes.path(id))
    for (const asked of [volumes.bytes(id), volumes.remove(id), volumes.replace(id, () => Effect.void)])
      expect(yield* Effect.flip(asked)).toMatchObject({
        _tag: "StoreUnavailable",
        reason: expect.stringContaining("ELOOP")
      })
    expect(yield* volumes.names).toEqual([id])
  }).pipe(Effect.provide(storage()))
)
