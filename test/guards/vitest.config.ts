/** The tests of the guards alone, without containers or servers: what mutation testing runs once for each mutant. */
import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["test/guards/**/*.test.ts"],
    exclude: [
      // These need containers, the sources as they are written, and a compiler.
      "test/guards/{RealSeal,modules,evidence.types}.test.ts",
      // The same for each point, in a fiber each: what it shows of one is in Guard.test.ts.
      "test/guards/uncertainty.test.ts"
    ],
    testTimeout: 20_000,
    isolate: false
  }
})
