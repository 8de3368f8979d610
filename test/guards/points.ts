/** Facts on which each built point issues its permit: the tests break them one by one. */
import { Effect, type Either } from "effect"
import { stream } from "../../events/Envelope.js"
import { type DecisionPoint, Digest, ImageId, JobId, PublicKey } from "../../events/Ids.js"
import { capacityAvailable } from "../../src/guards/CapacityAvailable.js"
import { concurrencyWithin } from "../../src/guards/ConcurrencyWithin.js"
import { containerSealed } from "../../src/guards/ContainerSealed.js"
import * as Credentials from "../../src/guards/Credentials.js"
import { egressPermitted } from "../../src/guards/EgressPermitted.js"
import { FILE_BOUNDS, filesContained } from "../../src/guards/FilesContained.js"
import type { Asked, Guard, Permit, Refused } from "../../src/guards/Guard.js"
import { humanConfirmed } from "../../src/guards/HumanConfirmed.js"
import { imageTrusted } from "../../src/guards/ImageTrusted.js"
import { keyActive } from "../../src/guards/KeyActive.js"
import { keyKnown } from "../../src/guards/KeyKnown.js"
import { languageRunnable } from "../../src/guards/LanguageRunnable.js"
import { lineageClear } from "../../src/guards/LineageClear.js"
import { logDurable } from "../../src/guards/LogDurable.js"
import { nameClaimable } from "../../src/guards/NameClaimable.js"
import { networkPermitted } from "../../src/guards/NetworkPermitted.js"
import { quotaWithin } from "../../src/guards/QuotaWithin.js"
import { rateWithin } from "../../src/guards/RateWithin.js"
import type { Refusals } from "../../src/guards/Refusals.js"
import { requestUnreplayed } from "../../src/guards/RequestUnreplayed.js"
import { requestWellformed } from "../../src/guards/RequestWellformed.js"
import { resourceKnown } from "../../src/guards/ResourceKnown.js"
import { resourceOwned } from "../../src/guards/ResourceOwned.js"
import { resourceUnlocked } from "../../src/guards/ResourceUnlocked.js"
import { secretsReleasable } from "../../src/guards/SecretsReleasable.js"
import * as Signature from "../../src/guards/Signature.js"
import { signatureValid } from "../../src/guards/SignatureValid.js"
import { tierEntitled } from "../../src/guards/TierEntitled.js"
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
  readonly facts: object
  /** On whatever is handed over in the place of facts. */
  readonly decide: (facts: unknown) => Either.Either<Permit<DecisionPoint>, Refused>
  readonly check: <E>(
    facts: Effect.Effect<unknown, E>,
    asked: Asked
  ) => Effect.Effect<Permit<DecisionPoint>, Refused, Refusals>
}

/** What a broken dependency hands over has no type that anybody can rely on. */
const untyped = (value: unknown, name: string = "value") => Reflect.get({ value }, name)

const point = <P extends DecisionPoint, F extends object, C>(guard: Guard<P, F, C>, facts: F): Point => ({
  point: guard.point,
  facts,
  decide: (given) => guard.decide(untyped(given)),
  check: (fetched, asked) => guard.check(Effect.map(fetched, untyped), asked)
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

export const action = {
  key: PublicKey.make(KEY),
  method: "DELETE",
  path: "/services/unsb-service-0000000000000001",
  bodyDigest: Digest.make(`sha256:${"0".repeat(64)}`)
}

export const limits = { memoryBytes: 2 ** 31, cpuMillis: 1000, pids: 512, tmpBytes: 2 ** 28 }

export const points: ReadonlyArray<Point> = [
  point(keyKnown, { credentials: signed, record: { key: KEY } }),
  point(keyActive, { publicKey: KEY, status: "active", expiresAt: null, now: NOW * 1_000_000 }),
  point(signatureValid, { credentials: signed, method: "POST", target: message.target, body: message.body, secret }),
  point(timestampFresh, { timestamp: String(NOW), clock }),
  point(requestUnreplayed, {
    publicKey: KEY,
    request: "0".repeat(64),
    memory: "first",
    remembersUntil: (NOW + 600) * 1000,
    validUntil: (NOW + 300) * 1000
  }),
  point(rateWithin, {
    publicKey: KEY,
    shared: false,
    rpm: 60,
    burst: 10,
    remaining: 9,
    allowed: true,
    resetAt: (NOW + 1) * 1_000_000,
    retryAfter: 0,
    ahead: 1_000_000,
    clockTrusted: true
  }),
  point(concurrencyWithin, { publicKey: KEY, shared: false, active: 3, wanted: 1, limit: 4 }),
  point(tierEntitled, {
    publicKey: KEY,
    tier: "1",
    scopes: ["execute", "services"],
    scope: "execute",
    vcpu: 1,
    mostVcpu: 2,
    ttlSeconds: 60,
    mostTtlSeconds: 900
  }),
  point(quotaWithin, {
    kind: "service",
    shares: [{ publicKey: KEY, kept: 1, most: 2, keptBytes: 1, mostBytes: 2 }]
  }),
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
  point(lineageClear, {
    kind: "job",
    resource: JOB,
    owner: KEY,
    actor: KEY,
    line: ["unsb-pk-test-0000-0000-0002"],
    dwellings: ["unsb-service-0000000000000001"],
    home: "unsb-service-0000000000000002"
  }),
  point(resourceUnlocked, { kind: "job", resource: JOB, locked: false }),
  point(humanConfirmed, {
    action,
    mode: "required",
    answer: {
      outcome: "right",
      challenge: {
        challenge: "unsb-challenge-1",
        about: action,
        channel: "console",
        expiresAt: (NOW + 60) * 1_000_000
      },
      attemptsLeft: 5
    },
    offered: undefined,
    held: undefined,
    now: NOW * 1_000_000,
    steady: true
  }),
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
