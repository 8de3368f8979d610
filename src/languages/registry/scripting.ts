/** The scripting languages. */
import { apt, type Language, npm, script } from "../Language.js"

// Code with no opening tag would be printed, not run. The tag goes on the first line so that line numbers stay.
const tagged = (code: string) => (/<\?(php\b|=)/i.test(code) ? code : `<?php ${code}`)

export const scripting: ReadonlyArray<Language> = [
  script({
    id: "python",
    name: "Python",
    aliases: ["py", "python3", "cpython"],
    extensions: ["py", "pyw"],
    shebangs: ["python", "python3"],
    needs: { bin: ["python3"] },
    env: { PYTHONDONTWRITEBYTECODE: "1" },
    hello: 'print("Hello from Python")\n',
    provider: apt("python3")
  }),
  script({
    id: "pypy",
    name: "PyPy",
    aliases: ["pypy3"],
    extensions: ["pypy", "pypy3"],
    source: "main.py",
    needs: { bin: ["pypy3", "pypy"] },
    env: { PYTHONDONTWRITEBYTECODE: "1" },
    hello: 'print("Hello from PyPy")\n',
    provider: apt("pypy3")
  }),
  script({
    id: "javascript",
    name: "JavaScript",
    aliases: ["js", "node", "nodejs", "ecmascript", "mjs"],
    extensions: ["js", "mjs", "cjs"],
    shebangs: ["node", "nodejs"],
    // `require` and `import` must both work, as Node decides by the text of a file with this extension.
    source: "main.js",
    needs: { bin: ["node", "nodejs"] },
    hello: 'console.log("Hello from JavaScript")\n',
    provider: apt("nodejs"),
    heavy: { memoryMiB: 128, pids: 16 }
  }),
  script({
    id: "typescript",
    name: "TypeScript",
    aliases: ["ts"],
    extensions: ["ts", "mts", "cts"],
    shebangs: ["ts-node", "tsx"],
    needs: {
      esbuild: ["npm:@esbuild/linux-x64/bin/esbuild", "npm:@esbuild/linux-arm64/bin/esbuild"],
      bin: ["node", "nodejs"]
    },
    compile: [
      [
        "{esbuild}",
        "{source}",
        "--outfile={stem}.mjs",
        "--format=esm",
        "--platform=node",
        "--target=node20",
        "--sourcemap=inline",
        "--log-level=error",
        // A global, not a binding of the module: programs may declare a `require` of their own.
        '--banner:js=import { createRequire as $createRequire } from "node:module"; globalThis.require ??= $createRequire(import.meta.url);'
      ]
    ],
    run: ["{bin}", "--enable-source-maps", "{stem}.mjs"],
    leaves: ["main.mjs"],
    version: ["/bin/sh", "-c", "echo esbuild $({esbuild} --version)"],
    hello: 'const who: string = "TypeScript"\nconsole.log("Hello from " + who)\n',
    provider: npm("esbuild"),
    heavy: { memoryMiB: 128, pids: 32 }
  }),
  script({
    id: "deno",
    name: "Deno",
    extensions: ["deno.ts", "deno"],
    source: "main.ts",
    needs: { bin: ["npm:@deno/linux-x64-glibc/deno", "npm:@deno/linux-arm64-glibc/deno", "deno"] },
    shebangs: ["deno"],
    run: ["{bin}", "run", "--quiet", "--allow-all", "--no-config", "--no-lock", "{source}"],
    env: { DENO_DIR: "/tmp/.deno", DENO_NO_UPDATE_CHECK: "1", DENO_NO_PROMPT: "1", NO_COLOR: "1" },
    hello: 'const who: string = "Deno"\nconsole.log("Hello from " + who)\n',
    provider: npm("deno"),
    heavy: { memoryMiB: 256, pids: 64 }
  }),
  script({
    id: "coffeescript",
    name: "CoffeeScript",
    aliases: ["coffee"],
    extensions: ["coffee"],
    needs: { bin: ["coffee"] },
    hello: 'console.log "Hello from CoffeeScript"\n',
    provider: apt("coffeescript")
  }),
  script({
    id: "livescript",
    name: "LiveScript",
    aliases: ["lsc"],
    extensions: ["ls"],
    needs: { bin: ["lsc"] },
    // Debian's own Node looks there by itself, others do not.
    env: { NODE_PATH: "/usr/share/nodejs:/usr/lib/nodejs" },
    hello: 'console.log "Hello from LiveScript"\n',
    provider: apt("livescript")
  }),
  script({
    id: "ruby",
    name: "Ruby",
    aliases: ["rb"],
    extensions: ["rb"],
    needs: { bin: ["ruby"] },
    hello: 'puts "Hello from Ruby"\n',
    provider: apt("ruby")
  }),
  script({
    id: "php",
    name: "PHP",
    aliases: ["php8", "php-cli"],
    extensions: ["php"],
    needs: { bin: ["php"] },
    run: ["{bin}", "-d", "display_errors=stderr", "{source}"],
    prepare: tagged,
    hello: '<?php\necho "Hello from PHP\\n";\n',
    provider: apt("php-cli")
  }),
  script({
    id: "perl",
    name: "Perl",
    aliases: ["pl", "perl5"],
    extensions: ["pl", "pm"],
    needs: { bin: ["perl"] },
    version: ["{bin}", "-e", "print $^V"],
    hello: 'print "Hello from Perl\\n";\n',
    provider: apt("perl")
  })
]
