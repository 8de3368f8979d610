/** From code to files and argv. */
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert as holds, property, string } from "fast-check"
import { afterAll, describe, expect, it } from "vitest"
import type { Language } from "../../src/languages/Language.js"
import { plan, toolchain } from "../../src/languages/Plan.js"
import { find, languages } from "../../src/languages/Registry.js"

const pathsOf = (language: Language) =>
  Object.fromEntries(
    Object.keys({ ...language.needs, ...language.wasm?.needs }).map((name) => [name, `/usr/bin/${name}`])
  )

const language = (id: string): Language => {
  const found = find(id)
  if (found === undefined) throw new Error(id)
  return found
}
const made = (id: string) => toolchain(language(id), pathsOf(language(id)), { wasm: true })
const contentOf = (id: string, code: string) => Buffer.from(plan(made(id), code).files[0]?.content ?? []).toString()
const argvOf = (id: string, code: string) => plan(made(id), code).steps[0].argv.join(" ")

describe("a plan", () => {
  it("runs an interpreter directly, in one exec", () => {
    const { artifact, cwd, discard, files, steps } = plan(made("python"), "print(1)\n", { env: { A: "b" } })
    expect(steps).toHaveLength(1)
    expect(steps[0].argv).toEqual(["/usr/bin/bin", "/tmp/work/main.py"])
    expect(steps[0].env).toMatchObject({ A: "b", HOME: "/home/sandbox", PYTHONDONTWRITEBYTECODE: "1" })
    expect(files).toEqual([{ path: "/tmp/work/main.py", mode: 0o644, content: Buffer.from("print(1)\n") }])
    expect({ artifact, cwd, discard }).toEqual({ artifact: undefined, cwd: "/tmp/work", discard: ["main.py"] })
  })

  it("compiles and becomes the program in one exec", () => {
    const { artifact, steps, wasm } = plan(made("c"), "int main(void) {}\n")
    expect(steps[0].argv.slice(0, 2)).toEqual(["/bin/sh", "-c"])
    expect(steps[0].argv[2]).toMatch(/^\{ \/usr\/bin\/cc .*; } <\/dev\/null 1>&2 && exec \/tmp\/work\/main$/)
    expect({ artifact, wasm }).toEqual({ artifact: "main", wasm: undefined })
  })

  it("adds the WebAssembly build only where it is wanted and to be had", () => {
    const wanted = plan(made("c"), "", { wasm: true })
    expect(wanted.wasm).toBe("main.wasm")
    expect(wanted.steps[0].argv[2]).toContain("/tmp/work/main.wasm")
    expect(plan(toolchain(language("c"), pathsOf(language("c"))), "", { wasm: true }).wasm).toBeUndefined()
  })

  it("depends on nothing but its arguments, for every language and any code", () => {
    holds(
      property(string({ unit: "binary", maxLength: 200 }), (code) => {
        for (const one of languages) {
          const chain = toolchain(one, pathsOf(one), { wasm: true })
          const planned = plan(chain, code, { wasm: true })
          expect(planned).toEqual(plan(chain, code, { wasm: true }))
          expect(planned.files[0]?.path).toMatch(/^\/tmp\/work\/[^/]+$/)
          expect(planned.steps[0].argv.join(" ")).not.toMatch(/\{(bin|source|stem|dir|out|wasm|inferred)\}/)
        }
      }),
      { numRuns: 10 }
    )
  })
})

describe("what is read from the code", () => {
  it.each([
    ["class X { public static void main(String[] a) {} }", "Main.java", "X"],
    ["public class Foo { public static void main(String... a) {} }", "Foo.java", "Foo"],
    ["class A {}\nclass B { static void main(String[] a) {} }\nclass C {}", "Main.java", "B"],
    ["package p.q;\npublic final class Z { public static void main(String[] a) {} }", "Z.java", "p.q.Z"],
    ["public record R(int x) { public static void main(String[] a) {} }", "R.java", "R"]
  ])("java: %s", (code, file, main) => {
    expect(plan(made("java"), code).files[0]?.path).toBe(`/tmp/work/${file}`)
    expect(argvOf("java", code)).toMatch(new RegExp(` ${main}$`))
  })

  it("ada: the file is named after the unit", () => {
    expect(plan(made("ada"), "with X;\nprocedure Hello_World is\n").discard).toEqual(["hello_world.adb"])
    expect(plan(made("ada"), "nonsense").discard).toEqual(["main.adb"])
  })

  it("cobol: the form", () => {
    expect(argvOf("cobol", "       IDENTIFICATION DIVISION.\n      * note\n")).toContain(" -fixed ")
    expect(argvOf("cobol", "identification division.\n")).toContain(" -free ")
  })

  it("prolog: a main that nothing else starts", () => {
    expect(argvOf("prolog", "main :- true.\n")).toContain("-g main ")
    expect(argvOf("prolog", ":- initialization(main).\nmain :- true.\n")).toContain("-g true ")
    expect(argvOf("prolog", ":- writeln(a).\n")).toContain("-g true ")
  })

  it("php: a tag where there is none, on the same line", () => {
    expect(contentOf("php", "<?php echo 42;")).toBe("<?php echo 42;")
    expect(contentOf("php", "echo 42;\n")).toBe("<?php echo 42;\n")
    expect(contentOf("php", "<h1><?= 1 ?></h1>")).toBe("<h1><?= 1 ?></h1>")
  })

  it("racket, erlang: the line that the runtime insists on", () => {
    expect(contentOf("racket", "(display 1)")).toBe("#lang racket (display 1)")
    expect(contentOf("racket", "; a\n#lang racket/base\n1")).toBe("; a\n#lang racket/base\n1")
    expect(contentOf("erlang", "main(_) -> ok.")).toBe("\nmain(_) -> ok.")
  })

  it("takes no time on text that is meant to take long", () => {
    const from = performance.now()
    for (const text of ["\n", " ", "static ", "public ", "main\n", "package ", "class a ", "procedure "])
      for (const id of ["java", "ada", "cobol", "prolog", "php", "racket", "erlang"])
        plan(made(id), text.repeat(Math.ceil(1_000_000 / text.length)))
    expect(performance.now() - from).toBeLessThan(3_000)
  })
})

describe("the shell of a compiled language", () => {
  const directory = mkdtempSync(join(tmpdir(), "unsandbox-plan-"))
  afterAll(() => rmSync(directory, { recursive: true, force: true }))
  const at = (name: string, text: string) => {
    const path = join(directory, name)
    writeFileSync(path, text, { mode: 0o755 })
    return path
  }
  const quoted: Language = {
    ...language("c"),
    needs: {},
    compile: [["{cc}", 'it\'s $HOME; "x" `y`', "{out}"]],
    run: ["{run}"]
  }
  const exec = (cc: string, run: string) => {
    const [command = "", ...rest] = plan(toolchain(quoted, { cc, run }, { directory }), "").steps[0].argv
    return spawnSync(command, rest, { encoding: "utf8", input: "the program's\n" })
  }

  it("sends the compiler's words to standard error and leaves the input to the program", () => {
    const done = exec(at("cc", '#!/bin/sh\necho "$1"; cat\n'), at("run", "#!/bin/sh\ncat\nexit 7\n"))
    expect(done).toMatchObject({ status: 7, stdout: "the program's\n", stderr: 'it\'s $HOME; "x" `y`\n' })
  })

  it("ends with the compiler's status when that fails", () => {
    const done = exec(at("cc2", "#!/bin/sh\necho bad\nexit 3\n"), at("run2", "#!/bin/sh\necho ran\n"))
    expect(done).toMatchObject({ status: 3, stdout: "", stderr: "bad\n" })
  })

  it("becomes the program: its signal is the exec's", () => {
    const done = exec(at("cc3", "#!/bin/sh\n"), at("run3", "#!/bin/sh\nkill -TERM $$\n"))
    expect(done.signal).toBe("SIGTERM")
  })
})
