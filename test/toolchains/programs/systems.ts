/** Programs in C and its neighbours. */
import type { Programs } from "./Programs.js"

const c: Programs = {
  fibonacci:
    '#include <stdio.h>\nint main(void) {\n  int a = 0, b = 1;\n  for (int i = 0; i < 11; i++) {\n    printf("%d\\n", a);\n    int c = a + b;\n    a = b;\n    b = c;\n  }\n  return 0;\n}\n',
  stdin:
    '#include <stdio.h>\nint main(void) {\n  char line[80];\n  return scanf("%79s", line) == 1 ? printf("got %s\\n", line) < 0 : 1;\n}\n',
  env: '#include <stdio.h>\n#include <stdlib.h>\nint main(void) { return puts(getenv("GREETING")) < 0; }\n',
  file: '#include <stdio.h>\nint main(void) {\n  FILE *f = fopen("/tmp/input/data.txt", "r");\n  for (int c; (c = getc(f)) != EOF;) putchar(c);\n  return 0;\n}\n',
  crash: "#include <stdlib.h>\nint main(void) { abort(); }\n",
  loop: "int main(void) { for (volatile int i = 0;; i++) {} }\n",
  broken: "int main(void) { return no_such_thing; }\n"
}

const cpp: Programs = {
  fibonacci:
    '#include <iostream>\n#include <utility>\nint main() {\n  for (auto [a, b, i] = std::tuple{0, 1, 0}; i < 11; i++, a = std::exchange(b, a + b)) std::cout << a << "\\n";\n}\n'.replace(
      "#include <utility>",
      "#include <tuple>\n#include <utility>"
    ),
  stdin:
    '#include <iostream>\n#include <string>\nint main() {\n  std::string line;\n  std::getline(std::cin, line);\n  std::cout << "got " << line << "\\n";\n}\n',
  env: '#include <cstdlib>\n#include <iostream>\nint main() { std::cout << std::getenv("GREETING") << "\\n"; }\n',
  file: '#include <fstream>\n#include <iostream>\nint main() { std::cout << std::ifstream("/tmp/input/data.txt").rdbuf(); }\n',
  crash: '#include <stdexcept>\nint main() { throw std::runtime_error("no"); }\n',
  loop: c.loop.replace("(void)", "()"),
  broken: "int main() { return no_such_thing; }\n"
}

const foundation = (body: string) =>
  `#import <Foundation/Foundation.h>\nint main(void) {\n  @autoreleasepool {\n${body}\n  }\n  return 0;\n}\n`

const objc: Programs = {
  fibonacci: foundation(
    '    int a = 0, b = 1;\n    for (int i = 0; i < 11; i++) {\n      printf("%s\\n", [[NSString stringWithFormat: @"%d", a] UTF8String]);\n      int c = a + b;\n      a = b;\n      b = c;\n    }'
  ),
  stdin: foundation(
    '    NSData *in = [[NSFileHandle fileHandleWithStandardInput] readDataToEndOfFile];\n    printf("got %.*s", (int)[in length], (const char *)[in bytes]);'
  ),
  env: foundation('    puts([[[[NSProcessInfo processInfo] environment] objectForKey: @"GREETING"] UTF8String]);'),
  file: foundation(
    '    puts([[NSString stringWithContentsOfFile: @"/tmp/input/data.txt" encoding: NSUTF8StringEncoding error: NULL] UTF8String]);'
  ),
  crash: foundation('    [NSException raise: @"No" format: @"no"];'),
  loop: c.loop,
  broken: foundation("    return no_such_thing;")
}

const rust: Programs = {
  fibonacci:
    'fn main() {\n    let (mut a, mut b) = (0, 1);\n    for _ in 0..11 {\n        println!("{}", a);\n        (a, b) = (b, a + b);\n    }\n}\n',
  stdin:
    'use std::io;\nfn main() {\n    let mut line = String::new();\n    io::stdin().read_line(&mut line).unwrap();\n    print!("got {}", line);\n}\n',
  env: 'fn main() {\n    println!("{}", std::env::var("GREETING").unwrap());\n}\n',
  file: 'fn main() {\n    print!("{}", std::fs::read_to_string("/tmp/input/data.txt").unwrap());\n}\n',
  crash: 'fn main() {\n    panic!("no");\n}\n',
  loop: "fn main() {\n    loop {\n        std::hint::spin_loop();\n    }\n}\n",
  broken: 'fn main() {\n    let x: i32 = "no";\n}\n'
}

const go = (imports: string, body: string) => `package main\n\nimport (\n${imports})\n\nfunc main() {\n${body}}\n`

const golang: Programs = {
  fibonacci: go(
    '\t"fmt"\n',
    "\ta, b := 0, 1\n\tfor i := 0; i < 11; i++ {\n\t\tfmt.Println(a)\n\t\ta, b = b, a+b\n\t}\n"
  ),
  stdin: go('\t"fmt"\n', '\tvar line string\n\tfmt.Scanln(&line)\n\tfmt.Println("got", line)\n'),
  env: go('\t"fmt"\n\t"os"\n', '\tfmt.Println(os.Getenv("GREETING"))\n'),
  file: go('\t"os"\n', '\ttext, _ := os.ReadFile("/tmp/input/data.txt")\n\tos.Stdout.Write(text)\n'),
  crash: 'package main\n\nfunc main() {\n\tpanic("no")\n}\n',
  loop: "package main\n\nfunc main() {\n\tfor {\n\t}\n}\n",
  broken: "package main\n\nfunc main() {\n\tx := 1\n}\n"
}

export const systems: Readonly<Record<string, Programs>> = { c, cpp, objc, rust, go: golang }
