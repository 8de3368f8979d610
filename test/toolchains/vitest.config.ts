/** `npm run test:languages`: installs every toolchain that apt and npm have, and tries each through a real server. */
import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["test/toolchains/**/*.test.ts"],
    env: { UNSANDBOX_TEST_README: process.argv.includes("--readme") ? "README.md" : "" },
    testTimeout: 120_000,
    // The first run installs some gigabytes.
    hookTimeout: 3_600_000,
    fileParallelism: false
  }
})
