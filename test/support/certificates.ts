/** Certificates for tests, made by openssl as an operator would make them: for this host, and trusted as their own root. */
import { execFileSync } from "node:child_process"
import { readFileSync, renameSync, writeFileSync } from "node:fs"
import { join } from "node:path"

export interface Pair {
  readonly cert: string
  readonly key: string
}

const NAMES = "subjectAltName=IP:127.0.0.1,DNS:localhost,DNS:*.on.localhost"

const CURVE = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]

/** In that directory, under that name; `kind` is of its key. */
export const pairIn = (directory: string, name: string, kind: ReadonlyArray<string> = CURVE): Pair => {
  const pair = { cert: join(directory, `${name}.pem`), key: join(directory, `${name}.key`) }
  const files = ["-nodes", "-keyout", pair.key, "-out", pair.cert]
  const about = ["-days", "90", "-subj", `/CN=${name}`, "-addext", NAMES]
  execFileSync("openssl", ["req", "-x509", ...kind, ...files, ...about], { stdio: "pipe" })
  return pair
}

const replace = (to: string, from: string) => {
  writeFileSync(`${to}.new`, readFileSync(from), { mode: 0o600 })
  renameSync(`${to}.new`, to)
}

/** As whoever renews them does it: whole files, one after the other. */
export const renew = (old: Pair, fresh: Pair): void => {
  replace(old.key, fresh.key)
  replace(old.cert, fresh.cert)
}
