/** `npm run soak`: ten minutes of random operations and faults against a real server. */
import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["test/soak/**/*.test.ts"],
    globalSetup: ["test/support/dependencies.ts"],
    fileParallelism: false
  }
})
