/** Facts on which each built point issues its permit: the tests break them one by one. */
import { Effect, type Either } from "effect"
import { stream } from "../../events/Envelope.js"
import { type DecisionPoint, ImageId, JobId, PublicKey } from "../../events/Ids.js"
import { capacityAvailable } from "../../src/guards/CapacityAvailable.js"
import { containerSealed } from "../../src/guards/ContainerSealed.js"
import * as Credentials from "../../src/guards/Credentials.js"
import { egressPermitted } from "../../src/guards/EgressPermitted.js"
import { FILE_BOUNDS, filesContained } from "../../src/guards/FilesContained.js"
import type { Asked, Guard, Permit, Refused } from "../../src/guards/Guard.js"
import { imageTrusted } from "../../src/guards/ImageTrusted.js"
import { keyActive } from "../../src/guards/KeyActive.js"
import { keyKnown } from "../../src/guards/KeyKnown.js"
import { languageRunnable } from "../../src/guards/LanguageRunnable.js"
import { logDurable } from "../../src/guards/LogDurable.js"
import { nameClaimable } from "../../src/guards/NameClaimable.js"
import { networkPermitted } from "../../src/guards/NetworkPermitted.js"
import type { Refusals } from "../../src/guards/Refusals.js"
import { requestWellformed } from "../../src/guards/RequestWellformed.js"
import { resourceKnown } from "../../src/guards/ResourceKnown.js"
import { resourceOwned } from "../../src/guards/ResourceOwned.js"
import { resourceUnlocked } from "../../src/guards/ResourceUnlocked.js"
import { secretsReleasable } from "../../src/guards/SecretsReleasable.js"
import * as Signature from "../../src/guards/Signature.js"
import { signatureValid } from "../../src/guards/SignatureValid.js"
import { timestampFresh } from "../../src/guards/TimestampFresh.js"
import { transitionLegal } from "../../src/guards/TransitionLegal.js"
import * as TrustedClock from "../../src/guards/TrustedClock.js"

export const KEY = "unsb-pk-test-0000-0000-0001"
export const JOB = JobId.make(`unsb-job-${"1".repeat(32)}`)
export const IMAGE = ImageId.make("unsb-image-0000-0000-0000-0001")
export const SECRET = "unsb-sk-test0-vault-unlck-12345"
export const NOW = 1_800_000_000

export interface Point {
  readonly point: DecisionPoint
  readonly fields: ReadonlyArray<string>
  readonly decide: () => Either.Either<Permit<DecisionPoint>, Refused>
  /** With one fact replaced by something else. */
  readonly garbled: (field: string, value: unknown) => Either.Either<Permit<DecisionPoint>, Refused>
  /** With the facts themselves replaced. */
  readonly instead: (json: string) => Either.Either<Permit<DecisionPoint>, Refused>
  readonly check: (
    alter: (facts: Effect.Effect<object>) => Effect.Effect<object, unknown>,
    asked: Asked
  ) => Effect.Effect<Permit<DecisionPoint>, Refused, Refusals>
}

const point = <P extends DecisionPoint, F extends object, C>(guard: Guard<P, F, C>, facts: F): Point => ({
  point: guard.point,
  fields: Object.keys(facts),
  decide: () => guard.decide(facts),
  garbled: (field, value) => guard.decide({ ...facts, [field]: value }),
  instead: (json) => guard.decide(JSON.parse(json)),
  check: (alter, asked) => guard.check(Effect.as(alter(Effect.succeed(facts)), facts), asked)
})

const secret = Signature.secretOf(SECRET)
const message = { timestamp: String(NOW), method: "POST", target: "/execute", body: Buffer.from('{"code":"1"}') }

export const signed = Credentials.read({
  authorization: `Bearer ${KEY}`,
  timestamp: message.timestamp,
  signature: Signature.sign(secret, message)
})

export const clock = TrustedClock.start({ wall: NOW * 1000, monotonic: 5_000 })

export const seal = (changes: Readonly<Record<string, string | undefined>> = {}): ReadonlyMap<string, string> => {
  const namespaces = ["user", "mnt", "pid", "ipc", "uts", "net", "cgroup"].flatMap((name, index) => [
    [`ns.${name}`, String(4026532000 + index)],
    [`host.${name}`, String(4026531000 + index)]
  ])
  const facts: ReadonlyArray<ReadonlyArray<string>> = [
    ["pid", "4711"],
    ["uid", "1001000,1001000,1001000,1001000"],
    ["gid", "1001000,1001000,1001000,1001000"],
    ["groups", ""],
    ...["capinh", "capprm", "capeff", "capbnd", "capamb"].map((key) => [key, "0000000000000000"]),
    ["nonewprivs", "1"],
    ["seccomp", "2"],
    ...namespaces,
    ["uidmap", "0 1000000 65536"],
    ["gidmap", "0 1000000 65536"],
    ["net", "lo"],
    ["cgroup", "4:memory:/unsandbox-x/c1;0::/unsandbox-x/c1"],
    ["memory", "2147483648"],
    ["swap", "0"],
    ["cpu", "1000"],
    ["pids", "512"]
  ]
  const map = new Map(facts.map(([key, value]) => [key ?? "", value ?? ""]))
  for (const [key, value] of Object.entries(changes)) value === undefined ? map.delete(key) : map.set(key, value)
  return map
}

export const limits = { memoryBytes: 2 ** 31, cpuMillis: 1000, pids: 512, tmpBytes: 2 ** 28 }

export const points: ReadonlyArray<Point> = [
  point(keyKnown, { credentials: signed, record: { key: KEY } }),
  point(keyActive, { publicKey: KEY, status: "active", expiresAt: null, now: NOW * 1_000_000 }),
  point(signatureValid, { credentials: signed, method: "POST", target: message.target, body: message.body, secret }),
  point(timestampFresh, { timestamp: String(NOW), clock }),
  point(capacityAvailable, {
    pool: "zerotrust",
    promisedBytes: 0,
    askedBytes: 2 ** 31,
    capacityBytes: 2 ** 31,
    waiting: 0,
    waitingMaximum: 10,
    waitedMillis: 0,
    queueMillis: 30_000
  }),
  point(requestWellformed, { language: "python", code: "print(1)" }),
  point(languageRunnable, {
    asked: "py",
    known: "python",
    runnable: true,
    suggestion: undefined,
    installCommand: undefined,
    wasm: "here"
  }),
  point(filesContained, { files: [{ filename: "a.txt", content: "YQ==" }], bounds: FILE_BOUNDS }),
  point(networkPermitted, { mode: "zerotrust", available: ["zerotrust"] }),
  point(nameClaimable, { kind: "label", asked: "shop", own: ["localhost"], service: undefined, holder: undefined }),
  point(resourceKnown, { kind: "job", resource: "unsb-job-1", actor: KEY, found: { owner: KEY } }),
  point(resourceOwned, { kind: "job", actor: KEY, resource: JOB, owner: KEY }),
  point(imageTrusted, {
    resource: IMAGE,
    actor: KEY,
    found: { image: IMAGE, owner: KEY, visibility: "private", granted: false }
  }),
  point(resourceUnlocked, { kind: "job", resource: JOB, locked: false }),
  point(transitionLegal, { resource: "unsb-job-1", command: "Cancel", state: "Running", legal: true }),
  point(containerSealed, { container: "unsb-vm-0000000000000001", seal: seal(), limits, weak: [] }),
  point(secretsReleasable, {
    resource: "unsb-service-0000000000000001",
    authentic: true,
    owner: KEY,
    container: "unsb-vm-0000000000000001",
    claimedFor: "unsb-service-0000000000000001",
    claimedBy: KEY,
    sealed: "unsb-vm-0000000000000001"
  }),
  point(egressPermitted, {
    container: "unsb-vm-0000000000000001",
    key: PublicKey.make(KEY),
    mode: "semitrusted",
    host: "example.com",
    port: 443,
    addresses: ["93.184.215.14"],
    own: [],
    policy: { allow: [], deny: [], closedPorts: [25] }
  }),
  point(logDurable, {
    stream: "job/unsb-job-1",
    rows: [{ seq: 1, stream: stream("job", "unsb-job-1"), hash: "0".repeat(64) }]
  })
]
