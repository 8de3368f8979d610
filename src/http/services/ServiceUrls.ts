/** How services look from outside: the domain that their names stand below, the address of each, the memory of a vCPU. */
import { Context } from "effect"

export class ServiceUrls extends Context.Tag("http/ServiceUrls")<
  ServiceUrls,
  {
    /** Domains of this server's own: nobody's custom domain is below one. */
    readonly own: ReadonlyArray<string>
    readonly of: (name: string) => string
    readonly memoryMbPerVcpu: number
  }
>() {}

/**
 * On this machine alone a service is reached at the proxy's own port; below a real domain something that ends TLS stands
 * in front of that.
 */
export const make = (
  domain: string,
  port: number,
  memoryMbPerVcpu: number,
  scheme: "http" | "https" = "http"
): typeof ServiceUrls.Service => {
  const here = domain === "localhost"
  const of = (name: string) => (here ? `${scheme}://${name}.on.localhost:${port}` : `https://${name}.on.${domain}`)
  return { own: [domain], of, memoryMbPerVcpu }
}
