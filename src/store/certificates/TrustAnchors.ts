/** The authorities that this host believes in, as PEM: its own list, or else the runtime's. */
import { readFileSync } from "node:fs"
import { rootCertificates } from "node:tls"

/** Debian, Ubuntu, Alpine, Arch; Fedora; openSUSE; others that OpenSSL looks at. */
const PLACES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/ssl/cert.pem"
]

const textIn = (path: string | undefined): string => {
  if (path === undefined || path === "") return ""
  try {
    const text = readFileSync(path, "utf8")
    return text.includes("-----BEGIN CERTIFICATE-----") ? text : ""
  } catch {
    return ""
  }
}

/** The first of the host's lists that there is. */
export const system = (): string => PLACES.map(textIn).find((text) => text !== "") ?? rootCertificates.join("\n")

/** With `NODE_EXTRA_CA_CERTS`, as every program of this runtime has it. */
export const believed = (extra: string | undefined): string => `${system().trimEnd()}\n${textIn(extra)}`
