/** `npm run mutate`: every guard is changed in every way that Stryker knows, and its tests must notice. */
export default {
  mutate: ["src/guards/**/*.ts"],
  testRunner: "vitest",
  vitest: { configFile: "test/guards/vitest.config.ts", related: false },
  coverageAnalysis: "perTest",
  thresholds: { high: 95, low: 90, break: 90 },
  concurrency: 2,
  timeoutMS: 20_000,
  incremental: true,
  incrementalFile: "build/mutation/incremental.json",
  tempDirName: "build/mutation/sandbox",
  ignorePatterns: ["build", "dist", "bench/results"],
  reporters: ["clear-text", "progress-append-only", "html", "json"],
  clearTextReporter: { logTests: false, reportTests: false },
  htmlReporter: { fileName: "build/mutation/report.html" },
  jsonReporter: { fileName: "build/mutation/report.json" },
  allowEmpty: false
}
