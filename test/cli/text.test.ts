/** How arguments are read and how tables and trees are drawn. */
import { describe, expect, it } from "vitest"
import { normalise } from "../../src/cli/Argv.js"
import { draw } from "../../src/cli/commands/Tree.js"
import { nearest } from "../../src/cli/Nearest.js"
import { cut, plain, table } from "../../src/cli/Output.js"

describe("options may stand anywhere", () => {
  it.each([
    [["events", "show", "1", "--json"], "events show --json true 1"],
    [["--data", "d", "keys", "revoke", "k"], "keys revoke --data d k"],
    [["keys", "revoke", "k", "--reason=lost", "--json"], "keys revoke --reason=lost --json true k"],
    [["languages", "install", "lua", "--json", "ada"], "languages install --json true lua ada"],
    [["languages", "--json"], "languages --json true"],
    [["otp", "--watch"], "otp --watch true"],
    [["otp", "confirm", "k", "1", "--json"], "otp confirm --json true k 1"],
    [["verify"], "verify"],
    [["--help"], "--help"],
    [[], ""]
  ])("%j", (argv, expected) => expect(normalise(argv).join(" ")).toBe(expected))
})

describe("output", () => {
  it("keeps control characters from the terminal", () => expect(plain("a\u001b[31mb\nc")).toBe("a [31mb c"))
  it("cuts with a mark", () => expect(cut("abcdef", 4)).toBe("abc…"))
  it("aligns text left and numbers right", () =>
    expect(
      table(
        ["name", "n"],
        [
          ["a", 1],
          ["bcdef", 100]
        ]
      )
    ).toBe("name   n\n─────  ───\na        1\nbcdef  100"))
})

describe("nearest", () => {
  it.each([
    ["prot", "port"],
    ["PORT", "port"],
    ["retention", undefined]
  ])("%s", (word, expected) => expect(nearest(word, ["port", "host", "data"])).toBe(expected))
})

describe("the tree", () => {
  const node = (path: string, restarts = 0, detail = "") => ({
    path,
    kind: "worker",
    state: "running",
    restarts,
    since: 0,
    detail
  })

  it("draws children below their parent", () =>
    expect(draw([node("root"), node("root/log"), node("root/pools"), node("root/pools/a", 2, "8 idle")], 90_000)).toBe(
      [
        "root  running  90s",
        "├─ log  running  90s",
        "└─ pools  running  90s",
        "   └─ a  running  90s  2 restarts  8 idle"
      ].join("\n")
    ))
})
