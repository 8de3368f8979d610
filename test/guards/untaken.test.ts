/** Verifies: D11 on every order: what each field does not take, and what is said of that. */
import { Either } from "effect"
import { expect, it } from "vitest"
import { read } from "./orders.js"
import { KEY } from "./points.js"

const MIB = 2 ** 20
const HALF = "\ud800"

interface Refusing {
  readonly order: string
  readonly field: string
  readonly values: ReadonlyArray<unknown>
  readonly says: string
  readonly code?: string
  readonly status?: number
  /** Where the field that is named to the caller is another. */
  readonly names?: string
}

const garbage = [7.5, {}, Symbol("x"), () => "x", 1n, new Date(0)]
const noText = [7, true, ["x"], ...garbage]
const large = { code: "too_large", status: 413 }
const many = Array.from({ length: 33 }, (_, at) => at + 1)

const refusals: ReadonlyArray<Refusing> = [
  {
    order: "program",
    field: "language",
    values: [...noText, "a b", "é", "\n", "x".repeat(65), "x\n"],
    says: "language must be a name such as python or c++. GET /languages"
  },
  {
    order: "program",
    field: "code",
    values: [undefined, null, "", ...noText],
    says: "code must be a non-empty string"
  },
  {
    order: "program",
    field: "code",
    values: ["x".repeat(5 * MIB + 1), "é".repeat(3 * MIB)],
    says: "code is larger than 5 MiB. Send less, or an input file.",
    ...large
  },
  { order: "program", field: "code", values: [HALF], says: "code is not valid Unicode" },
  { order: "program", field: "stdin", values: noText, says: "stdin must be a string" },
  { order: "program", field: "stdin", values: ["x".repeat(MIB + 1)], says: "stdin is larger than 1 MiB", ...large },
  { order: "program", field: "stdin", values: [HALF], says: "stdin is not valid Unicode" },
  {
    order: "program",
    field: "ttl",
    values: [0, 901, -1, 1.5, "", "x", "1.5", "1x", "x1", " 1", Number.NaN, "9999999999", true, {}],
    says: "Invalid ttl value (must be 1-900 seconds)."
  },
  { order: "program", field: "vcpu", values: [0, 9, "9", 1.5, [1]], says: "Invalid vcpu value (must be 1-8)." },
  {
    order: "program",
    field: "network_mode",
    values: ["x", "Zerotrust", 0, false, {}],
    says: 'network_mode must be "zerotrust" or "semitrusted".'
  },
  {
    order: "program",
    field: "return_artifact",
    values: ["yes", "", 2, {}, []],
    says: "return_artifact must be true or false."
  },
  {
    order: "program",
    field: "return_wasm_artifact",
    values: ["yes"],
    says: "return_wasm_artifact must be true or false."
  },
  { order: "program", field: "env", values: [7, "x", ["x"], true], says: "env must be an object of names and values." },
  {
    order: "program",
    field: "env",
    values: [{ "1A": "" }, { "": "" }, { "A-B": "" }, { "A B": "" }, { é: "" }],
    says: "is no name: use letters, digits and _, and do not begin with a digit"
  },
  {
    order: "program",
    field: "env",
    values: [{ A: null }, { A: {} }, { A: [] }, { A: undefined }],
    says: 'env "A" must be a string.'
  },
  {
    order: "program",
    field: "env",
    values: [{ A: "\0" }],
    says: 'env "A" has a NUL byte, which no environment can carry.'
  },
  { order: "program", field: "env", values: [{ A: HALF }], says: 'env "A" is not valid Unicode.' },
  {
    order: "program",
    field: "env",
    values: [Object.fromEntries(Array.from({ length: 257 }, (_, at) => [`V${at}`, ""]))],
    says: "env has 257 variables; 256 are allowed."
  },
  {
    order: "program",
    field: "env",
    values: [{ A: "x".repeat(65_534) }, { A: "é".repeat(32_767) }, { A: "x".repeat(65_530), B: "", C: "" }],
    says: "env is larger than 64 KiB. Send an input file instead.",
    ...large
  },
  {
    order: "session",
    field: "shell",
    values: [...noText, "a b", "é", "x".repeat(65), "x\n"],
    says: "shell must be a name such as bash or python3. GET /shells lists all."
  },
  {
    order: "session",
    field: "multiplexer",
    values: [true, "byobu", 0, {}],
    says: 'multiplexer must be "tmux" or "screen".'
  },
  { order: "session", field: "audit", values: ["both", {}], says: "audit must be true or false." },
  {
    order: "session",
    field: "ttl",
    values: [-1, 365 * 86_400 + 1],
    says: "Invalid ttl value (must be 0-31536000 seconds, 0 for no limit)."
  },
  { order: "session", field: "vcpu", values: [9], says: "Invalid vcpu value (must be 1-8)." },
  { order: "session", field: "network_mode", values: ["x"], says: "network_mode must be" },
  {
    order: "command",
    field: "command",
    values: [undefined, "", ...noText],
    says: "command must be a non-empty string: the line to run."
  },
  {
    order: "command",
    field: "command",
    values: ["x".repeat(102_401)],
    says: "command is larger than 100 KiB. Send a file instead.",
    ...large
  },
  {
    order: "command",
    field: "command",
    values: ["a\0b"],
    says: "command has a NUL byte, which no program can be given."
  },
  { order: "command", field: "command", values: [HALF], says: "command is not valid Unicode." },
  {
    order: "command",
    field: "timeout",
    values: [-1, 900_001],
    says: "Invalid timeout value (must be 0-900000 ms, 0 for the longest)."
  },
  {
    order: "errand",
    field: "timeout",
    values: [-1, 604_800_001],
    says: "Invalid timeout value (must be 0-604800000 ms, 0 for no limit)."
  },
  { order: "boost", field: "vcpu", values: [0, 9], says: "Invalid vcpu value (must be 1-8)." },
  { order: "extension", field: "ttl", values: [-1], says: "Invalid ttl value" },
  { order: "service", field: "name", values: noText, says: "name must be a string: letters, digits and hyphens." },
  {
    order: "service",
    field: "ports",
    values: [{}, true, many],
    says: "ports must be a list of at most 32 numbers such as [80, 8080]."
  },
  {
    order: "service",
    field: "ports",
    values: [0, 65_536, ["x"], [null], ","],
    says: "Invalid ports value (must be 1-65535)."
  },
  {
    order: "service",
    field: "custom_domains",
    values: [[1], {}, true, many, 7],
    says: "custom_domains must be a list of at most 32 strings."
  },
  {
    order: "service",
    field: "custom_domains",
    values: [many.map(String)],
    says: "custom_domains must be a list of at most 32 strings."
  },
  {
    order: "service",
    field: "service_type",
    values: ["gopher", 7],
    says: "service_type must be one of web, minecraft, mumble, teamspeak, source, tcp, udp."
  },
  {
    order: "service",
    field: "service_type",
    values: ["tcp"],
    names: "ports",
    says: "A service of type tcp needs the port that it listens on: ports [7000], for example."
  },
  {
    order: "service",
    field: "bootstrap",
    values: [...noText, HALF, "a\0b"],
    says: "bootstrap must be a script as text."
  },
  {
    order: "service",
    field: "bootstrap",
    values: ["x".repeat(MIB + 1)],
    says: "bootstrap is larger than 1 MiB.",
    ...large
  },
  { order: "service", field: "vcpu", values: [9], says: "Invalid vcpu value (must be 1-8)." },
  { order: "service", field: "network_mode", values: ["x"], says: "network_mode must be" },
  { order: "service", field: "show_freeze_page", values: ["x"], says: "show_freeze_page must be true or false." },
  { order: "service", field: "unfreeze_on_demand", values: ["x"], says: "unfreeze_on_demand must be true or false." },
  {
    order: "patch",
    field: "vcpu",
    values: [undefined, null],
    says: "Nothing to change: name vcpu, name, unfreeze_on_demand or show_freeze_page."
  },
  { order: "patch", field: "vcpu", values: [9, 0], says: "Invalid vcpu value (must be 1-8)." },
  { order: "patch", field: "name", values: [7], says: "name must be a string" },
  { order: "patch", field: "show_freeze_page", values: ["x"], says: "show_freeze_page must be true or false." },
  { order: "patch", field: "unfreeze_on_demand", values: ["x"], says: "unfreeze_on_demand must be true or false." },
  { order: "resize", field: "vcpu", values: [undefined, null, 0, 9], says: "Invalid vcpu value (must be 1-8)." },
  {
    order: "domains",
    field: "all",
    values: [undefined],
    names: "custom_domains",
    says: "Name custom_domains, or those to add and remove."
  },
  { order: "domains", field: "all", values: [7], names: "custom_domains", says: "custom_domains must be a list" },
  { order: "domains", field: "add", values: [{}], names: "custom_domains", says: "custom_domains must be a list" },
  { order: "domains", field: "remove", values: [{}], names: "custom_domains", says: "custom_domains must be a list" },
  {
    order: "redeploy",
    field: "bootable",
    values: [false],
    names: "bootstrap",
    says: "The service has no bootstrap. Send one: bootstrap or bootstrap_content.",
    code: "no_bootstrap"
  },
  { order: "redeploy", field: "bootstrap", values: [7], says: "bootstrap must be a script as text." },
  {
    order: "snapshot",
    field: "name",
    values: [...noText, "x".repeat(129), "a\nb"],
    says: "name must be one line of text of at most 128 characters."
  },
  { order: "snapshot", field: "hot", values: ["x"], says: "hot must be true or false." },
  { order: "snapshot", field: "ttl", values: [-1, 1e9], says: "Invalid ttl value (must be 0-999999999 seconds)." },
  { order: "image", field: "name", values: [7], says: "name must be one line of text of at most 128" },
  {
    order: "image",
    field: "description",
    values: [7, "x".repeat(1_025), "\u2028"],
    says: "description must be one line of text of at most 1024 characters."
  },
  {
    order: "image",
    field: "visibility",
    values: ["secret", 7],
    says: "visibility must be private, unlisted or public."
  },
  {
    order: "visibility",
    field: "visibility",
    values: [null, undefined, "x"],
    says: "visibility must be private, unlisted or public."
  },
  {
    order: "guest",
    field: "key",
    values: [undefined, 7, "x", `${KEY}!`],
    names: "api_key",
    says: "api_key must be a public key such as unsb-pk-xxxx-xxxx-xxxx-xxxx."
  },
  {
    order: "vault",
    field: "text",
    values: noText.slice(1),
    names: "env",
    says: "env must be text: lines of NAME=VALUE."
  },
  {
    order: "vault",
    field: "text",
    values: [`A=${"x".repeat(65_536)}`],
    names: "env",
    says: "env is larger than 64 KiB.",
    ...large
  },
  { order: "vault", field: "text", values: ["A=1\nB"], names: "env", says: "Line 2 is not NAME=VALUE." },
  {
    order: "vault",
    field: "text",
    values: ["A=1\n\nB='x\ny"],
    names: "env",
    says: "The quote that line 3 opens is never closed."
  }
]
for (const { code = "invalid_request", field, names = field, order, says, status = 400, values } of refusals)
  it(`${field} of a ${order} refuses the rest: ${says.slice(0, 60)}`, () => {
    for (const value of values) {
      const refused = Either.getOrThrowWith(
        Either.flip(read(order, { [field]: value })),
        () => new Error(`${order} takes ${field} ${String(value)}`)
      )
      expect(refused).toEqual({ code, status, message: expect.stringContaining(says), details: { field: names } })
    }
  })
