/** For processes of a test's own, under a limit: what it is like without a descriptor. */
import { closeSync, openSync } from "node:fs"

/** All that are left but `spare`; the result gives them back. */
export const takeAll = (spare = 0): (() => void) => {
  const taken: Array<number> = []
  try {
    for (;;) taken.push(openSync("/dev/null", "r"))
  } catch {
    for (const one of taken.splice(0, spare)) closeSync(one)
    return () => taken.splice(0).forEach((one) => void closeSync(one))
  }
}
