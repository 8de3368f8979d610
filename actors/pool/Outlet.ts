/** The way out of a container: a port inside that leads to the egress proxy, and programs that are told of it. */
import { Effect } from "effect"
import type { Command, Container, SubstrateError } from "../../src/substrate/Substrate.js"

/** Inside, on the loopback; what HTTP proxies usually listen on. */
const PORT = 3128

const url = `http://127.0.0.1:${PORT}`
const local = "localhost,127.0.0.1,::1"

/** Programs look for either spelling. */
const environment: Readonly<Record<string, string>> = {
  HTTP_PROXY: url,
  HTTPS_PROXY: url,
  ALL_PROXY: url,
  NO_PROXY: local,
  http_proxy: url,
  https_proxy: url,
  all_proxy: url,
  no_proxy: local
}

/** What a program has in its environment itself stays. */
const told = (command: Command): Command => ({ ...command, env: { ...environment, ...command.env } })

/**
 * The same container, whose programs are told of the way out, whoever starts them. `path` is the proxy's socket; without
 * one there is no way, and nothing to tell.
 */
export const beside = (container: Container, path: string | undefined): Container =>
  path === undefined
    ? container
    : {
        ...container,
        run: (command) => container.run(told(command)),
        start: (command, options) => container.start(told(command), options),
        launch: (command, log) => container.launch(told(command), log)
      }

/** Opens the way in a fresh container. Where that fails there is no container. */
export const opened = (container: Container, path: string | undefined): Effect.Effect<Container, SubstrateError> => {
  if (path === undefined) return Effect.succeed(container)
  const open = Effect.onError(container.egress(PORT, path), () => Effect.ignore(container.destroy))
  return Effect.as(open, beside(container, path))
}
