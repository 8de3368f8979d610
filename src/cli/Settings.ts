/** What an operator may choose: one value a run, the same shape as the configuration file. */
import { Schema } from "effect"

const Count = Schema.Int.pipe(Schema.between(0, 100_000))
const Bytes = Schema.Int.pipe(Schema.nonNegative())
const Millis = Schema.Int.pipe(Schema.positive())

/** `target` containers are kept warm; never more than `maximum` live at once (null: what the memory carries). */
const PoolSettings = Schema.Struct({
  target: Schema.optionalWith(Count, { default: () => 0 }),
  maximum: Schema.optionalWith(Schema.NullOr(Count), { default: () => null })
}).pipe(
  Schema.filter(({ target, maximum }) => maximum === null || target <= maximum || "maximum must not be below target")
)

const Pools = Schema.Struct({
  zerotrust: Schema.optionalWith(PoolSettings, { default: () => ({ target: 8, maximum: null }) }),
  semitrusted: Schema.optionalWith(PoolSettings, { default: () => ({ target: 0, maximum: 0 }) })
})

const GiB = 1024 ** 3
const MiB = 1024 ** 2

const fields = {
  /** Directory of the log, the outputs, the keys and the control socket. */
  data: Schema.optionalWith(Schema.NonEmptyString, { default: () => "./data" }),
  host: Schema.optionalWith(Schema.NonEmptyString, { default: () => "127.0.0.1" }),
  /** 0 takes a free one. */
  port: Schema.optionalWith(Schema.Int.pipe(Schema.between(0, 65_535)), { default: () => 8080 }),
  pools: Schema.optionalWith(Pools, {
    default: () => ({ zerotrust: { target: 8, maximum: null }, semitrusted: { target: 0, maximum: 0 } })
  }),
  /** A container's memory limit for each vCPU that its job asks for. */
  memoryPerVcpuBytes: Schema.optionalWith(Bytes.pipe(Schema.greaterThanOrEqualTo(16 * MiB)), {
    default: () => 2 * GiB
  }),
  /** Memory that is never promised to containers: the server's own, and the host's. */
  reserveBytes: Schema.optionalWith(Bytes, { default: () => GiB }),
  pidsPerContainer: Schema.optionalWith(Schema.Int.pipe(Schema.between(8, 32_768)), { default: () => 512 }),
  /** Size of a container's only writable file system; what is in it counts as its memory. */
  tmpBytes: Schema.optionalWith(Bytes.pipe(Schema.greaterThanOrEqualTo(MiB)), { default: () => 512 * MiB }),
  /** How long a request waits for a container before it gets 503. */
  queueMillis: Schema.optionalWith(Millis, { default: () => 30_000 }),
  /** How long outputs and artifacts are kept. */
  retentionMillis: Schema.optionalWith(Millis, { default: () => 7 * 24 * 3_600_000 }),
  /** Bytes kept of each of a program's two output streams. */
  outputCapBytes: Schema.optionalWith(Bytes.pipe(Schema.between(1, 64 * MiB)), { default: () => MiB }),
  /** Start although a limit or a namespace cannot be had; what is accepted becomes an event. */
  acceptWeak: Schema.optionalWith(Schema.Boolean, { default: () => false })
}

export const Settings = Schema.Struct(fields)
export type Settings = typeof Settings.Type
/** As in the configuration file: everything may be left out. */
export type PartialSettings = typeof Settings.Encoded

export const names: ReadonlyArray<string> = Object.keys(fields)

export const defaults: Settings = Schema.decodeSync(Settings)({})
