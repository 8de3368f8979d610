/** Compiled languages that no package manager here can give yet: run where an operator has put them. */
import { compiled, type Language, none } from "../Language.js"

export const newcomers: ReadonlyArray<Language> = [
  compiled({
    id: "zig",
    name: "Zig",
    extensions: ["zig"],
    needs: { bin: ["zig"] },
    compile: [
      [
        "{bin}",
        "build-exe",
        "{source}",
        "-femit-bin={out}",
        "--cache-dir",
        "/tmp/.zig",
        "--global-cache-dir",
        "/tmp/.zig"
      ]
    ],
    leaves: ["main.o"],
    version: ["{bin}", "version"],
    hello: 'const std = @import("std");\npub fn main() void {\n    std.debug.print("Hello from Zig\\n", .{});\n}\n',
    provider: none(
      "Debian has no package, and the npm wrappers download it from elsewhere",
      "https://ziglang.org/download/"
    ),
    wasm: {
      needs: {},
      compile: [
        "{bin}",
        "build-exe",
        "{source}",
        "-target",
        "wasm32-wasi",
        "-femit-bin={wasm}",
        "--cache-dir",
        "/tmp/.zig",
        "--global-cache-dir",
        "/tmp/.zig"
      ],
      packages: []
    },
    heavy: { memoryMiB: 512, pids: 64 }
  }),
  compiled({
    id: "odin",
    name: "Odin",
    extensions: ["odin"],
    needs: { bin: ["odin"] },
    compile: [["{bin}", "build", "{source}", "-file", "-out:{out}"]],
    version: ["{bin}", "version"],
    hello: 'package main\n\nimport "core:fmt"\n\nmain :: proc() {\n\tfmt.println("Hello from Odin")\n}\n',
    provider: none(
      "Debian's package of this name is a library for magnetic resonance imaging",
      "https://odin-lang.org/docs/install/"
    )
  }),
  compiled({
    id: "v",
    name: "V",
    aliases: ["vlang"],
    extensions: ["v"],
    needs: { bin: ["v"] },
    compile: [["{bin}", "-o", "{out}", "{source}"]],
    env: { VMODULES: "/tmp/.vmodules", VTMP: "/tmp/.vtmp" },
    version: ["{bin}", "version"],
    hello: "println('Hello from V')\n",
    provider: none("neither Debian nor npm ships the compiler", "https://vlang.io")
  })
]
