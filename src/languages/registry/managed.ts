/** Languages of the JVM, of .NET and of other virtual machines. */
import { apt, type Language, none, script } from "../Language.js"

const jvm = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"]
const jvmHeavy = { memoryMiB: 256, pids: 64 }
const java17 = ["/etc/java-17-openjdk"]

const publicClass =
  /\bpublic\s+(?:(?:abstract|final|strictfp|sealed|non-sealed)\s+)*(?:class|interface|enum|record)\s+([\p{L}_$][\p{L}\p{N}_$]*)/u
const javaClass = /\b(?:class|interface|enum|record)\s+([\p{L}_$][\p{L}\p{N}_$]*)/gu
const javaMain = /\bstatic\s+(?:final\s+)?void\s+main\s*\(|\bvoid\s+main\s*\(\s*String/

// A main method belongs to the nearest type declared before it; a public type names the file in any case.
const mainClass = (code: string) => {
  const at = code.search(javaMain)
  const before = [...code.slice(0, at < 0 ? undefined : at).matchAll(javaClass)].map((found) => found[1] ?? "Main")
  return before.at(-1) ?? "Main"
}
const packageName = (code: string) => /^[ \t]*package[ \t]+([\w.]+)[ \t]*;/m.exec(code)?.[1]

export const managed: ReadonlyArray<Language> = [
  script({
    id: "java",
    name: "Java",
    aliases: ["openjdk", "jdk"],
    extensions: ["java"],
    shebangs: ["java"],
    source: (code) => `${publicClass.exec(code)?.[1] ?? "Main"}.java`,
    needs: { java: ["java"], javac: ["javac"] },
    infer: (code) => [packageName(code), mainClass(code)].filter((part) => part !== undefined).join("."),
    // Measured: 0.39 s for javac and java, 0.50 s for the source launcher, which also wants the main class first.
    compile: [
      [
        "{javac}",
        "-J-XX:+UseSerialGC",
        "-J-XX:TieredStopAtLevel=1",
        "-J-Xshare:auto",
        "-nowarn",
        "-d",
        "/tmp/.java",
        "{source}"
      ]
    ],
    run: ["{java}", ...jvm, "-cp", "/tmp/.java", "{inferred}"],
    version: ["{java}", "-version"],
    hello:
      'class Hello {\n    public static void main(String[] args) {\n        System.out.println("Hello from Java");\n    }\n}\n',
    provider: apt("default-jdk-headless"),
    trees: java17,
    heavy: jvmHeavy
  }),
  script({
    id: "groovy",
    name: "Groovy",
    extensions: ["groovy"],
    needs: { bin: ["groovy"] },
    env: { JAVA_OPTS: jvm.join(" ") },
    hello: 'println "Hello from Groovy"\n',
    provider: apt("groovy", "default-jre-headless"),
    trees: [...java17, "/etc/groovy"],
    heavy: { memoryMiB: 384, pids: 64 }
  }),
  script({
    id: "scala",
    name: "Scala",
    extensions: ["scala"],
    needs: { bin: ["scala"] },
    run: ["{bin}", "-nc", "{source}"],
    env: { JAVA_OPTS: jvm.join(" ") },
    version: ["{bin}", "-version"],
    hello: 'object Hello extends App {\n  println("Hello from Scala")\n}\n',
    provider: apt("scala", "default-jre-headless"),
    trees: java17,
    heavy: { memoryMiB: 512, pids: 64 }
  }),
  script({
    id: "kotlin",
    name: "Kotlin",
    aliases: ["kt", "kts"],
    extensions: ["kt", "kts"],
    shebangs: ["kotlin"],
    needs: { bin: ["kotlinc"], java: ["java"] },
    compile: [["{bin}", "-nowarn", "{source}", "-include-runtime", "-d", "/tmp/main.jar"]],
    run: ["{java}", ...jvm, "-jar", "/tmp/main.jar"],
    // It starts the JVM with options that newer JVMs warn of on every compilation.
    env: { JAVA_OPTS: [...jvm, "-XX:-PrintWarnings"].join(" ") },
    version: ["{bin}", "-version"],
    hello: 'fun main() {\n    println("Hello from Kotlin")\n}\n',
    provider: apt("kotlin", "default-jre-headless"),
    trees: java17,
    heavy: { memoryMiB: 768, pids: 64 }
  }),
  script({
    id: "csharp",
    name: "C#",
    aliases: ["cs", "c#", "mono"],
    extensions: ["cs"],
    needs: { mcs: ["mcs"], mono: ["mono"] },
    compile: [["{mcs}", "-nologo", "-out:{dir}/main.exe", "{source}"]],
    run: ["{mono}", "{dir}/main.exe"],
    artifact: "main.exe",
    version: ["{mono}", "--version"],
    hello:
      'using System;\nclass Hello {\n    static void Main() {\n        Console.WriteLine("Hello from C#");\n    }\n}\n',
    provider: apt("mono-mcs", "mono-runtime", "libmono-system-core4.0-cil", "libmono-system-numerics4.0-cil"),
    trees: ["/etc/mono"],
    heavy: { memoryMiB: 192, pids: 32 }
  }),
  script({
    id: "fsharp",
    name: "F#",
    aliases: ["fs", "f#", "fsx"],
    extensions: ["fs", "fsx"],
    source: "main.fsx",
    needs: { bin: ["dotnet"] },
    shebangs: ["fsharpi"],
    run: ["{bin}", "fsi", "--quiet", "--nologo", "{source}"],
    env: { DOTNET_CLI_HOME: "/tmp", DOTNET_NOLOGO: "1", DOTNET_CLI_TELEMETRY_OPTOUT: "1" },
    hello: 'printfn "Hello from F#"\n',
    provider: none(
      "Debian dropped the fsharp package, and npm has only translators to JavaScript",
      "https://dotnet.microsoft.com/download"
    ),
    heavy: { memoryMiB: 768, pids: 128 }
  }),
  script({
    id: "dotnet",
    name: ".NET (C# file)",
    aliases: ["net", "dotnet-csharp"],
    extensions: ["dotnet"],
    source: "main.cs",
    needs: { bin: ["dotnet"] },
    run: ["{bin}", "run", "{source}"],
    env: { DOTNET_CLI_HOME: "/tmp", DOTNET_NOLOGO: "1", DOTNET_CLI_TELEMETRY_OPTOUT: "1" },
    hello: 'Console.WriteLine("Hello from .NET (C# file)");\n',
    provider: none(
      "the SDK is in neither Debian nor npm; running a single file needs version 10 or later",
      "https://dotnet.microsoft.com/download"
    ),
    heavy: { memoryMiB: 768, pids: 128 }
  }),
  script({
    id: "powershell",
    name: "PowerShell",
    aliases: ["pwsh", "ps1"],
    extensions: ["ps1"],
    needs: { bin: ["pwsh"] },
    run: ["{bin}", "-NoLogo", "-NoProfile", "-NonInteractive", "-File", "{source}"],
    hello: 'Write-Output "Hello from PowerShell"\n',
    provider: none(
      "not in Debian, and the npm packages download it from elsewhere",
      "https://github.com/PowerShell/PowerShell/releases"
    ),
    heavy: { memoryMiB: 256, pids: 64 }
  }),
  script({
    id: "dart",
    name: "Dart",
    extensions: ["dart"],
    needs: { bin: ["dart"] },
    run: ["{bin}", "--disable-analytics", "run", "{source}"],
    hello: "void main() => print('Hello from Dart');\n",
    provider: none("not in Debian, and npm has no package of the SDK", "https://dart.dev/get-dart"),
    heavy: { memoryMiB: 512, pids: 64 }
  }),
  script({
    id: "haxe",
    name: "Haxe",
    aliases: ["hx"],
    extensions: ["hx"],
    source: "Main.hx",
    needs: { bin: ["haxe"] },
    shebangs: [],
    run: ["{bin}", "--class-path", "{dir}", "--main", "Main", "--interp"],
    hello: 'class Main {\n  static function main() Sys.println("Hello from Haxe");\n}\n',
    provider: apt("haxe")
  })
]
