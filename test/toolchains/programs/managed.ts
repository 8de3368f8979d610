/** Programs in the languages of the JVM, .NET and other virtual machines. */
import type { Programs } from "./Programs.js"

const java = (body: string, rest = "") =>
  `${rest}public class Try {\n    public static void main(String[] args) throws Exception {\n${body}    }\n}\n`

const javaPrograms: Programs = {
  // Two classes, the one with main last and not public.
  fibonacci:
    "class Numbers {\n    static int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }\n}\n\nclass Start {\n    public static void main(String[] args) {\n        for (int i = 0; i < 11; i++) System.out.println(Numbers.fib(i));\n    }\n}\n",
  stdin: java(
    '        System.out.println("got " + new Scanner(System.in).nextLine());\n',
    "import java.util.Scanner;\n\n"
  ),
  env: java('        System.out.println(System.getenv("GREETING"));\n', "package a.b;\n\n"),
  file: java(
    '        System.out.print(Files.readString(Path.of("/tmp/input/data.txt")));\n',
    "import java.nio.file.*;\n\n"
  ),
  crash: java('        throw new IllegalStateException("no");\n'),
  loop: java("        while (true) {}\n"),
  broken: java("        int x = noSuchThing;\n")
}

const groovy: Programs = {
  fibonacci: "def (a, b) = [0, 1]\n11.times {\n  println a\n  (a, b) = [b, a + b]\n}\n",
  stdin: 'println "got " + System.in.newReader().readLine()\n',
  env: 'println System.getenv("GREETING")\n',
  file: 'print new File("/tmp/input/data.txt").text\n',
  crash: 'throw new Exception("no")\n',
  loop: "while (true) {}\n"
}

const scala = (body: string) => `object Try extends App {\n${body}}\n`

const scalaPrograms: Programs = {
  fibonacci: scala("  lazy val fibs: Stream[Int] = 0 #:: fibs.scanLeft(1)(_ + _)\n  fibs.take(11).foreach(println)\n"),
  stdin: 'object Try {\n  def main(args: Array[String]): Unit = println("got " + scala.io.StdIn.readLine())\n}\n',
  env: scala('  println(sys.env("GREETING"))\n'),
  file: scala('  print(scala.io.Source.fromFile("/tmp/input/data.txt").mkString)\n'),
  crash: scala('  sys.error("no")\n'),
  loop: scala("  while (true) {}\n")
}

const kotlin: Programs = {
  fibonacci:
    "fun main() {\n    var a = 0\n    var b = 1\n    repeat(11) {\n        println(a)\n        val c = a + b\n        a = b\n        b = c\n    }\n}\n",
  stdin: 'fun main() {\n    println("got " + readLine())\n}\n',
  env: 'fun main() {\n    println(System.getenv("GREETING"))\n}\n',
  file: 'import java.io.File\n\nfun main() {\n    print(File("/tmp/input/data.txt").readText())\n}\n',
  crash: 'fun main() {\n    error("no")\n}\n',
  loop: "fun main() {\n    while (true) {}\n}\n",
  broken: "fun main() {\n    noSuchThing()\n}\n"
}

const csharp = (body: string, using = "") =>
  `using System;\n${using}class Try {\n    static void Main() {\n${body}    }\n}\n`

const csharpPrograms: Programs = {
  fibonacci: csharp(
    "        int a = 0, b = 1;\n        for (int i = 0; i < 11; i++) {\n            Console.WriteLine(a);\n            (a, b) = (b, a + b);\n        }\n"
  ),
  stdin: csharp('        Console.WriteLine("got " + Console.ReadLine());\n'),
  env: csharp('        Console.WriteLine(Environment.GetEnvironmentVariable("GREETING"));\n'),
  file: csharp('        Console.Write(File.ReadAllText("/tmp/input/data.txt"));\n', "using System.IO;\n"),
  crash: csharp('        throw new Exception("no");\n'),
  loop: csharp("        while (true) {}\n"),
  broken: csharp("        int x = noSuchThing;\n")
}

const haxe = (body: string) => `class Main {\n  static function main() {\n${body}  }\n}\n`

const haxePrograms: Programs = {
  fibonacci: haxe(
    "    var a = 0, b = 1;\n    for (i in 0...11) {\n      Sys.println(a);\n      var c = a + b;\n      a = b;\n      b = c;\n    }\n"
  ),
  stdin: haxe('    Sys.println("got " + Sys.stdin().readLine());\n'),
  env: haxe('    Sys.println(Sys.getEnv("GREETING"));\n'),
  file: haxe('    Sys.print(sys.io.File.getContent("/tmp/input/data.txt"));\n'),
  crash: haxe('    throw "no";\n'),
  loop: haxe("    while (true) {}\n")
}

export const managed: Readonly<Record<string, Programs>> = {
  java: javaPrograms,
  groovy,
  scala: scalaPrograms,
  kotlin,
  csharp: csharpPrograms,
  haxe: haxePrograms
}
