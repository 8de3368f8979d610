/** Real storage in a directory of its own, gone when the scope closes. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Layer } from "effect"
import { type Projector, Projectors } from "../../src/log/Projector.js"
import * as Storage from "../../src/store/Storage.js"

export const directory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "unsandbox-test-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

/** On a directory that the test keeps, so that it can be opened again. */
export const storageIn = (
  data: string,
  projectors: ReadonlyArray<Projector> = [],
  options: Omit<Storage.Options, "data"> = {}
) => Storage.layer({ data, ...options }).pipe(Layer.provide(Layer.succeed(Projectors, projectors)))

export const storage = (projectors: ReadonlyArray<Projector> = [], options: Omit<Storage.Options, "data"> = {}) =>
  Layer.unwrapScoped(Effect.map(directory, (data) => storageIn(data, projectors, options)))
