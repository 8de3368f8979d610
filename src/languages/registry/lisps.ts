/** The Lisp family. */
import { apt, type Language, script } from "../Language.js"

export const lisps: ReadonlyArray<Language> = [
  script({
    id: "commonlisp",
    name: "Common Lisp",
    aliases: ["lisp", "cl", "sbcl", "common-lisp"],
    extensions: ["lisp", "lsp", "cl"],
    needs: { bin: ["sbcl"] },
    run: ["{bin}", "--script", "{source}"],
    hello: '(format t "Hello from Common Lisp~%")\n',
    provider: apt("sbcl"),
    heavy: { memoryMiB: 128, pids: 8 }
  }),
  script({
    id: "scheme",
    name: "Scheme",
    aliases: ["guile", "scm"],
    extensions: ["scm", "ss"],
    shebangs: ["guile", "guile-3.0", "scheme"],
    needs: { bin: ["guile", "guile-3.0", "guile-2.2"] },
    run: ["{bin}", "--no-auto-compile", "-s", "{source}"],
    hello: '(display "Hello from Scheme")\n(newline)\n',
    provider: apt("guile-3.0|guile-2.2")
  }),
  script({
    id: "racket",
    name: "Racket",
    aliases: ["rkt"],
    extensions: ["rkt"],
    needs: { bin: ["racket"] },
    // A file is a module; one that does not name its language gets the full one, on the same line.
    prepare: (code) => (/^[ \t]*(?:#lang|#reader|#!|\(module\b)/m.test(code) ? code : `#lang racket ${code}`),
    hello: '#lang racket/base\n(displayln "Hello from Racket")\n',
    provider: apt("racket"),
    // Without its configuration it looks for compiled collections elsewhere: 1.9 s instead of 0.1.
    trees: ["/etc/racket"],
    heavy: { memoryMiB: 256, pids: 8 }
  }),
  script({
    id: "clojure",
    name: "Clojure",
    aliases: ["clj"],
    extensions: ["clj", "cljc"],
    shebangs: ["clojure", "clj"],
    needs: { java: ["java"], jar: ["/usr/share/java/clojure.jar"] },
    run: [
      "{java}",
      "-XX:+UseSerialGC",
      "-XX:TieredStopAtLevel=1",
      "-Xshare:auto",
      "-cp",
      "/usr/share/java/clojure.jar:/usr/share/java/core.specs.alpha.jar:/usr/share/java/spec.alpha.jar:.",
      "clojure.main",
      "{source}"
    ],
    version: [
      "{java}",
      "-cp",
      "/usr/share/java/clojure.jar:/usr/share/java/core.specs.alpha.jar:/usr/share/java/spec.alpha.jar",
      "clojure.main",
      "-e",
      "(clojure-version)"
    ],
    hello: '(println "Hello from Clojure")\n',
    provider: apt("clojure", "default-jre-headless"),
    trees: ["/etc/java-17-openjdk"],
    heavy: { memoryMiB: 256, pids: 64 }
  }),
  script({
    id: "emacslisp",
    name: "Emacs Lisp",
    aliases: ["elisp", "emacs", "emacs-lisp"],
    extensions: ["el"],
    needs: { bin: ["emacs"] },
    run: ["{bin}", "--quick", "--script", "{source}"],
    hello: '(princ "Hello from Emacs Lisp\\n")\n',
    provider: apt("emacs-nox")
  }),
  script({
    id: "newlisp",
    name: "newLISP",
    extensions: ["nl"],
    needs: { bin: ["newlisp"] },
    run: ["{bin}", "-n", "{source}", "-e", "(exit)"],
    version: ["{bin}", "-v"],
    hello: '(println "Hello from newLISP")\n',
    provider: apt("newlisp")
  }),
  script({
    id: "picolisp",
    name: "PicoLisp",
    aliases: ["pil"],
    extensions: ["l"],
    shebangs: ["picolisp", "pil"],
    needs: { bin: ["picolisp"] },
    run: ["{bin}", "{source}", "-bye"],
    version: ["{bin}", "-version", "-bye"],
    hello: '(prinl "Hello from PicoLisp")\n',
    provider: apt("picolisp")
  })
]
