/** Programs in the languages of science, and three classics. */
import type { Programs } from "./Programs.js"

const r: Programs = {
  fibonacci: 'a <- 0; b <- 1\nfor (i in 1:11) {\n  cat(a, "\\n")\n  c <- a + b; a <- b; b <- c\n}\n',
  stdin: 'cat("got", readLines("stdin", n = 1), "\\n")\n',
  env: 'cat(Sys.getenv("GREETING"), "\\n")\n',
  file: 'cat(readLines("/tmp/input/data.txt"), "\\n")\n',
  crash: 'stop("no")\n',
  loop: "while (TRUE) {}\n"
}

const octave: Programs = {
  fibonacci: 'a = 0; b = 1;\nfor i = 1:11\n  printf("%d\\n", a);\n  c = a + b; a = b; b = c;\nend\n',
  stdin: 'printf("got %s\\n", strtrim(fgetl(stdin)));\n',
  env: 'disp(getenv("GREETING"))\n',
  file: 'disp(fileread("/tmp/input/data.txt"))\n',
  crash: 'error("no")\n',
  loop: "while true\nend\n"
}

const raku: Programs = {
  fibonacci: ".say for (0, 1, * + * ... *)[^11];\n",
  stdin: 'say "got " ~ get;\n',
  env: "say %*ENV<GREETING>;\n",
  file: 'print "/tmp/input/data.txt".IO.slurp;\n',
  crash: 'die "no";\n',
  loop: "loop {}\n"
}

const algol68: Programs = {
  fibonacci:
    "BEGIN\n  INT a := 0, b := 1;\n  TO 11 DO\n    print((whole(a, 0), new line));\n    INT c = a + b;\n    a := b;\n    b := c\n  OD\nEND\n",
  stdin: 'BEGIN\n  STRING line;\n  read((line, new line));\n  print(("got ", line, new line))\nEND\n',
  env: 'print((getenv("GREETING"), new line))\n',
  file: 'BEGIN\n  FILE f;\n  STRING line;\n  IF open(f, "/tmp/input/data.txt", stand in channel) /= 0 THEN stop FI;\n  get(f, (line, new line));\n  print((line, new line))\nEND\n',
  crash: "print(1 OVER 0)\n",
  loop: "DO SKIP OD\n"
}

const icon = (body: string) => `procedure main()\n${body}end\n`

const iconPrograms: Programs = {
  fibonacci: icon(
    "  a := 0\n  b := 1\n  every 1 to 11 do {\n    write(a)\n    c := a + b\n    a := b\n    b := c\n  }\n"
  ),
  stdin: icon('  write("got ", read())\n'),
  env: icon('  write(getenv("GREETING"))\n'),
  file: icon('  f := open("/tmp/input/data.txt")\n  write(read(f))\n'),
  crash: icon("  write(1 / 0)\n"),
  loop: icon("  repeat {}\n"),
  broken: icon("  write((\n")
}

export const science: Readonly<Record<string, Programs>> = { r, octave, raku, algol68, icon: iconPrograms }
