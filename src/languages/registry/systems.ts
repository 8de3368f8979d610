/** Compiled languages of the C neighbourhood, with those that also build for WebAssembly. */
import { apt, compiled, type Language } from "../Language.js"

const wasi = ["wasi-libc", "clang", "lld", "libclang-rt-14-dev-wasm32|libclang-rt-dev-wasm32"]

const objcHeaders = [12, 13, 14, 15, 16].flatMap((release) =>
  ["x86_64", "aarch64"].map((machine) => `/usr/lib/gcc/${machine}-linux-gnu/${release}/include/objc`)
)

export const systems: ReadonlyArray<Language> = [
  compiled({
    id: "c",
    name: "C",
    aliases: ["gcc", "c99", "c11", "c17"],
    extensions: ["c", "h"],
    needs: { cc: ["gcc", "clang", "cc"] },
    compile: [["{cc}", "-pipe", "-O1", "-o", "{out}", "{source}", "-lm", "-pthread"]],
    version: ["{cc}", "--version"],
    hello: '#include <stdio.h>\nint main(void) { puts("Hello from C"); return 0; }\n',
    provider: apt("gcc", "libc6-dev"),
    wasm: {
      needs: { wasmcc: ["clang"], wasmld: ["wasm-ld", "wasm-ld-14"], wasi: ["/usr/include/wasm32-wasi/stdio.h"] },
      compile: ["{wasmcc}", "--target=wasm32-wasi", "-O1", "-o", "{wasm}", "{source}"],
      packages: wasi
    }
  }),
  compiled({
    id: "cpp",
    name: "C++",
    aliases: ["c++", "cxx", "g++", "cplusplus"],
    extensions: ["cpp", "cc", "cxx", "hpp"],
    needs: { cxx: ["g++", "clang++", "c++"] },
    compile: [["{cxx}", "-pipe", "-O1", "-std=c++20", "-o", "{out}", "{source}", "-pthread"]],
    version: ["{cxx}", "--version"],
    hello: '#include <iostream>\nint main() { std::cout << "Hello from C++" << std::endl; }\n',
    provider: apt("g++"),
    wasm: {
      needs: {
        wasmcxx: ["clang++"],
        wasmld: ["wasm-ld", "wasm-ld-14"],
        wasi: ["/usr/include/wasm32-wasi/c++/v1/iostream"]
      },
      compile: [
        "{wasmcxx}",
        "--target=wasm32-wasi",
        "-O1",
        "-std=c++20",
        "-fno-exceptions",
        "-o",
        "{wasm}",
        "{source}"
      ],
      packages: [...wasi, "libc++-14-dev-wasm32|libc++-dev-wasm32", "libc++abi-14-dev-wasm32|libc++abi-dev-wasm32"]
    }
  }),
  compiled({
    id: "objc",
    name: "Objective-C",
    aliases: ["objectivec", "objective-c", "obj-c"],
    extensions: ["m"],
    needs: { cc: ["clang"], foundation: ["/usr/include/GNUstep/Foundation/Foundation.h"], objc: objcHeaders },
    // clang on GCC's runtime: gcc itself knows neither @autoreleasepool nor literals.
    compile: [
      [
        "{cc}",
        "-O1",
        "-fobjc-runtime=gcc",
        "-fobjc-exceptions",
        "-fexceptions",
        "-fconstant-string-class=NSConstantString",
        "-D_NATIVE_OBJC_EXCEPTIONS",
        "-DGNUSTEP",
        "-DGNUSTEP_BASE_LIBRARY=1",
        "-Wno-objc-property-implementation",
        "-I/usr/include/GNUstep",
        "-I{objc}/..",
        "-o",
        "{out}",
        "{source}",
        "-lgnustep-base",
        "-lobjc",
        "-lm",
        "-pthread"
      ]
    ],
    version: ["{cc}", "--version"],
    hello: '#include <stdio.h>\nint main(void) { puts("Hello from Objective-C"); return 0; }\n',
    provider: apt("clang", "gobjc", "libgnustep-base-dev")
  }),
  compiled({
    id: "rust",
    name: "Rust",
    aliases: ["rs"],
    extensions: ["rs"],
    needs: { bin: ["rustc"] },
    compile: [
      ["{bin}", "--edition=2021", "-Copt-level=1", "-Cdebuginfo=0", "-Cstrip=symbols", "-o", "{out}", "{source}"]
    ],
    hello: 'fn main() {\n    println!("Hello from Rust");\n}\n',
    provider: apt("rustc"),
    wasm: {
      needs: { wasmld: ["wasm-ld", "wasm-ld-14"], std: ["/usr/lib/rustlib/wasm32-wasi"] },
      compile: [
        "{bin}",
        "--edition=2021",
        "--target=wasm32-wasi",
        "-Copt-level=1",
        "-Cstrip=symbols",
        "-o",
        "{wasm}",
        "{source}"
      ],
      packages: ["libstd-rust-dev-wasm32", "lld"]
    },
    heavy: { memoryMiB: 384, pids: 32 }
  }),
  compiled({
    id: "go",
    name: "Go",
    aliases: ["golang"],
    extensions: ["go"],
    needs: { bin: ["go"] },
    compile: [["{bin}", "build", "-buildvcs=false", "-o", "{out}", "{source}"]],
    env: {
      GO111MODULE: "off",
      CGO_ENABLED: "0",
      GOCACHE: "/tmp/.gocache",
      GOPATH: "/tmp/.gopath",
      GOTOOLCHAIN: "local",
      GOTELEMETRY: "off"
    },
    version: ["{bin}", "version"],
    hello: 'package main\n\nimport "fmt"\n\nfunc main() {\n\tfmt.Println("Hello from Go")\n}\n',
    provider: apt("golang-go"),
    wasm: {
      needs: { env: ["env"] },
      compile: ["{env}", "GOOS=js", "GOARCH=wasm", "{bin}", "build", "-buildvcs=false", "-o", "{wasm}", "{source}"],
      packages: []
    },
    heavy: { memoryMiB: 512, pids: 128 }
  })
]
