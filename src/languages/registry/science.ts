/** Languages of science and mathematics, and three classics. */
import { apt, type Language, none, script } from "../Language.js"

export const science: ReadonlyArray<Language> = [
  script({
    id: "r",
    name: "R",
    aliases: ["rscript", "rlang"],
    extensions: ["r", "R"],
    shebangs: ["Rscript"],
    needs: { bin: ["Rscript"] },
    run: ["{bin}", "--vanilla", "{source}"],
    hello: 'cat("Hello from R\\n")\n',
    provider: apt("r-base-core"),
    trees: ["/etc/R"]
  }),
  script({
    id: "octave",
    name: "GNU Octave",
    aliases: ["matlab", "gnu-octave"],
    extensions: ["octave"],
    source: "main.m",
    shebangs: ["octave", "octave-cli"],
    needs: { bin: ["octave-cli"] },
    run: ["{bin}", "--quiet", "--no-init-file", "--no-history", "{source}"],
    hello: 'disp("Hello from GNU Octave")\n',
    provider: apt("octave"),
    heavy: { memoryMiB: 256, pids: 32 }
  }),
  script({
    id: "julia",
    name: "Julia",
    aliases: ["jl"],
    extensions: ["jl"],
    needs: { bin: ["julia"] },
    run: ["{bin}", "--startup-file=no", "--history-file=no", "{source}"],
    env: { JULIA_DEPOT_PATH: "/tmp/.julia:" },
    hello: 'println("Hello from Julia")\n',
    provider: none("not in this Debian release, and npm has no package of it", "https://julialang.org/downloads/"),
    heavy: { memoryMiB: 512, pids: 64 }
  }),
  script({
    id: "raku",
    name: "Raku",
    aliases: ["perl6", "rakudo"],
    extensions: ["raku", "rakumod", "p6"],
    needs: { bin: ["raku", "perl6"] },
    shebangs: ["raku", "perl6"],
    hello: 'say "Hello from Raku";\n',
    provider: apt("rakudo"),
    heavy: { memoryMiB: 256, pids: 32 }
  }),
  script({
    id: "algol68",
    name: "Algol 68",
    aliases: ["a68", "a68g", "algol"],
    extensions: ["a68"],
    needs: { bin: ["a68g"] },
    hello: 'print(("Hello from Algol 68", new line))\n',
    provider: apt("algol68g")
  }),
  script({
    id: "icon",
    name: "Icon",
    aliases: ["icn", "icont"],
    extensions: ["icn"],
    needs: { bin: ["icont"], iconx: ["iconx"] },
    shebangs: [],
    compile: [["{bin}", "-s", "-o", "/tmp/main.icx", "{source}"]],
    run: ["{iconx}", "/tmp/main.icx"],
    version: ["{bin}", "-V"],
    hello: 'procedure main()\n  write("Hello from Icon")\nend\n',
    provider: apt("icont", "iconx")
  })
]
