/** Small languages meant to be embedded, glued or piped: Lua, Tcl, AWK and their neighbours. */
import { apt, type Language, script } from "../Language.js"

export const embedded: ReadonlyArray<Language> = [
  script({
    id: "lua",
    name: "Lua",
    extensions: ["lua"],
    shebangs: ["lua", "lua5.4", "lua5.3", "lua5.2", "lua5.1"],
    needs: { bin: ["lua5.4", "lua5.3", "lua"] },
    version: ["{bin}", "-v"],
    hello: 'print("Hello from Lua")\n',
    provider: apt("lua5.4|lua5.3")
  }),
  script({
    id: "luajit",
    name: "LuaJIT",
    extensions: ["luajit"],
    source: "main.lua",
    needs: { bin: ["luajit"] },
    version: ["{bin}", "-v"],
    hello: 'print("Hello from LuaJIT")\n',
    provider: apt("luajit")
  }),
  script({
    id: "tcl",
    name: "Tcl",
    aliases: ["tclsh"],
    extensions: ["tcl"],
    shebangs: ["tclsh", "tclsh8.6", "tclsh9.0"],
    needs: { bin: ["tclsh8.6", "tclsh9.0", "tclsh"] },
    version: ["/bin/sh", "-c", "echo 'puts [info patchlevel]' | {bin}"],
    hello: 'puts "Hello from Tcl"\n',
    provider: apt("tcl")
  }),
  script({
    id: "jimtcl",
    name: "Jim Tcl",
    aliases: ["jim", "jimsh"],
    extensions: ["jim"],
    source: "main.tcl",
    needs: { bin: ["jimsh"] },
    hello: 'puts "Hello from Jim Tcl"\n',
    provider: apt("jimsh")
  }),
  script({
    id: "awk",
    name: "AWK",
    aliases: ["gawk", "mawk", "nawk"],
    extensions: ["awk"],
    shebangs: ["awk", "gawk", "mawk", "nawk"],
    needs: { bin: ["gawk", "mawk", "original-awk", "awk"] },
    run: ["{bin}", "-f", "{source}"],
    hello: 'BEGIN { print "Hello from AWK" }\n',
    provider: apt("gawk")
  }),
  script({
    id: "bc",
    name: "bc",
    extensions: ["bc"],
    needs: { bin: ["bc"] },
    run: ["{bin}", "-q", "{source}"],
    // bc would go on with standard input after the file.
    prepare: (code) => `${code}\nquit\n`,
    hello: 'print "Hello from bc\\n"\n',
    provider: apt("bc")
  }),
  script({
    id: "dc",
    name: "dc",
    extensions: ["dc"],
    needs: { bin: ["dc"] },
    run: ["{bin}", "-f", "{source}"],
    hello: "[Hello from dc]p\n",
    provider: apt("dc")
  }),
  script({
    id: "m4",
    name: "m4",
    extensions: ["m4"],
    needs: { bin: ["m4"] },
    hello: "Hello from m4\n",
    provider: apt("m4")
  }),
  script({
    id: "pike",
    name: "Pike",
    extensions: ["pike"],
    needs: { bin: ["pike8.0", "pike"] },
    shebangs: ["pike"],
    hello: 'int main() { write("Hello from Pike\\n"); return 0; }\n',
    provider: apt("pike8.0")
  }),
  script({
    id: "slang",
    name: "S-Lang",
    aliases: ["slsh", "s-lang"],
    extensions: ["sl"],
    needs: { bin: ["slsh"] },
    run: ["{bin}", "-n", "{source}"],
    hello: 'message("Hello from S-Lang");\n',
    provider: apt("slsh")
  }),
  script({
    id: "rexx",
    name: "REXX",
    aliases: ["regina"],
    extensions: ["rexx", "rex"],
    shebangs: ["rexx", "regina"],
    needs: { bin: ["rexx", "regina"] },
    version: ["{bin}", "-v"],
    hello: 'say "Hello from REXX"\n',
    provider: apt("regina-rexx")
  }),
  script({
    id: "basic",
    name: "BASIC",
    aliases: ["yabasic"],
    extensions: ["bas", "yab"],
    shebangs: ["yabasic"],
    needs: { bin: ["yabasic"] },
    hello: 'print "Hello from BASIC"\n',
    provider: apt("yabasic")
  })
]
