import { Either } from "effect"
import { describe, expect, it } from "vitest"
import { fieldsOf, read } from "../../src/http/logs/LogQuery.js"

const NOW = 1_800_000_000_000
const good = (target: string) => Either.getOrThrow(read(fieldsOf(target), NOW))
const refused = (fields: Readonly<Record<string, unknown>>) =>
  Either.match(read(fields, NOW), { onLeft: ({ code, details }) => details?.field ?? code, onRight: () => "passed" })

describe("what is asked of a log", () => {
  it("is read from a query, with what is usual where nothing is said", () => {
    expect(good("/logs")).toEqual({
      wanted: "all",
      lines: 100,
      sinceMillis: undefined,
      filter: { source: undefined, level: "debug", grep: "" }
    })
    expect(good("/logs?source=api&lines=9000&since=5m&grep=a%20b&level=WARNING")).toEqual({
      wanted: "api",
      lines: 9_000,
      sinceMillis: NOW - 300_000,
      filter: { source: "api", level: "warn", grep: "a b" }
    })
    expect(good("/logs?source=pool/cammy").wanted).toEqual({ pool: "cammy" })
    expect(good("/logs?source=&lines=&since=&grep=&level=").lines).toBe(100)
  })

  it("goes back as far as it says, in any unit", () => {
    const ago = (since: string) => NOW - (good(`/logs?since=${since}`).sinceMillis ?? 0)
    expect(["500ms", "7", "30s", "5m", "2h", "1d"].map(ago)).toEqual([
      500, 7_000, 30_000, 300_000, 7_200_000, 86_400_000
    ])
    expect(good("/logs?since=2026-01-18T09:30:00Z").sinceMillis).toBe(Date.UTC(2026, 0, 18, 9, 30))
  })

  it("is refused where it is nothing that can be meant", () => {
    for (const lines of [0, -1, 9_001, 1.5, "x", "1e9", {}, true])
      expect(refused({ lines }), String(lines)).toBe("lines")
    for (const since of ["x", "-5m", "5 m", {}, "99999999999d"]) expect(refused({ since }), String(since)).toBe("since")
    for (const grep of [1, [], "x".repeat(201)]) expect(refused({ grep }), String(grep)).toBe("grep")
    for (const level of ["loud", 3]) expect(refused({ level }), String(level)).toBe("level")
    expect(refused({ source: 7 })).toBe("source")
    for (const source of ["portals", "pool/", "pool/a/b", "pool/a b", "../all"])
      expect(refused({ source }), source).toBe("not_found")
  })
})
