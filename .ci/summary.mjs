/** The last line of a CI run, counted from vitest's own report. */
import { readFileSync } from "node:fs"

const [report = "", checked = "1", tested = "1"] = process.argv.slice(2)

const counts = () => {
  try {
    const { numFailedTests, numFailedTestSuites, numPassedTests, testResults } = JSON.parse(
      readFileSync(report, "utf8")
    )
    // A file that did not load has no tests to fail: it counts as one.
    const broken = testResults.filter((file) => file.status === "failed" && file.assertionResults.length === 0).length
    return { passed: numPassedTests, failed: numFailedTests + broken, suites: numFailedTestSuites }
  } catch {
    return { passed: 0, failed: 0, suites: 1 }
  }
}

const { failed, passed, suites } = counts()
if (checked !== "0") console.log("npm run check failed")
if (tested !== "0") console.log("npm test failed")
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = checked === "0" && tested === "0" && suites === 0 && failed === 0 && passed > 0 ? 0 : 1
