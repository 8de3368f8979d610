/** `npm run soak`: SOAK_MINUTES of random deeds and faults (10), those of SOAK_SEED; no lost resource, no stuck state, no growth. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, it, onTestFinished } from "vitest"
import { flat } from "./Flatness.js"
import { multiplexers } from "./Multiplexers.js"
import { soak } from "./Soak.js"

const minutes = Number(process.env.SOAK_MINUTES || 10)
const seed = Number(process.env.SOAK_SEED || process.hrtime.bigint() % 1_000_000n)

it(
  `soaks for ${minutes} minutes`,
  async () => {
    multiplexers()
    const data = mkdtempSync(join(tmpdir(), "unsandbox-soak-"))
    onTestFinished(() => rmSync(data, { recursive: true, force: true }))
    process.stderr.write(`SOAK_SEED=${seed} SOAK_MINUTES=${minutes}\n`)
    const { operations, sizes, violations } = await soak({ seed, seconds: minutes * 60, data, progressSeconds: 10 })
    process.stderr.write(`${operations} operations; ${JSON.stringify(sizes)}\n`)
    expect(violations).toEqual([])
    expect(flat(sizes)).toEqual([])
  },
  minutes * 60_000 + 600_000
)
