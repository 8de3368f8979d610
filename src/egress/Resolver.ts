/** What a name resolves to, asked of DNS servers directly and within a deadline. */
import { promises } from "node:dns"
import { isIP } from "node:net"
import { Effect } from "effect"

/**
 * Empty: it has none, or nobody answered in time. Interrupting it gives the questions up. Not `getaddrinfo`: that waits
 * in the process's few threads, which a tenant's own slow name server would then hold, and reads this host's own files.
 */
export type Resolve = (host: string) => Effect.Effect<ReadonlyArray<string>>

interface Options {
  /** `address[:port]`; none: those of this host. */
  readonly servers: ReadonlyArray<string>
}

const QUERY = { timeout: 1_500, tries: 2 }
const WITHIN = "5 seconds"
/** More than that many of a name are not looked at, and so not connected to. */
const ADDRESSES = 32

const isLocal = (host: string) => host === "localhost" || host.endsWith(".localhost")

const asked = (host: string, servers: ReadonlyArray<string>) =>
  Effect.async<ReadonlyArray<string>>((resume) => {
    // One for each question, because cancelling cancels all of its questions.
    const resolver = new promises.Resolver(QUERY)
    if (servers.length > 0) resolver.setServers([...servers])
    const either = (answer: Promise<ReadonlyArray<string>>) => answer.catch((): ReadonlyArray<string> => [])
    const both = [either(resolver.resolve4(host)), either(resolver.resolve6(host))]
    void Promise.all(both).then((found) => resume(Effect.succeed(found.flat().slice(0, ADDRESSES))))
    return Effect.sync(() => resolver.cancel())
  })

export const make =
  ({ servers }: Options): Resolve =>
  (host) => {
    if (isIP(host) !== 0) return Effect.succeed([host])
    // No server is asked for these (RFC 6761).
    if (isLocal(host)) return Effect.succeed(["127.0.0.1", "::1"])
    return Effect.timeoutTo(asked(host, servers), {
      duration: WITHIN,
      onTimeout: (): ReadonlyArray<string> => [],
      onSuccess: (found) => found
    })
  }
