import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/support/dependencies.ts"],
    exclude: ["test/toolchains/**", "test/soak/**", "node_modules/**"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Two cores: more files at once only make real containers and servers wait for each other.
    maxWorkers: 2
  }
})
