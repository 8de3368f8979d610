/** Programs in the command shells. */
import type { Programs } from "./Programs.js"

// Assignments on one line are made from left to right in every one of these shells.
const posix: Programs = {
  fibonacci: "a=0 b=1 i=0\nwhile [ $i -lt 11 ]; do\n  echo $a\n  c=$((a + b)) a=$b b=$c i=$((i + 1))\ndone\n",
  stdin: 'read line\necho "got $line"\n',
  env: 'echo "$GREETING"\n',
  file: "cat /tmp/input/data.txt\n",
  crash: "exit 3\n",
  loop: "while :; do :; done\n"
}

const fish: Programs = {
  ...posix,
  fibonacci: "set a 0\nset b 1\nfor i in (seq 11)\n  echo $a\n  set c (math $a + $b)\n  set a $b\n  set b $c\nend\n",
  stdin: 'read line\necho "got $line"\n',
  loop: "while true\nend\n"
}

const tcsh: Programs = {
  ...posix,
  fibonacci:
    "set a = 0\nset b = 1\nset i = 0\nwhile ($i < 11)\n  echo $a\n  @ c = $a + $b\n  set a = $b\n  set b = $c\n  @ i++\nend\n",
  stdin: 'set line = $<\necho "got $line"\n',
  loop: "while (1)\nend\n"
}

const elvish: Programs = {
  fibonacci: "var a b = 0 1\nfor _ [(range 11)] {\n  echo $a\n  set a b = $b (+ $a $b)\n}\n",
  stdin: 'echo "got "(read-line)\n',
  env: "echo $E:GREETING\n",
  file: "print (slurp < /tmp/input/data.txt)\n",
  crash: "fail no\n",
  loop: "while $true { }\n"
}

const xonsh: Programs = {
  fibonacci: "a, b = 0, 1\nfor _ in range(11):\n    print(a)\n    a, b = b, a + b\n",
  stdin: 'print("got", input())\n',
  env: "echo $GREETING\n",
  file: "cat /tmp/input/data.txt\n",
  crash: 'raise RuntimeError("no")\n',
  loop: "while True:\n    pass\n"
}

export const shells: Readonly<Record<string, Programs>> = {
  bash: posix,
  dash: posix,
  zsh: posix,
  ksh: posix,
  yash: posix,
  fish,
  tcsh,
  elvish,
  xonsh
}
