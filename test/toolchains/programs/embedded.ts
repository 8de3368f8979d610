/** Programs in the small embedded languages. */
import type { Inapplicable, Programs } from "./Programs.js"

const lua: Programs = {
  fibonacci: "local a, b = 0, 1\nfor _ = 1, 11 do\n  print(a)\n  a, b = b, a + b\nend\n",
  stdin: 'print("got " .. io.read())\n',
  env: 'print(os.getenv("GREETING"))\n',
  file: 'for line in io.lines("/tmp/input/data.txt") do print(line) end\n',
  crash: 'error("no")\n',
  loop: "while true do end\n"
}

const tcl: Programs = {
  fibonacci:
    "set a 0\nset b 1\nfor {set i 0} {$i < 11} {incr i} {\n  puts $a\n  set c [expr {$a + $b}]\n  set a $b\n  set b $c\n}\n",
  stdin: 'puts "got [gets stdin]"\n',
  env: "puts $env(GREETING)\n",
  file: "set f [open /tmp/input/data.txt]\nputs [read $f]\n",
  crash: "error no\n",
  loop: "while 1 {}\n"
}

const awk: Programs = {
  fibonacci: "BEGIN {\n  a = 0; b = 1\n  for (i = 0; i < 11; i++) { print a; c = a + b; a = b; b = c }\n}\n",
  stdin: '{ print "got " $0 }\n',
  env: 'BEGIN { print ENVIRON["GREETING"] }\n',
  file: 'BEGIN { while ((getline line < "/tmp/input/data.txt") > 0) print line }\n',
  crash: "BEGIN { exit 3 }\n",
  loop: "BEGIN { while (1) ; }\n"
}

const bc: Programs = {
  fibonacci: "a = 0\nb = 1\nfor (i = 0; i < 11; i++) {\n  a\n  c = a + b\n  a = b\n  b = c\n}\n",
  stdin: "",
  env: "",
  file: "",
  crash: "",
  loop: "while (1) {}\n"
}

const dc: Programs = {
  fibonacci: "0si 0 1 [sb sa la p lb la lb+ li1+dsi 11>f]dsf x\n",
  stdin: "",
  env: "",
  file: "",
  crash: "",
  loop: "[lfx]dsfx\n"
}

const m4: Programs = {
  fibonacci: "define(`fib', `ifelse($3, 0, `', `$1 fib($2, eval($1 + $2), decr($3))')')dnl\nfib(0, 1, 11)\n",
  stdin: 'syscmd(`read line; echo "got $line"\')\n',
  env: "syscmd(`echo $GREETING')\n",
  file: "include(`/tmp/input/data.txt')\n",
  crash: "m4exit(3)\n",
  loop: "define(`again', `again')again\n"
}

const pike: Programs = {
  fibonacci:
    'int main() {\n  int a = 0, b = 1;\n  for (int i = 0; i < 11; i++) {\n    write("%d\\n", a);\n    [a, b] = ({ b, a + b });\n  }\n  return 0;\n}\n',
  stdin: 'int main() { write("got %s\\n", Stdio.stdin->gets()); return 0; }\n',
  env: 'int main() { write("%s\\n", getenv("GREETING")); return 0; }\n',
  file: 'int main() { write(Stdio.read_file("/tmp/input/data.txt")); return 0; }\n',
  crash: 'int main() { error("no\\n"); }\n',
  loop: "int main() { while (1) ; }\n"
}

const slang: Programs = {
  fibonacci: 'variable a = 0, b = 1, i, c;\nfor (i = 0; i < 11; i++) { vmessage("%d", a); c = a + b; a = b; b = c; }\n',
  stdin: 'variable line;\n() = fgets(&line, stdin);\nmessage("got " + strtrim(line));\n',
  env: 'message(getenv("GREETING"));\n',
  file: 'variable f = fopen("/tmp/input/data.txt", "r"), line;\n() = fgets(&line, f);\nmessage(strtrim(line));\n',
  crash: 'throw RunTimeError, "no";\n',
  loop: "while (1) {}\n"
}

const rexx: Programs = {
  fibonacci: "a = 0\nb = 1\ndo 11\n  say a\n  c = a + b\n  a = b\n  b = c\nend\n",
  stdin: "parse pull line\nsay 'got' line\n",
  env: "say value('GREETING', , 'ENVIRONMENT')\n",
  file: "say linein('/tmp/input/data.txt')\n",
  crash: "say 1 / 0\n",
  loop: "do forever\nend\n"
}

const basic: Programs = {
  fibonacci: "a = 0\nb = 1\nfor i = 1 to 11\n  print a\n  c = a + b\n  a = b\n  b = c\nnext i\n",
  stdin: 'line input "" a$\nprint "got ", a$\n',
  env: 'print peek$("env", "GREETING")\n',
  file: 'open #1, "/tmp/input/data.txt", "r"\nline input #1 a$\nprint a$\n',
  crash: "exit 3\n",
  loop: "do\nloop\n"
}

export const embedded: Readonly<Record<string, Programs>> = {
  lua,
  luajit: lua,
  tcl,
  jimtcl: tcl,
  awk,
  bc,
  dc,
  m4,
  pike,
  slang,
  rexx,
  basic
}

const calculator = {
  stdin: "it reads only numbers or commands from its input",
  env: "it cannot read its environment",
  file: "it cannot open files",
  crash: "its errors do not change its exit status"
}

export const inapplicable: Readonly<Record<string, Inapplicable>> = { bc: calculator, dc: calculator }
