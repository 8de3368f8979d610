/** Programs in the other languages that compile to native binaries. */
import { assembly } from "./assembly.js"
import type { Programs } from "./Programs.js"

const fortran: Programs = {
  fibonacci:
    "program fib\n  integer :: a = 0, b = 1, c, i\n  do i = 1, 11\n    print *, a\n    c = a + b\n    a = b\n    b = c\n  end do\nend program\n",
  stdin:
    'program echo\n  character(80) :: line\n  read (*, "(a)") line\n  print "(a)", "got " // trim(line)\nend program\n',
  env: 'program env\n  character(80) :: value\n  call get_environment_variable("GREETING", value)\n  print "(a)", trim(value)\nend program\n',
  file: 'program show\n  character(80) :: line\n  open (10, file="/tmp/input/data.txt", status="old")\n  read (10, "(a)") line\n  print "(a)", trim(line)\nend program\n',
  crash: "program fail\n  error stop 3\nend program\n",
  loop: "program spin\n  integer, volatile :: i = 0\n  do\n    i = mod(i + 1, 7)\n  end do\nend program\n",
  broken: "program broken\n  implicit none\n  x = 1\nend program\n"
}

const cobol = (data: string, body: string, environment = "") =>
  `identification division.\nprogram-id. try-it.\n${environment}data division.\n${data}procedure division.\n${body}    stop run.\n`

const cobolFile =
  'environment division.\ninput-output section.\nfile-control.\n    select f assign to "/tmp/input/data.txt" organization is line sequential.\n'

const cobolPrograms: Programs = {
  fibonacci: cobol(
    "working-storage section.\n01 a pic 9(4) comp value 0.\n01 b pic 9(4) comp value 1.\n01 c pic 9(4) comp.\n01 o pic z(3)9.\n",
    "    perform 11 times\n        move a to o\n        display o\n        compute c = a + b\n        move b to a\n        move c to b\n    end-perform.\n"
  ),
  stdin: cobol("working-storage section.\n01 l pic x(20).\n", '    accept l.\n    display "got " l.\n'),
  env: cobol(
    "working-storage section.\n01 v pic x(20).\n",
    '    accept v from environment "GREETING".\n    display v.\n'
  ),
  file: cobol(
    "file section.\nfd f.\n01 l pic x(40).\n",
    "    open input f.\n    read f.\n    display l.\n    close f.\n",
    cobolFile
  ),
  crash: cobol("", "    stop run 3.\n"),
  // Fixed form, as most COBOL is written.
  loop: "       IDENTIFICATION DIVISION.\n       PROGRAM-ID. SPIN.\n       PROCEDURE DIVISION.\n       A.\n           GO TO A.\n",
  broken: cobol("", "    move 1 to no-such-thing.\n")
}

const pascal: Programs = {
  fibonacci:
    "program fib;\nvar a, b, c, i: integer;\nbegin\n  a := 0; b := 1;\n  for i := 1 to 11 do\n  begin\n    writeln(a);\n    c := a + b; a := b; b := c;\n  end;\nend.\n",
  stdin: "program echo;\nvar line: string;\nbegin\n  readln(line);\n  writeln('got ', line);\nend.\n",
  env: "program env;\nuses dos;\nbegin\n  writeln(getenv('GREETING'));\nend.\n",
  file: "program show;\nvar f: text; line: string;\nbegin\n  assign(f, '/tmp/input/data.txt');\n  reset(f);\n  readln(f, line);\n  writeln(line);\nend.\n",
  crash: "program fail;\nvar a: integer;\nbegin\n  a := 0;\n  writeln(1 div a);\nend.\n",
  loop: "program spin;\nbegin\n  while true do ;\nend.\n",
  broken: "program broken;\nbegin\n  x := 1;\nend.\n"
}

const ada = (declarations: string, body: string, withs = "") =>
  `with Ada.Text_IO; use Ada.Text_IO;\n${withs}procedure Try_It is\n${declarations}begin\n${body}end Try_It;\n`

const adaPrograms: Programs = {
  fibonacci: ada(
    "   A : Integer := 0;\n   B : Integer := 1;\n   C : Integer;\n",
    "   for I in 1 .. 11 loop\n      Put_Line (Integer'Image (A));\n      C := A + B;\n      A := B;\n      B := C;\n   end loop;\n"
  ),
  stdin: ada("", '   Put_Line ("got " & Get_Line);\n'),
  env: ada("", '   Put_Line (Ada.Environment_Variables.Value ("GREETING"));\n', "with Ada.Environment_Variables;\n"),
  file: ada("   F : File_Type;\n", '   Open (F, In_File, "/tmp/input/data.txt");\n   Put_Line (Get_Line (F));\n'),
  crash: ada("", "   raise Program_Error;\n"),
  loop: ada("", "   loop\n      null;\n   end loop;\n"),
  broken: ada("", "   X := 1;\n")
}

const modula2 = (imports: string, variables: string, body: string) =>
  `MODULE main;\n${imports}${variables}BEGIN\n${body}END main.\n`

const modula2Libc = "FROM libc IMPORT printf, exit, getenv, system;\nFROM SYSTEM IMPORT ADR;\n"
const modula2Io = "FROM StrIO IMPORT WriteString, WriteLn, ReadString;\n"

const modula2Programs: Programs = {
  fibonacci: modula2(
    "FROM NumberIO IMPORT WriteCard;\nFROM StrIO IMPORT WriteLn;\n",
    "VAR a, b, c, i: CARDINAL;\n",
    "  a := 0; b := 1;\n  FOR i := 1 TO 11 DO\n    WriteCard(a, 0); WriteLn;\n    c := a + b; a := b; b := c\n  END\n"
  ),
  stdin: modula2(
    modula2Io,
    "VAR line: ARRAY [0..79] OF CHAR;\n",
    '  ReadString(line);\n  WriteString("got "); WriteString(line); WriteLn\n'
  ),
  env: modula2(modula2Libc, "VAR i: INTEGER;\n", '  i := printf("%s\\n", getenv(ADR("GREETING")))\n'),
  file: modula2(modula2Libc, "VAR i: INTEGER;\n", '  i := system(ADR("cat /tmp/input/data.txt"))\n'),
  crash: modula2("", "", "  HALT(3)\n"),
  loop: modula2("", "", "  LOOP END\n"),
  broken: modula2("", "", "  x := 1\n")
}

const d: Programs = {
  fibonacci:
    "import std.stdio;\nvoid main() {\n    int a = 0, b = 1;\n    foreach (i; 0 .. 11) {\n        writeln(a);\n        auto c = a + b;\n        a = b;\n        b = c;\n    }\n}\n",
  stdin: 'import std.stdio;\nvoid main() {\n    write("got ", readln());\n}\n',
  env: 'import std.stdio, std.process;\nvoid main() {\n    writeln(environment["GREETING"]);\n}\n',
  file: 'import std.stdio, std.file;\nvoid main() {\n    write(readText("/tmp/input/data.txt"));\n}\n',
  crash: 'void main() {\n    throw new Exception("no");\n}\n',
  loop: "void main() {\n    while (true) {}\n}\n",
  broken: "void main() {\n    int x = noSuchThing;\n}\n"
}

const nim: Programs = {
  fibonacci: "var (a, b) = (0, 1)\nfor _ in 1 .. 11:\n  echo a\n  (a, b) = (b, a + b)\n",
  stdin: 'echo "got ", stdin.readLine()\n',
  env: 'import std/os\necho getEnv("GREETING")\n',
  file: 'stdout.write readFile("/tmp/input/data.txt")\n',
  crash: 'raise newException(ValueError, "no")\n',
  loop: "while true:\n  discard\n",
  broken: "echo noSuchThing\n"
}

const crystal: Programs = {
  fibonacci: "a, b = 0, 1\n11.times do\n  puts a\n  a, b = b, a + b\nend\n",
  stdin: 'puts "got #{gets}"\n',
  env: 'puts ENV["GREETING"]\n',
  file: 'puts File.read("/tmp/input/data.txt")\n',
  crash: 'raise "no"\n',
  loop: "loop { }\n",
  broken: "puts no_such_thing\n"
}

const vala: Programs = {
  fibonacci:
    'void main() {\n    int a = 0, b = 1;\n    for (int i = 0; i < 11; i++) {\n        print("%d\\n", a);\n        int c = a + b;\n        a = b;\n        b = c;\n    }\n}\n',
  stdin: 'void main() {\n    print("got %s\\n", stdin.read_line());\n}\n',
  env: 'void main() {\n    print("%s\\n", Environment.get_variable("GREETING"));\n}\n',
  file: 'void main() {\n    print("%s", FileStream.open("/tmp/input/data.txt", "r").read_line());\n}\n',
  crash: 'void main() {\n    error("no");\n}\n',
  loop: "void main() {\n    while (true) Thread.yield();\n}\n",
  broken: "void main() {\n    no_such_thing();\n}\n"
}

export const native: Readonly<Record<string, Programs>> = {
  fortran,
  cobol: cobolPrograms,
  pascal,
  ada: adaPrograms,
  modula2: modula2Programs,
  d,
  nim,
  crystal,
  vala,
  assembly
}
