/** Other languages that are compiled to native binaries. */
import { apt, compiled, type Language } from "../Language.js"

// gnatmake insists that the file is named after the unit; nested units are indented.
const adaUnit = /^(?:procedure|package[ \t]+body|package)[ \t]+([A-Za-z][\w.]*)/im
const adaSource = (code: string) => `${(adaUnit.exec(code)?.[1] ?? "main").toLowerCase().replaceAll(".", "-")}.adb`

// Fixed-form COBOL keeps columns 1 to 6 for numbers; everything else is free form.
const cobolForm = (code: string) => {
  const lines = code.split("\n").filter((line) => line.trim() !== "")
  return lines.length > 0 && lines.every((line) => /^[ \d]{6}([ */D-]|$)/i.test(line)) ? "-fixed" : "-free"
}

export const native: ReadonlyArray<Language> = [
  compiled({
    id: "fortran",
    name: "Fortran",
    aliases: ["f90", "f95", "gfortran"],
    extensions: ["f90", "f95", "f03", "f08", "f"],
    needs: { fc: ["gfortran"] },
    compile: [["{fc}", "-O1", "-ffree-form", "-J/tmp", "-o", "{out}", "{source}"]],
    version: ["{fc}", "--version"],
    hello: 'program hello\n  print "(a)", "Hello from Fortran"\nend program hello\n',
    provider: apt("gfortran")
  }),
  compiled({
    id: "cobol",
    name: "COBOL",
    aliases: ["cob", "gnucobol"],
    extensions: ["cob", "cbl"],
    needs: { cobc: ["cobc"] },
    infer: cobolForm,
    compile: [["{cobc}", "-x", "{inferred}", "-o", "{out}", "{source}"]],
    version: ["{cobc}", "--version"],
    hello:
      'identification division.\nprogram-id. hello.\nprocedure division.\n    display "Hello from COBOL".\n    stop run.\n',
    provider: apt("gnucobol4|gnucobol3|gnucobol"),
    trees: ["/etc/gnucobol"]
  }),
  compiled({
    id: "pascal",
    name: "Pascal",
    aliases: ["pas", "fpc", "freepascal", "delphi"],
    extensions: ["pas", "pp"],
    needs: { bin: ["fpc"] },
    compile: [["{bin}", "-v0ew", "-l-", "-O1", "-FU/tmp", "-o{out}", "{source}"]],
    version: ["{bin}", "-iV"],
    hello: "program hello;\nbegin\n  writeln('Hello from Pascal');\nend.\n",
    provider: apt("fp-compiler", "fp-units-rtl"),
    trees: ["/etc/fpc.cfg"]
  }),
  compiled({
    id: "ada",
    name: "Ada",
    aliases: ["adb", "gnat"],
    extensions: ["adb", "ads"],
    source: adaSource,
    needs: { gnatmake: ["gnatmake"] },
    compile: [["{gnatmake}", "-q", "-gnat2012", "-D", "/tmp", "-o", "{out}", "{source}"]],
    version: ["{gnatmake}", "--version"],
    hello: 'with Ada.Text_IO;\nprocedure Hello is\nbegin\n   Ada.Text_IO.Put_Line ("Hello from Ada");\nend Hello;\n',
    provider: apt("gnat")
  }),
  compiled({
    id: "modula2",
    name: "Modula-2",
    aliases: ["m2", "gm2", "modula-2"],
    extensions: ["mod"],
    needs: { bin: ["gm2", "gm2-12"] },
    compile: [["{bin}", "-flibs=m2pim,m2iso", "-o", "{out}", "{source}"]],
    hello:
      'MODULE main;\nFROM StrIO IMPORT WriteString, WriteLn;\nBEGIN\n  WriteString("Hello from Modula-2"); WriteLn\nEND main.\n',
    provider: apt("gm2")
  }),
  compiled({
    id: "d",
    name: "D",
    aliases: ["dlang", "gdc"],
    extensions: ["d"],
    // GCC's: ldc2 does not work without its configuration in /etc.
    needs: { bin: ["gdc"] },
    compile: [["{bin}", "-O1", "-o", "{out}", "{source}"]],
    hello: 'import std.stdio;\nvoid main() {\n    writeln("Hello from D");\n}\n',
    provider: apt("gdc")
  }),
  compiled({
    id: "nim",
    name: "Nim",
    extensions: ["nim"],
    needs: { bin: ["nim"] },
    compile: [
      [
        "{bin}",
        "c",
        "--hints:off",
        "--verbosity:0",
        "--colors:off",
        "--nimcache:/tmp/.nimcache",
        "--out:{out}",
        "{source}"
      ]
    ],
    hello: 'echo "Hello from Nim"\n',
    provider: apt("nim"),
    trees: ["/etc/nim"]
  }),
  compiled({
    id: "crystal",
    name: "Crystal",
    aliases: ["cr"],
    extensions: ["cr"],
    needs: { bin: ["crystal"] },
    compile: [["{bin}", "build", "--no-color", "-o", "{out}", "{source}"]],
    env: { CRYSTAL_CACHE_DIR: "/tmp/.crystal" },
    hello: 'puts "Hello from Crystal"\n',
    provider: apt("crystal"),
    heavy: { memoryMiB: 768, pids: 64 }
  }),
  compiled({
    id: "vala",
    name: "Vala",
    extensions: ["vala"],
    needs: { bin: ["valac"] },
    compile: [["{bin}", "--quiet", "--directory=/tmp", "--pkg=gio-2.0", "-o", "{out}", "{source}"]],
    hello: 'void main() {\n    print("Hello from Vala\\n");\n}\n',
    provider: apt("valac", "libglib2.0-dev")
  }),
  compiled({
    id: "assembly",
    name: "Assembly",
    aliases: ["asm", "nasm"],
    extensions: ["asm", "nasm"],
    needs: { nasm: ["nasm"], ld: ["ld"] },
    compile: [
      ["{nasm}", "-f", "elf64", "-o", "/tmp/main.o", "{source}"],
      ["{ld}", "-o", "{out}", "/tmp/main.o"]
    ],
    version: ["{nasm}", "-v"],
    hello:
      'global _start\nsection .data\nhello: db "Hello from Assembly", 10\nlength: equ $ - hello\nsection .text\n_start:\n  mov eax, 1\n  mov edi, 1\n  mov rsi, hello\n  mov edx, length\n  syscall\n  mov eax, 60\n  xor edi, edi\n  syscall\n',
    provider: apt("nasm", "binutils")
  })
]
