/** Programs in the functional and logic languages. */
import type { Programs } from "./Programs.js"

const haskell: Programs = {
  fibonacci:
    "fibs :: [Integer]\nfibs = 0 : 1 : zipWith (+) fibs (tail fibs)\n\nmain :: IO ()\nmain = mapM_ print (take 11 fibs)\n",
  stdin: 'main :: IO ()\nmain = getLine >>= putStrLn . ("got " ++)\n',
  env: 'import System.Environment\nmain :: IO ()\nmain = getEnv "GREETING" >>= putStrLn\n',
  file: 'main :: IO ()\nmain = readFile "/tmp/input/data.txt" >>= putStr\n',
  crash: 'main :: IO ()\nmain = error "no"\n',
  loop: "main :: IO ()\nmain = forever' 0 where forever' n = if n < (0 :: Int) then pure () else forever' ((n + 1) `mod` 7)\n",
  broken: 'main :: IO ()\nmain = putStrLn 1 ++ "no"\n'
}

const ocaml: Programs = {
  fibonacci: 'let rec go a b n = if n > 0 then (Printf.printf "%d\\n" a; go b (a + b) (n - 1))\nlet () = go 0 1 11\n',
  stdin: 'let () = print_endline ("got " ^ read_line ())\n',
  env: 'let () = print_endline (Unix.getenv "GREETING")\n',
  file: 'let () = print_endline (input_line (open_in "/tmp/input/data.txt"))\n',
  crash: 'let () = failwith "no"\n',
  loop: "let () = while true do () done\n",
  broken: 'let () = 1 + "no"\n'
}

const sml: Programs = {
  fibonacci:
    'fun go (_, _, 0) = ()\n  | go (a, b, n) = (print (Int.toString a ^ "\\n"); go (b, a + b, n - 1));\nval () = go (0, 1, 11);\n',
  stdin: 'val () = print ("got " ^ valOf (TextIO.inputLine TextIO.stdIn));\n',
  env: 'val () = print (valOf (OS.Process.getEnv "GREETING"));\n',
  file: 'val () = print (TextIO.inputAll (TextIO.openIn "/tmp/input/data.txt"));\n',
  crash: 'val () = raise Fail "no";\n',
  loop: "fun forever () = forever ();\nval () = forever ();\n"
}

const erlang: Programs = {
  fibonacci:
    'main(_) -> fib(0, 1, 11).\nfib(_, _, 0) -> ok;\nfib(A, B, N) -> io:format("~p~n", [A]), fib(B, A + B, N - 1).\n',
  stdin: 'main(_) -> io:format("got ~s", [io:get_line("")]).\n',
  env: '-module(main).\n-export([main/1]).\nmain(_) -> io:format("~s~n", [os:getenv("GREETING")]).\n',
  file: '#!/usr/bin/env escript\nmain(_) -> {ok, Text} = file:read_file("/tmp/input/data.txt"), io:put_chars(Text).\n',
  crash: "main(_) -> error(no).\n",
  loop: "main(A) -> main(A).\n"
}

const elixir: Programs = {
  fibonacci:
    "{0, 1}\n|> Stream.iterate(fn {a, b} -> {b, a + b} end)\n|> Enum.take(11)\n|> Enum.each(fn {a, _} -> IO.puts(a) end)\n",
  stdin: 'IO.write("got " <> IO.gets(""))\n',
  env: 'IO.puts(System.get_env("GREETING"))\n',
  file: 'IO.write(File.read!("/tmp/input/data.txt"))\n',
  crash: 'raise "no"\n',
  loop: "defmodule L do\n  def go, do: go()\nend\n\nL.go()\n"
}

const prolog: Programs = {
  fibonacci:
    ":- initialization(main).\nfib(_, _, 0) :- !.\nfib(A, B, N) :- writeln(A), C is A + B, M is N - 1, fib(B, C, M).\nmain :- fib(0, 1, 11).\n",
  stdin: "main :- read_term(user_input, _, []) -> true ; true.\n",
  env: "main :- getenv('GREETING', Value), writeln(Value).\n",
  file: ":- read_file_to_string('/tmp/input/data.txt', Text, []), write(Text).\n",
  crash: "main :- atom_length(_, _).\n",
  loop: "main :- repeat, fail.\n"
}

const forth: Programs = {
  fibonacci: ": fibs 0 1 11 0 do over . cr tuck + loop 2drop ;\nfibs\n",
  stdin: 'create line 80 allot\nline 80 stdin read-line throw drop ." got " line swap type cr\n',
  env: 's" GREETING" getenv type cr\n',
  file: 's" /tmp/input/data.txt" slurp-file type\n',
  crash: "-1 throw\n",
  loop: ": forever begin again ;\nforever\n"
}

const ats: Programs = {
  fibonacci:
    '#include "share/atspre_staload.hats"\nfun go (a: int, b: int, n: int): void = if n > 0 then (println! (a); go (b, a + b, n - 1))\nimplement main0 () = go (0, 1, 11)\n',
  stdin:
    '%{^\n#include <stdio.h>\nstatic void echo(void) { char b[80]; if (fgets(b, 80, stdin)) printf("got %s", b); }\n%}\nextern fun echo (): void = "mac#echo"\nimplement main0 () = echo ()\n',
  env: '%{^\n#include <stdlib.h>\n#include <stdio.h>\nstatic void show(void) { puts(getenv("GREETING")); }\n%}\nextern fun show (): void = "mac#show"\nimplement main0 () = show ()\n',
  file: '%{^\n#include <stdio.h>\nstatic void show(void) { char b[80]; FILE *f = fopen("/tmp/input/data.txt", "r"); if (f && fgets(b, 80, f)) fputs(b, stdout); }\n%}\nextern fun show (): void = "mac#show"\nimplement main0 () = show ()\n',
  crash: '%{^\n#include <stdlib.h>\n%}\nextern fun quit (int): void = "mac#exit"\nimplement main0 () = quit (3)\n',
  loop: "fun go (): void = go ()\nimplement main0 () = go ()\n",
  broken: "implement main0 () = println! (no_such_thing)\n"
}

export const functional: Readonly<Record<string, Programs>> = {
  haskell,
  ocaml,
  sml,
  erlang,
  elixir,
  prolog: { ...prolog, stdin: 'main :- read_line_to_string(user_input, Line), format("got ~s~n", [Line]).\n' },
  forth,
  ats
}
