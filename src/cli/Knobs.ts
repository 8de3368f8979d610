/** Every setting as an operator may write it: `--flag VALUE`, `UNSANDBOX_FLAG=VALUE`, or a key of the configuration file. */
import { Either } from "effect"

/** A switch is on when its flag stands there. */
type Kind = "text" | "texts" | "count" | "counts" | "size" | "duration" | "switch" | "pool"

export interface Knob {
  /** Flag without dashes; in capitals with underscores it is the variable after `UNSANDBOX_`. */
  readonly flag: string
  /** Key in the settings and in the file. */
  readonly key: string
  readonly kind: Kind
  readonly help: string
}

export const knobs: ReadonlyArray<Knob> = [
  { flag: "data", key: "data", kind: "text", help: "Directory of the log, outputs, keys and control socket (./data)" },
  { flag: "host", key: "host", kind: "text", help: "Address to listen on (127.0.0.1)" },
  { flag: "port", key: "port", kind: "count", help: "Port to listen on; 0 takes a free one (8080)" },
  { flag: "tls-cert", key: "tlsCert", kind: "text", help: "Certificate chain, PEM: with --tls-key the API is HTTPS" },
  { flag: "tls-key", key: "tlsKey", kind: "text", help: "Its private key, PEM, for its owner's eyes only" },
  { flag: "proxy-tls", key: "proxyTls", kind: "switch", help: "HTTPS at --proxy-port too, by the same certificate" },
  {
    flag: "proxy-port",
    key: "proxyPort",
    kind: "count",
    help: "Port of the services' public face; 0: a free one (the one after --port)"
  },
  { flag: "domain", key: "domain", kind: "text", help: "A service is NAME.on.DOMAIN (localhost)" },
  { flag: "tcp-ports", key: "tcpPorts", kind: "text", help: "Public TCP ports of services (30000-30999)" },
  {
    flag: "service-log",
    key: "serviceLogBytes",
    kind: "size",
    help: "Bytes kept of what a service prints, twice (4MiB)"
  },
  { flag: "pool", key: "pools", kind: "pool", help: "POOL=WARM[:MAX] (zerotrust=8,semitrusted=2)" },
  { flag: "memory-per-vcpu", key: "memoryPerVcpuBytes", kind: "size", help: "A container's memory per vCPU (2GiB)" },
  { flag: "reserve", key: "reserveBytes", kind: "size", help: "Memory never promised to containers (1GiB)" },
  { flag: "pids", key: "pidsPerContainer", kind: "count", help: "Processes a container may have (512)" },
  { flag: "tmp", key: "tmpBytes", kind: "size", help: "A container's writable space (512MiB)" },
  {
    flag: "egress-closed-ports",
    key: "egressClosedPorts",
    kind: "counts",
    help: "Ports that no container reaches, for example 25,465; or none (25)"
  },
  {
    flag: "egress-resolvers",
    key: "egressResolvers",
    kind: "texts",
    help: "DNS servers that the egress proxy asks; or none (those of this host)"
  },
  { flag: "queue", key: "queueMillis", kind: "duration", help: "Longest wait for a container before 503 (30s)" },
  { flag: "retention", key: "retentionMillis", kind: "duration", help: "How long outputs are kept (7d)" },
  { flag: "job-retention", key: "jobRetentionMillis", kind: "duration", help: "How long ended jobs are listed (7d)" },
  { flag: "idempotency", key: "idempotencyMillis", kind: "duration", help: "How long an Idempotency-Key holds (24h)" },
  { flag: "output-cap", key: "outputCapBytes", kind: "size", help: "Bytes kept of each output stream (1MiB)" },
  {
    flag: "confirm",
    key: "confirm",
    kind: "text",
    help: "What new keys ask a person to confirm: on, off or always (on)"
  },
  {
    flag: "smtp-url",
    key: "smtpUrl",
    kind: "text",
    help: "Mail server for codes, smtps://USER:PASSWORD@HOST; in the environment or the file, flags are seen by others"
  },
  { flag: "smtp-from", key: "smtpFrom", kind: "text", help: "Who those mails come from (unsandbox@DOMAIN)" },
  { flag: "otp-webhook", key: "otpWebhook", kind: "text", help: "Codes go to this URL where a key has no contact" },
  {
    flag: "otp-webhook-secret",
    key: "otpWebhookSecret",
    kind: "text",
    help: "File with the secret that webhooks are signed with (DATA/otp-webhook.secret)"
  },
  {
    flag: "session-ws",
    key: "sessionWs",
    kind: "text",
    help: "Who connects to a shell: open (its id) or signed (open)"
  },
  {
    flag: "session-grace",
    key: "sessionGraceMillis",
    kind: "duration",
    help: "A shell's life without a connection (1m)"
  },
  { flag: "deep-freeze", key: "deepFreezeMillis", kind: "duration", help: "Frozen so long, only files are kept (1h)" },
  { flag: "snapshot-size", key: "layerBytes", kind: "size", help: "What a snapshot or image may hold (10GiB)" },
  { flag: "snapshot-files", key: "layerFiles", kind: "count", help: "Files a snapshot or image may hold (1000000)" },
  { flag: "volume", key: "volumeBytes", kind: "size", help: "Files of one session or service (4GiB)" },
  {
    flag: "disk-reserve",
    key: "diskReserveBytes",
    kind: "size",
    help: "Disk that is not for tenants (2GiB, or 5 % of a smaller disk)"
  },
  { flag: "accept-weak", key: "acceptWeak", kind: "switch", help: "Start although a limit or namespace cannot be had" }
]

export const variableOf = (knob: Knob): string => `UNSANDBOX_${knob.flag.toUpperCase().replaceAll("-", "_")}`

const SIZES: Readonly<Record<string, number>> = { "": 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 }
const DURATIONS: Readonly<Record<string, number>> = { "": 1, ms: 1, s: 1e3, m: 6e4, h: 36e5, d: 864e5 }

const scaled = (text: string, pattern: RegExp, units: Readonly<Record<string, number>>): number | undefined => {
  const match = pattern.exec(text.trim())
  const unit = units[match?.[2] ?? ""]
  return match === null || unit === undefined ? undefined : Math.round(Number(match[1]) * unit)
}

/** Of a duration such as `30s` or `7d`; a bare number is milliseconds. */
export const milliseconds = (text: string): number | undefined =>
  scaled(text, /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?$/, DURATIONS)

const switched = (text: string): boolean | undefined => {
  if (/^(1|true|yes|on)$/i.test(text)) return true
  return /^(0|false|no|off)$/i.test(text) ? false : undefined
}

/** `a=1,b=2:3`: each pool's warm target and, after the colon, its maximum. */
const pools = (text: string): Readonly<Record<string, unknown>> | undefined => {
  const parts = text.split(",").map((part) => /^([a-z]+)=(\d+)(?::(\d+))?$/.exec(part.trim()))
  const sized: Record<string, unknown> = {}
  for (const part of parts) {
    if (part === null) return undefined
    const [, name = "", target, maximum] = part
    sized[name] = { target: Number(target), ...(maximum === undefined ? {} : { maximum: Number(maximum) }) }
  }
  return sized
}

/** Several, by commas; `none` is none of them. */
const several = (text: string): ReadonlyArray<string> =>
  text === "none" ? [] : text.split(",").map((one) => one.trim())

const counts = (text: string): ReadonlyArray<number> | undefined => {
  const each = several(text)
  return each.every((one) => /^\d{1,9}$/.test(one)) ? each.map(Number) : undefined
}

const read: { readonly [K in Kind]: (text: string) => unknown } = {
  text: (text) => (text.length > 0 ? text : undefined),
  texts: (text) => (text.length > 0 ? several(text) : undefined),
  count: (text) => (/^\d{1,9}$/.test(text) ? Number(text) : undefined),
  counts,
  size: (text) => scaled(text.toUpperCase(), /^(\d+(?:\.\d+)?)\s*([KMGT]?)(?:I?B)?$/, SIZES),
  duration: milliseconds,
  switch: switched,
  pool: pools
}

const wanted: { readonly [K in Kind]: string } = {
  text: "some text",
  texts: "some texts, by commas, or none",
  count: "a whole number",
  counts: "whole numbers, by commas, or none",
  size: "a size such as 512MiB",
  duration: "a duration such as 30s, 12h or 7d",
  switch: "true or false",
  pool: "POOL=WARM[:MAX], for example zerotrust=8:64"
}

/** `from` says where the text stood. */
export const parse = (knob: Knob, text: string, from: string): Either.Either<unknown, string> => {
  const value = read[knob.kind](text)
  return value === undefined
    ? Either.left(`${from}: expected ${wanted[knob.kind]}, got ${JSON.stringify(text)}`)
    : Either.right(value)
}
