/** Languages of the JVM. */
import { apt, type Language, script } from "../Language.js"

const flags = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"]
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

export const jvm: ReadonlyArray<Language> = [
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
    run: ["{java}", ...flags, "-cp", "/tmp/.java", "{inferred}"],
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
    shebangs: ["groovy"],
    // Not by its script, which needs its configuration in /etc and starts slower.
    needs: { java: ["java"], lib: ["/usr/share/groovy/lib", "/opt/groovy/lib"] },
    run: ["{java}", ...flags, "-cp", "{lib}/*", "groovy.ui.GroovyMain", "{source}"],
    version: ["{java}", "-cp", "{lib}/*", "groovy.ui.GroovyMain", "--version"],
    hello: 'println "Hello from Groovy"\n',
    provider: apt("groovy", "default-jre-headless"),
    trees: java17,
    heavy: { memoryMiB: 384, pids: 64 }
  }),
  script({
    id: "scala",
    name: "Scala",
    extensions: ["scala"],
    needs: { bin: ["scala"] },
    run: ["{bin}", "-nc", "{source}"],
    env: { JAVA_OPTS: flags.join(" ") },
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
    run: ["{java}", ...flags, "-jar", "/tmp/main.jar"],
    // It starts the JVM with options that newer JVMs warn of on every compilation.
    env: { JAVA_OPTS: [...flags, "-XX:-PrintWarnings"].join(" ") },
    version: ["{bin}", "-version"],
    hello: 'fun main() {\n    println("Hello from Kotlin")\n}\n',
    provider: apt("kotlin", "default-jre-headless"),
    trees: java17,
    heavy: { memoryMiB: 768, pids: 64 }
  })
]
