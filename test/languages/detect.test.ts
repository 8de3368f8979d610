/** Which language a bare program is in. */
import { describe, expect, it } from "vitest"
import { detect } from "../../src/languages/Detect.js"

describe("the first line", () => {
  it.each([
    ["#!/usr/bin/env python3\nprint(1)", "python"],
    ["#!/usr/bin/python3 -u\nprint(1)", "python"],
    ["#!/usr/bin/python3.11\r\nprint(1)", "python"],
    ["#! /usr/bin/env -S deno run -A\n", "deno"],
    ["#!/usr/bin/env -Snode --no-warnings\n", "javascript"],
    ["#!/usr/bin/env -i PATH=/bin bash\n", "bash"],
    ["#!/usr/bin/env -u HOME ruby\n", "ruby"],
    ["#!/bin/sh\necho", "bash"],
    ["#!/bin/busybox sh\necho", "bash"],
    ["#!/usr/bin/gawk -f\n", "awk"],
    ["#!/usr/bin/lua5.1\n", "lua"],
    ["#!/usr/bin/php8.2\n<?php", "php"],
    ["#!/usr/bin/env Rscript\n", "r"],
    ["#!/usr/bin/env swipl\n", "prolog"],
    ["#!/usr/bin/env runhaskell\n", "haskell"],
    ["\uFEFF#!/usr/bin/env perl\n", "perl"]
  ])("%j", (code, id) => expect(detect(code)?.id).toBe(id))

  it.each([
    "#!/usr/bin/env unheardof\n<?php",
    "#!\nprint",
    "#!/usr/bin/env\n",
    " #!/bin/sh\n",
    `#!${" ".repeat(1_000_000)}`
  ])("%.30j is not guessed", (code) => expect(detect(code)).toBeUndefined())
})

describe("the first words", () => {
  it.each([
    ["<?php echo 1;", "php"],
    ["\n<?php\necho 1;", "php"],
    ["// a\n/* b */\npackage main\n\nfunc main() {}", "go"],
    ["#include <iostream>\nint main() {}", "cpp"],
    ["#import <Foundation/Foundation.h>\n", "objc"],
    ["class A { public static void main(String[] a) {} }", "java"],
    ["using System;\nclass A {}", "csharp"],
    ["       IDENTIFICATION DIVISION.\n", "cobol"],
    ["#lang racket\n1", "racket"],
    ["-module(a).\n", "erlang"],
    ['fn main() {\n    println!("a");\n}', "rust"]
  ])("%j", (code, id) => expect(detect(code)?.id).toBe(id))

  it.each([
    "",
    "print(1)",
    "echo hi",
    "package mainly\n",
    "x = '<?php'",
    "/*",
    "#include <stdio.h>\nint main(void) {}"
  ])("%j could be many things", (code) => expect(detect(code)).toBeUndefined())
})

describe("a file name", () => {
  it.each([
    ["a.py", "python"],
    ["dir.d/a.RS", "rust"],
    ["x.test.ts", "typescript"],
    ["a.R", "r"],
    ["x.deno.ts", "deno"]
  ])("%s", (name, id) => expect(detect("1", name)?.id).toBe(id))

  it("gives way to the first line, and not to the first words", () => {
    expect(detect("#!/bin/sh\n", "a.py")?.id).toBe("bash")
    expect(detect("<?php", "a.py")?.id).toBe("python")
    expect(detect("x", "README")).toBeUndefined()
  })
})

it("takes no time on text that is meant to take long", () => {
  const mean = ["/**/", "\n", " ", "/*", "fn main()\n", "static ", "public static void main(", "#include <", "-module("]
  const from = performance.now()
  for (const text of mean) detect(text.repeat(Math.ceil(4_000_000 / text.length)))
  expect(performance.now() - from).toBeLessThan(1_000)
})
