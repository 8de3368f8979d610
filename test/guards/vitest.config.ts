/** The tests of the guards alone, without containers or servers: what mutation testing runs once for each mutant. */
import { defineConfig } from "vitest/config"
import { BaseSequencer, type TestSpecification } from "vitest/node"

/** Whatever a module does when it is loaded is each test's: so none may be the first that loads it. */
class LoadsLast extends BaseSequencer {
  override async sort(files: Array<TestSpecification>): Promise<Array<TestSpecification>> {
    const isLoading = ({ moduleId }: TestSpecification) => Number(moduleId.endsWith("/loads.test.ts"))
    return (await super.sort(files)).sort((one, other) => isLoading(one) - isLoading(other))
  }
}

export default defineConfig({
  test: {
    include: ["test/guards/**/*.test.ts", "test/egress/marks.test.ts"],
    exclude: [
      // These need containers, the sources as they are written, and a compiler.
      "test/guards/{RealSeal,modules,evidence.types}.test.ts",
      // The same for each point, in a fiber each: what it shows of one is in Guard.test.ts.
      "test/guards/uncertainty.test.ts"
    ],
    testTimeout: 20_000,
    isolate: false,
    sequence: { sequencer: LoadsLast }
  }
})
