/** For a port that a test does not need: whoever uses it anyway dies, and says of what. */
import { type Context, Effect, Layer } from "effect"

export const absent = <I, S extends object>(tag: Context.Tag<I, S>): Layer.Layer<I> => {
  const members: S = new Proxy(Object.create(null), {
    get: (_, name) => () => Effect.dieMessage(`${tag.key}.${String(name)} is not there in this test`)
  })
  return Layer.succeed(tag, members)
}
