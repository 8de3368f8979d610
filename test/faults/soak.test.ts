/** A short soak, so that the long one (`npm run soak`) works on the day that somebody needs it. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, it, onTestFinished } from "vitest"
import { multiplexers } from "../soak/Multiplexers.js"
import { soak } from "../soak/Soak.js"

it("keeps its word through random deeds and faults of some seconds", async () => {
  multiplexers()
  const data = mkdtempSync(join(tmpdir(), "unsandbox-soak-"))
  onTestFinished(() => rmSync(data, { recursive: true, force: true }))
  // Some seconds say nothing about memory: that is for the long one.
  const { operations, violations } = await soak({ seed: 18, seconds: 10, data, progressSeconds: 60 })
  expect(violations).toEqual([])
  expect(operations).toBeGreaterThan(20)
}, 180_000)
