/** Functional and logic languages. */
import { apt, compiled, type Language, none, script } from "../Language.js"

// A program that only defines main/0 is started by it; one that names its own start is not started twice.
const prologGoal = (code: string) =>
  /^main\s*(:-|-->|\.)/m.test(code) && !/\binitialization\b|^[ \t]*:-[ \t]*main\b/m.test(code) ? "main" : "true"

export const functional: ReadonlyArray<Language> = [
  compiled({
    id: "haskell",
    name: "Haskell",
    aliases: ["hs", "ghc"],
    extensions: ["hs"],
    shebangs: ["runghc", "runhaskell"],
    needs: { bin: ["ghc"] },
    compile: [["{bin}", "-v0", "-O0", "-outputdir", "/tmp/.ghc", "-o", "{out}", "{source}"]],
    hello: 'main :: IO ()\nmain = putStrLn "Hello from Haskell"\n',
    provider: apt("ghc"),
    trees: ["/var/lib/ghc"],
    heavy: { memoryMiB: 512, pids: 32 }
  }),
  compiled({
    id: "ocaml",
    name: "OCaml",
    aliases: ["ml"],
    extensions: ["ml"],
    shebangs: ["ocaml"],
    needs: { bin: ["ocamlopt.opt", "ocamlopt"] },
    compile: [["{bin}", "-I", "+unix", "-I", "+str", "unix.cmxa", "str.cmxa", "-o", "{out}", "{source}"]],
    leaves: ["main.cmi", "main.cmx", "main.o"],
    version: ["{bin}", "-version"],
    hello: 'let () = print_endline "Hello from OCaml"\n',
    provider: apt("ocaml-nox")
  }),
  script({
    id: "sml",
    name: "Standard ML",
    aliases: ["standardml", "poly", "polyml"],
    extensions: ["sml"],
    shebangs: ["poly"],
    needs: { bin: ["poly"] },
    run: ["{bin}", "--script", "{source}"],
    version: ["{bin}", "-v"],
    hello: 'val () = print "Hello from Standard ML\\n";\n',
    provider: apt("polyml")
  }),
  script({
    id: "erlang",
    name: "Erlang",
    aliases: ["erl", "escript"],
    extensions: ["erl", "escript"],
    needs: { bin: ["escript"], erl: ["erl"] },
    shebangs: ["escript"],
    // escript drops a first line that is no `#!`, and counts lines from the one after it.
    prepare: (code) => (code.startsWith("#!") ? code : `\n${code}`),
    version: [
      "{erl}",
      "-noshell",
      "-eval",
      'io:format("Erlang/OTP ~s ~s~n", [erlang:system_info(otp_release), erlang:system_info(version)]), halt().'
    ],
    hello: 'main(_) ->\n    io:format("Hello from Erlang~n").\n',
    provider: apt("erlang-base"),
    heavy: { memoryMiB: 128, pids: 64 }
  }),
  script({
    id: "elixir",
    name: "Elixir",
    aliases: ["ex", "exs"],
    extensions: ["exs", "ex"],
    needs: { bin: ["elixir"] },
    version: ["{bin}", "--short-version"],
    hello: 'IO.puts("Hello from Elixir")\n',
    provider: apt("elixir"),
    heavy: { memoryMiB: 128, pids: 64 }
  }),
  script({
    id: "prolog",
    name: "Prolog",
    aliases: ["swipl", "swi-prolog"],
    extensions: ["prolog", "pro"],
    source: "main.pl",
    needs: { bin: ["swipl"] },
    shebangs: ["swipl", "prolog"],
    infer: prologGoal,
    run: ["{bin}", "-q", "--on-error=status", "-f", "none", "-g", "{inferred}", "-t", "halt", "{source}"],
    hello: ':- initialization(main).\nmain :- writeln("Hello from Prolog").\n',
    provider: apt("swi-prolog-nox")
  }),
  script({
    id: "forth",
    name: "Forth",
    aliases: ["gforth", "fth"],
    extensions: ["fth", "4th", "forth"],
    needs: { bin: ["gforth"] },
    run: ["{bin}", "{source}", "-e", "bye"],
    hello: '." Hello from Forth" cr\n',
    provider: apt("gforth")
  }),
  compiled({
    id: "ats",
    name: "ATS",
    aliases: ["ats2"],
    extensions: ["dats"],
    needs: { bin: ["patscc"], cc: ["gcc"] },
    compile: [["{bin}", "-DATS_MEMALLOC_LIBC", "-o", "{out}", "{source}"]],
    leaves: ["main_dats.c"],
    env: { PATSHOME: "/usr/lib/ats2-postiats-0.4.2" },
    version: ["{bin}", "-vats"],
    hello: 'implement main0 () = println! ("Hello from ATS")\n',
    provider: apt("ats2-lang", "gcc", "libc6-dev")
  }),
  compiled({
    id: "idris2",
    name: "Idris 2",
    aliases: ["idris"],
    extensions: ["idr"],
    needs: { bin: ["idris2"] },
    compile: [
      ["{bin}", "--no-banner", "--build-dir", "/tmp/.idris", "--output-dir", "{dir}", "-o", "main", "{source}"]
    ],
    hello: 'module Main\n\nmain : IO ()\nmain = putStrLn "Hello from Idris 2"\n',
    provider: none("neither Debian nor npm ships the compiler", "https://www.idris-lang.org")
  })
]
