/** Languages of .NET, and of two further virtual machines. */
import { apt, type Language, none, script } from "../Language.js"

export const dotnet: ReadonlyArray<Language> = [
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
