/** Programs in the scripting languages. */
import type { Programs } from "./Programs.js"

const python: Programs = {
  fibonacci: "a, b = 0, 1\nfor _ in range(11):\n    print(a)\n    a, b = b, a + b\n",
  stdin: 'print("got", input())\n',
  env: 'import os\nprint(os.environ["GREETING"])\n',
  file: 'print(open("/tmp/input/data.txt").read())\n',
  crash: 'raise RuntimeError("no")\n',
  loop: "while True:\n    pass\n"
}

const javascript: Programs = {
  fibonacci: "let [a, b] = [0, 1]\nfor (let i = 0; i < 11; i++) {\n  console.log(a)\n  ;[a, b] = [b, a + b]\n}\n",
  stdin: 'console.log("got", require("fs").readFileSync(0, "utf8").trim())\n',
  env: "console.log(process.env.GREETING)\n",
  file: 'import { readFileSync } from "node:fs"\nconsole.log(readFileSync("/tmp/input/data.txt", "utf8"))\n',
  crash: 'throw new Error("no")\n',
  loop: "for (;;) {}\n"
}

const typescript: Programs = {
  ...javascript,
  fibonacci:
    "const fib = (n: number): number => (n < 2 ? n : fib(n - 1) + fib(n - 2))\nfor (let i = 0; i < 11; i++) console.log(fib(i))\n",
  crash: 'const fail = (why: string): never => {\n  throw new Error(why)\n}\nfail("no")\n',
  broken: "const x: number = = 1\n"
}

const deno: Programs = {
  fibonacci: typescript.fibonacci,
  stdin: 'console.log("got", await new Response(Deno.stdin.readable).text())\n',
  env: 'console.log(Deno.env.get("GREETING"))\n',
  file: 'console.log(await Deno.readTextFile("/tmp/input/data.txt"))\n',
  crash: javascript.crash,
  loop: javascript.loop
}

const coffeescript: Programs = {
  fibonacci: "[a, b] = [0, 1]\nfor i in [0...11]\n  console.log a\n  [a, b] = [b, a + b]\n",
  stdin: 'console.log "got", require("fs").readFileSync(0, "utf8").trim()\n',
  env: "console.log process.env.GREETING\n",
  file: 'console.log require("fs").readFileSync("/tmp/input/data.txt", "utf8")\n',
  crash: 'throw new Error "no"\n',
  loop: "loop 1\n"
}

const livescript: Programs = {
  ...coffeescript,
  fibonacci: "[a, b] = [0, 1]\nfor i from 0 til 11\n  console.log a\n  [a, b] = [b, a + b]\n",
  loop: "while true\n  1\n"
}

const ruby: Programs = {
  fibonacci: "a, b = 0, 1\n11.times do\n  puts a\n  a, b = b, a + b\nend\n",
  stdin: 'puts "got #{gets}"\n',
  env: 'puts ENV["GREETING"]\n',
  file: 'puts File.read("/tmp/input/data.txt")\n',
  crash: 'raise "no"\n',
  loop: "loop {}\n"
}

const php: Programs = {
  fibonacci: '$a = 0; $b = 1;\nfor ($i = 0; $i < 11; $i++) {\n  echo "$a\\n";\n  [$a, $b] = [$b, $a + $b];\n}\n',
  stdin: '<?php\necho "got " . fgets(STDIN);\n',
  env: '<?php echo getenv("GREETING");',
  file: 'echo file_get_contents("/tmp/input/data.txt");',
  crash: 'throw new Exception("no");',
  loop: "while (true) {}"
}

const perl: Programs = {
  fibonacci: 'my ($a, $b) = (0, 1);\nfor (1 .. 11) {\n  print "$a\\n";\n  ($a, $b) = ($b, $a + $b);\n}\n',
  stdin: 'print "got " . <STDIN>;\n',
  env: "print $ENV{GREETING};\n",
  file: 'open my $f, "<", "/tmp/input/data.txt" or die; print <$f>;\n',
  crash: 'die "no";\n',
  loop: "1 while 1;\n"
}

export const scripting: Readonly<Record<string, Programs>> = {
  python,
  pypy: python,
  javascript,
  typescript,
  deno,
  coffeescript,
  livescript,
  ruby,
  php,
  perl
}
