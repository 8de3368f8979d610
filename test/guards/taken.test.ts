/** Verifies: D11 on every order: what stands for what is not said, and what each field takes at its very borders. */
import { describe, expect, it } from "vitest"
import { taken } from "./orders.js"
import { KEY } from "./points.js"

const MIB = 2 ** 20

describe("an order in which nothing is said", () => {
  const usual: { readonly [order: string]: object } = {
    program: {
      ...{ language: undefined, code: "x", env: {}, stdin: undefined, network: "zerotrust", ttlMillis: 60_000 },
      ...{ vcpu: 1, wantsArtifacts: false, wantsWasm: false }
    },
    session: {
      ...{ network: "zerotrust", ttlMillis: 3_600_000, shell: "bash", multiplexer: null, vcpu: 1, audit: "none" }
    },
    command: { command: "ls", timeoutMillis: 30_000 },
    errand: { command: "ls", timeoutMillis: 30_000 },
    boost: { vcpu: 2 },
    extension: { ttlMillis: 3_600_000 },
    patch: { vcpu: 2, name: undefined, unfreezeOnDemand: undefined, showFreezePage: undefined },
    resize: { vcpu: 2 },
    domains: { all: [], add: [], remove: [] },
    redeploy: { bootstrap: undefined },
    snapshot: { name: "", hot: false, ttlMillis: null },
    image: { name: "", description: "", visibility: "private" },
    vault: { variables: {} }
  }
  for (const [order, normal] of Object.entries(usual))
    it(`of a ${order} has its usual form`, () => expect(taken(order, {})).toEqual(normal))
})

/** What a field takes, and as what. */
const takes: ReadonlyArray<
  readonly [order: string, field: string, as: string, values: ReadonlyArray<readonly [unknown, unknown]>]
> = [
  [
    "program",
    "language",
    "language",
    [
      ["", undefined],
      [null, undefined],
      ["c++", "c++"],
      ["!~", "!~"],
      ["x".repeat(64), "x".repeat(64)]
    ]
  ],
  [
    "program",
    "code",
    "code",
    [
      ["x".repeat(5 * MIB), "x".repeat(5 * MIB)],
      [" ", " "]
    ]
  ],
  [
    "program",
    "stdin",
    "stdin",
    [
      [null, undefined],
      ["", ""],
      ["x".repeat(MIB), "x".repeat(MIB)]
    ]
  ],
  [
    "program",
    "ttl",
    "ttlMillis",
    [
      [1, 1_000],
      [900, 900_000],
      ["5", 5_000],
      [null, 60_000]
    ]
  ],
  [
    "program",
    "vcpu",
    "vcpu",
    [
      [1, 1],
      [8, 8],
      ["8", 8]
    ]
  ],
  [
    "program",
    "network_mode",
    "network",
    [
      ["", "zerotrust"],
      [null, "zerotrust"],
      ["zerotrust", "zerotrust"],
      ["semitrusted", "semitrusted"]
    ]
  ],
  [
    "program",
    "return_artifact",
    "wantsArtifacts",
    [
      [null, false],
      [true, true],
      [false, false],
      ["true", true],
      ["false", false],
      ["1", true],
      ["0", false],
      [1, true],
      [0, false]
    ]
  ],
  [
    "program",
    "env",
    "env",
    [
      ["", {}],
      [[], {}],
      [null, {}],
      [
        { A_1: 7, _b: true, c: "" },
        { A_1: "7", _b: "true", c: "" }
      ]
    ]
  ],
  [
    "session",
    "shell",
    "shell",
    [
      ["", "bash"],
      [null, "bash"],
      ["zsh", "zsh"],
      ["!~", "!~"],
      ["x".repeat(64), "x".repeat(64)]
    ]
  ],
  [
    "session",
    "multiplexer",
    "multiplexer",
    [
      ["", null],
      [false, null],
      ["none", null],
      ["tmux", "tmux"],
      ["screen", "screen"]
    ]
  ],
  [
    "session",
    "audit",
    "audit",
    [
      ["input", "input"],
      ["output", "output"],
      ["none", "none"],
      [true, "output"],
      [false, "none"],
      ["1", "output"]
    ]
  ],
  [
    "session",
    "ttl",
    "ttlMillis",
    [
      [0, null],
      [1, 1_000],
      [365 * 86_400, 365 * 86_400_000]
    ]
  ],
  ["session", "vcpu", "vcpu", [[8, 8]]],
  ["command", "command", "command", [["x".repeat(102_400), "x".repeat(102_400)]]],
  [
    "errand",
    "timeout",
    "timeoutMillis",
    [
      [0, 604_800_000],
      [1, 1],
      [604_800_000, 604_800_000]
    ]
  ],
  [
    "command",
    "timeout",
    "timeoutMillis",
    [
      [0, 900_000],
      [1, 1_000],
      [300, 300_000],
      [301, 301],
      [900_000, 900_000]
    ]
  ],
  [
    "boost",
    "vcpu",
    "vcpu",
    [
      [1, 1],
      [8, 8]
    ]
  ],
  [
    "extension",
    "ttl",
    "ttlMillis",
    [
      [0, null],
      [60, 60_000]
    ]
  ],
  [
    "service",
    "name",
    "name",
    [
      ["", undefined],
      [null, undefined],
      ["Shop", "Shop"]
    ]
  ],
  [
    "service",
    "ports",
    "ports",
    [
      ["", []],
      [null, []],
      [80, [80]],
      [
        [1, 65_535],
        [1, 65_535]
      ],
      [" 7 , 8", [7, 8]]
    ]
  ],
  [
    "service",
    "service_type",
    "serviceType",
    [
      ["", "web"],
      [null, "web"],
      ["web", "web"],
      ["udp", "udp"]
    ]
  ],
  [
    "service",
    "custom_domains",
    "domains",
    [
      ["", []],
      ["a.b,c.d", ["a.b", "c.d"]],
      [["a.b"], ["a.b"]]
    ]
  ],
  [
    "service",
    "show_freeze_page",
    "showFreezePage",
    [
      [null, true],
      [false, false],
      ["0", false],
      [true, true]
    ]
  ],
  [
    "service",
    "unfreeze_on_demand",
    "unfreezeOnDemand",
    [
      [null, false],
      [true, true]
    ]
  ],
  [
    "service",
    "bootstrap",
    "bootstrap",
    [
      ["", undefined],
      [null, undefined],
      ["x".repeat(MIB), "x".repeat(MIB)]
    ]
  ],
  [
    "patch",
    "name",
    "name",
    [
      ["", undefined],
      ["Shop", "Shop"]
    ]
  ],
  [
    "patch",
    "unfreeze_on_demand",
    "unfreezeOnDemand",
    [
      [null, undefined],
      ["", undefined],
      [true, true],
      ["0", false]
    ]
  ],
  [
    "patch",
    "show_freeze_page",
    "showFreezePage",
    [
      [null, undefined],
      ["", undefined],
      [false, false]
    ]
  ],
  [
    "patch",
    "vcpu",
    "vcpu",
    [
      ["", undefined],
      [8, 8]
    ]
  ],
  [
    "domains",
    "all",
    "all",
    [
      [null, undefined],
      ["a.b", ["a.b"]],
      [["a.b"], ["a.b"]]
    ]
  ],
  ["domains", "add", "add", [["a.b", ["a.b"]]]],
  ["domains", "remove", "remove", [["a.b", ["a.b"]]]],
  [
    "redeploy",
    "bootstrap",
    "bootstrap",
    [
      ["echo", "echo"],
      ["", undefined]
    ]
  ],
  [
    "snapshot",
    "name",
    "name",
    [
      [null, ""],
      [" a ", "a"],
      ["x".repeat(128), "x".repeat(128)]
    ]
  ],
  [
    "snapshot",
    "hot",
    "hot",
    [
      [true, true],
      ["1", true],
      [null, false]
    ]
  ],
  [
    "snapshot",
    "ttl",
    "ttlMillis",
    [
      [0, null],
      [1, 1_000],
      [999_999_999, 999_999_999_000]
    ]
  ],
  [
    "image",
    "description",
    "description",
    [
      ["x".repeat(1_024), "x".repeat(1_024)],
      [" a ", "a"]
    ]
  ],
  ["image", "name", "name", [["x".repeat(128), "x".repeat(128)]]],
  [
    "image",
    "visibility",
    "visibility",
    [
      [null, "private"],
      ["private", "private"],
      ["unlisted", "unlisted"],
      ["public", "public"]
    ]
  ],
  ["guest", "key", "key", [[KEY, KEY]]]
]
for (const [order, field, as, values] of takes)
  it(`${field} of a ${order} takes what it may be`, () => {
    for (const [value, normal] of values) expect(Reflect.get(taken(order, { [field]: value }), as)).toEqual(normal)
  })

it("takes the longest of what it may", () => {
  expect(taken("service", { ports: Array.from({ length: 32 }, (_, at) => at + 1) })).toMatchObject({
    ports: { length: 32 }
  })
  const domains = Array.from({ length: 32 }, (_, at) => `a${at}.b`)
  expect(taken("service", { custom_domains: domains })).toMatchObject({ domains })
  const env = Object.fromEntries(Array.from({ length: 256 }, (_, at) => [`V${at}`, ""]))
  expect(taken("program", { env })).toMatchObject({ env })
  // A name, a value and a separator each.
  const widest = { A: "x".repeat(65_536 - 3) }
  expect(taken("program", { env: widest })).toMatchObject({ env: widest })
})

it("knows what each type of service listens on", () => {
  const ports = { minecraft: 25_565, mumble: 64_738, teamspeak: 10_011, source: 27_015 }
  for (const [service_type, port] of Object.entries(ports))
    expect(taken("service", { service_type })).toMatchObject({ serviceType: service_type, ports: [port] })
  for (const service_type of ["web", "udp"]) expect(taken("service", { service_type })).toMatchObject({ ports: [] })
  expect(taken("service", { service_type: "tcp", ports: 7_000 })).toMatchObject({ ports: [7_000] })
})

it("makes a script of a link, and of nothing else", () => {
  const script = (bootstrap: string) => Reflect.get(taken("service", { bootstrap }), "bootstrap")
  expect(script(" http://a.b/c \n")).toBe(
    "#!/bin/bash\nset -o pipefail\ncurl -fsSL --retry 3 -- 'http://a.b/c' | bash\n"
  )
  expect(script("https://a.b/'x'")).toContain("-- 'https://a.b/'\\''x'\\''' | bash")
  for (const text of ["ftp://a.b", "https://a b", "x https://a.b", "https://", "HTTPS://a.b/"])
    expect(script(text)).toBe(text)
})
