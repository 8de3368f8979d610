/** What an operator may choose: one value a run, the same shape as the configuration file. */
import { Schema } from "effect"
import { mayCall } from "../../actors/confirmation/Loopback.js"
import { Confirm } from "../../events/Grants.js"

const Count = Schema.Int.pipe(Schema.between(0, 100_000))
const Bytes = Schema.Int.pipe(Schema.nonNegative())
const Millis = Schema.Int.pipe(Schema.positive())
const Port = Schema.Int.pipe(Schema.between(0, 65_535))

/** `target` containers are kept warm; never more than `maximum` live at once (null: what the memory carries). */
const PoolSettings = Schema.Struct({
  target: Schema.optionalWith(Count, { default: () => 0 }),
  maximum: Schema.optionalWith(Schema.NullOr(Count), { default: () => null })
}).pipe(
  Schema.filter(({ target, maximum }) => maximum === null || target <= maximum || "maximum must not be below target")
)

const Pools = Schema.Struct({
  zerotrust: Schema.optionalWith(PoolSettings, { default: () => ({ target: 8, maximum: null }) }),
  semitrusted: Schema.optionalWith(PoolSettings, { default: () => ({ target: 2, maximum: null }) })
})

const GiB = 1024 ** 3
const MiB = 1024 ** 2

const Domain = Schema.String.pipe(
  Schema.pattern(/^[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63}){0,8}$/, {
    message: () => "expected a domain such as example.com"
  })
)

const Resolver = Schema.String.pipe(
  Schema.pattern(/^([0-9.]{7,15}(:\d{1,5})?|[0-9a-fA-F:.]{2,45}|\[[0-9a-fA-F:.]{2,45}\](:\d{1,5})?)$/, {
    message: () => "expected addresses such as 192.0.2.53 or 192.0.2.53:5353"
  })
)

const PortRange = Schema.String.pipe(
  Schema.filter((text) => {
    const [, first, last] = /^(\d{1,5})-(\d{1,5})$/.exec(text)?.map(Number) ?? []
    const valid = first !== undefined && last !== undefined && first >= 1 && first <= last && last <= 65_535
    return valid || "expected two ports such as 30000-30999"
  })
)

const SmtpUrl = Schema.String.pipe(
  Schema.filter(
    (text) => (/^smtps?:\/\//.test(text) && URL.canParse(text)) || "expected smtps://USER:PASSWORD@HOST or smtp://HOST"
  )
)

const HookUrl = Schema.String.pipe(
  Schema.filter((text) => mayCall(text) || "expected an https:// URL, or http:// on this host")
)

const fields = {
  /** Directory of the log, the outputs, the keys and the control socket. */
  data: Schema.optionalWith(Schema.NonEmptyString, { default: () => "./data" }),
  host: Schema.optionalWith(Schema.NonEmptyString, { default: () => "127.0.0.1" }),
  /** 0 takes a free one. */
  port: Schema.optionalWith(Port, { default: () => 8080 }),
  /** PEM files of the certificate and of its key: with both the API is HTTPS. Those that change are taken up. */
  tlsCert: Schema.optionalWith(Schema.NullOr(Schema.NonEmptyString), { default: () => null }),
  tlsKey: Schema.optionalWith(Schema.NullOr(Schema.NonEmptyString), { default: () => null }),
  /** The services' public face is HTTPS with the same certificate, which then is for *.on.DOMAIN too. */
  proxyTls: Schema.optionalWith(Schema.Boolean, { default: () => false }),
  /** The services' public face listens here; null: the port after `port` when that is free, otherwise any. */
  proxyPort: Schema.optionalWith(Schema.NullOr(Port), { default: () => null }),
  /** A service is NAME.on.DOMAIN. */
  domain: Schema.optionalWith(Domain, { default: () => "localhost" }),
  pools: Schema.optionalWith(Pools, {
    default: () => ({ zerotrust: { target: 8, maximum: null }, semitrusted: { target: 2, maximum: null } })
  }),
  /** Public TCP ports that services may have, `FIRST-LAST`. */
  tcpPorts: Schema.optionalWith(PortRange, { default: () => "30000-30999" }),
  /** Bytes kept of what a service prints, twice: what it prints now, and what it printed before. */
  serviceLogBytes: Schema.optionalWith(Bytes.pipe(Schema.between(64 * 1024, 1024 * MiB)), { default: () => 4 * MiB }),
  /** A container's memory limit for each vCPU that its job asks for. */
  memoryPerVcpuBytes: Schema.optionalWith(Bytes.pipe(Schema.greaterThanOrEqualTo(16 * MiB)), {
    default: () => 2 * GiB
  }),
  /** Memory that is never promised to containers: the server's own, and the host's. */
  reserveBytes: Schema.optionalWith(Bytes, { default: () => GiB }),
  pidsPerContainer: Schema.optionalWith(Schema.Int.pipe(Schema.between(8, 32_768)), { default: () => 512 }),
  /** Size of a container's only writable file system; what is in it counts as its memory. */
  tmpBytes: Schema.optionalWith(Bytes.pipe(Schema.greaterThanOrEqualTo(MiB)), { default: () => 512 * MiB }),
  /** Ports that no container reaches through the egress proxy, whatever its lists say. */
  egressClosedPorts: Schema.optionalWith(Schema.Array(Port.pipe(Schema.positive())), { default: () => [25] }),
  /** DNS servers that the egress proxy asks, `ADDRESS[:PORT]`; none: those of this host. */
  egressResolvers: Schema.optionalWith(Schema.Array(Resolver), { default: () => [] }),
  /** How long a request waits for a container before it gets 503. */
  queueMillis: Schema.optionalWith(Millis, { default: () => 30_000 }),
  /** How long outputs and artifacts are kept. */
  retentionMillis: Schema.optionalWith(Millis, { default: () => 7 * 24 * 3_600_000 }),
  /** How long a job that ended can be asked for and listed. */
  jobRetentionMillis: Schema.optionalWith(Millis, { default: () => 7 * 24 * 3_600_000 }),
  /** How long an Idempotency-Key stands for its job. */
  idempotencyMillis: Schema.optionalWith(Millis, { default: () => 24 * 3_600_000 }),
  /** Bytes kept of each of a program's two output streams. */
  outputCapBytes: Schema.optionalWith(Bytes.pipe(Schema.between(1, 64 * MiB)), { default: () => MiB }),
  /** What of new keys' calls waits for a person when nothing is said, also of the pair of the first start. */
  confirm: Schema.optionalWith(Confirm, { default: () => "on" as const }),
  /** The mail server that takes codes to keys' addresses; null: there is none. */
  smtpUrl: Schema.optionalWith(Schema.NullOr(SmtpUrl), { default: () => null }),
  /** Null: unsandbox@DOMAIN. */
  smtpFrom: Schema.optionalWith(Schema.NullOr(Schema.NonEmptyString), { default: () => null }),
  /** Takes codes for keys that have no contact of their own; null: the console does. */
  otpWebhook: Schema.optionalWith(Schema.NullOr(HookUrl), { default: () => null }),
  /** File with the secret that webhooks are signed with; null: in the data directory. */
  otpWebhookSecret: Schema.optionalWith(Schema.NullOr(Schema.NonEmptyString), { default: () => null }),
  /** Who may connect to a session's terminal: `open`: whoever has its id; `signed`: whoever has the ticket of its `websocket_url`. */
  sessionWs: Schema.optionalWith(Schema.Literal("open", "signed"), { default: () => "open" as const }),
  /** A session without a multiplexer ends when nobody has been connected for so long. */
  sessionGraceMillis: Schema.optionalWith(Millis, { default: () => 60_000 }),
  /** What has been frozen for so long gives its container up; only what it wrote is kept. */
  deepFreezeMillis: Schema.optionalWith(Millis, { default: () => 3_600_000 }),
  /** Of what one snapshot or image holds, before it is compressed. */
  layerBytes: Schema.optionalWith(Bytes.pipe(Schema.greaterThanOrEqualTo(MiB)), { default: () => 10 * GiB }),
  /** Files and directories that one snapshot or image may hold. */
  layerFiles: Schema.optionalWith(Schema.Int.pipe(Schema.between(1, 100_000_000)), { default: () => 1_000_000 }),
  /** What the files of one session or service may take on the disk before it is frozen. */
  volumeBytes: Schema.optionalWith(Bytes.pipe(Schema.greaterThanOrEqualTo(MiB)), { default: () => 4 * GiB }),
  /** Bytes of the disk that are not for tenants; null: 2 GiB, or a twentieth of a smaller disk. */
  diskReserveBytes: Schema.optionalWith(Schema.NullOr(Bytes), { default: () => null }),
  /** Start although a limit or a namespace cannot be had; what is accepted becomes an event. */
  acceptWeak: Schema.optionalWith(Schema.Boolean, { default: () => false })
}

export const Settings = Schema.Struct(fields).pipe(
  Schema.filter(({ proxyTls, tlsCert, tlsKey }) => {
    if (tlsCert !== null && tlsKey === null) return { path: ["tlsKey"], message: "name the key of --tls-cert too" }
    if (tlsCert === null && tlsKey !== null)
      return { path: ["tlsCert"], message: "name the certificate of --tls-key too" }
    return !proxyTls || tlsCert !== null || { path: ["proxyTls"], message: "it needs --tls-cert and --tls-key" }
  })
)
export type Settings = typeof Settings.Type

export const names: ReadonlyArray<string> = Object.keys(fields)

export const defaults: Settings = Schema.decodeSync(Settings)({})
