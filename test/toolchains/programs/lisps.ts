/** Programs in the Lisp family. */
import type { Programs } from "./Programs.js"

const commonlisp: Programs = {
  fibonacci: '(let ((a 0) (b 1))\n  (dotimes (i 11)\n    (format t "~a~%" a)\n    (psetf a b b (+ a b))))\n',
  stdin: '(format t "got ~a~%" (read-line))\n',
  env: '(write-line (sb-ext:posix-getenv "GREETING"))\n',
  file: '(with-open-file (in "/tmp/input/data.txt") (write-line (read-line in)))\n',
  crash: '(error "no")\n',
  loop: "(loop)\n"
}

const scheme: Programs = {
  fibonacci:
    "(let loop ((a 0) (b 1) (n 11))\n  (if (> n 0)\n      (begin (display a) (newline) (loop b (+ a b) (- n 1)))))\n",
  stdin: '(use-modules (ice-9 rdelim))\n(display "got ")\n(display (read-line))\n',
  env: '(display (getenv "GREETING"))\n',
  file: '(use-modules (ice-9 textual-ports))\n(display (call-with-input-file "/tmp/input/data.txt" get-string-all))\n',
  crash: '(error "no")\n',
  loop: "(let loop () (loop))\n"
}

const racket: Programs = {
  fibonacci: "(let loop ([a 0] [b 1] [n 11])\n  (when (> n 0)\n    (displayln a)\n    (loop b (+ a b) (- n 1))))\n",
  stdin: '#lang racket/base\n(printf "got ~a\\n" (read-line))\n',
  env: '#lang racket/base\n(displayln (getenv "GREETING"))\n',
  file: '#lang racket\n(display (file->string "/tmp/input/data.txt"))\n',
  crash: '#lang racket/base\n(error "no")\n',
  loop: "#lang racket/base\n(let loop () (loop))\n"
}

const clojure: Programs = {
  fibonacci: "(doseq [n (take 11 (map first (iterate (fn [[a b]] [b (+ a b)]) [0 1])))]\n  (println n))\n",
  stdin: '(println "got" (read-line))\n',
  env: '(println (System/getenv "GREETING"))\n',
  file: '(print (slurp "/tmp/input/data.txt"))\n(flush)\n',
  crash: '(throw (Exception. "no"))\n',
  loop: "(loop [] (recur))\n"
}

const emacslisp: Programs = {
  fibonacci:
    '(let ((a 0) (b 1) c)\n  (dotimes (_ 11)\n    (princ (format "%d\\n" a))\n    (setq c (+ a b) a b b c)))\n',
  stdin: '(princ (concat "got " (read-string "") "\\n"))\n',
  env: '(princ (getenv "GREETING"))\n',
  file: '(with-temp-buffer\n  (insert-file-contents "/tmp/input/data.txt")\n  (princ (buffer-string)))\n',
  crash: '(error "no")\n',
  loop: "(while t)\n"
}

const newlisp: Programs = {
  fibonacci: "(set 'a 0 'b 1)\n(dotimes (i 11)\n  (println a)\n  (set 'c (+ a b) 'a b 'b c))\n",
  stdin: '(println "got " (read-line))\n',
  env: '(println (env "GREETING"))\n',
  file: '(print (read-file "/tmp/input/data.txt"))\n',
  crash: "(exit 3)\n",
  loop: "(while true)\n"
}

const picolisp: Programs = {
  fibonacci: "(let (A 0 B 1)\n  (do 11\n    (prinl A)\n    (let C (+ A B) (setq A B B C))))\n",
  stdin: '(prinl "got " (in NIL (line T)))\n',
  env: '(prinl (sys "GREETING"))\n',
  file: '(in "/tmp/input/data.txt" (prinl (line T)))\n',
  crash: "(bye 3)\n",
  loop: "(loop)\n"
}

export const lisps: Readonly<Record<string, Programs>> = {
  commonlisp,
  scheme,
  racket,
  clojure,
  emacslisp,
  newlisp,
  picolisp
}
