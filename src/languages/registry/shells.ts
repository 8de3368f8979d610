/** Command shells as languages. */
import { apt, type Language, script } from "../Language.js"

const shell = (id: string, name: string, packages: string, rest?: Partial<Language>): Language =>
  script({
    id,
    name,
    extensions: [id],
    needs: { bin: [id] },
    shebangs: [id],
    hello: `echo "Hello from ${name}"\n`,
    provider: apt(packages),
    ...rest
  })

export const shells: ReadonlyArray<Language> = [
  shell("bash", "Bash", "bash", { aliases: ["sh", "shell"], extensions: ["sh", "bash"], shebangs: ["bash", "sh"] }),
  shell("dash", "dash", "dash", { aliases: ["ash"], shebangs: ["dash", "ash"], version: ["dpkg-query", "-W", "dash"] }),
  shell("zsh", "Z shell", "zsh", { needs: { bin: ["zsh"] }, run: ["{bin}", "-f", "{source}"] }),
  shell("fish", "fish", "fish", { run: ["{bin}", "--no-config", "{source}"] }),
  shell("ksh", "KornShell", "ksh93u+m|ksh|mksh", {
    aliases: ["ksh93", "mksh"],
    needs: { bin: ["ksh93", "ksh", "mksh"] },
    shebangs: ["ksh", "ksh93", "mksh"],
    version: ["{bin}", "-c", "echo $KSH_VERSION"]
  }),
  shell("tcsh", "tcsh", "tcsh", {
    aliases: ["csh"],
    extensions: ["csh", "tcsh"],
    shebangs: ["tcsh", "csh"],
    run: ["{bin}", "-f", "{source}"]
  }),
  shell("yash", "yash", "yash"),
  shell("elvish", "Elvish", "elvish", { extensions: ["elv"], version: ["{bin}", "-version"] }),
  shell("xonsh", "xonsh", "xonsh", { extensions: ["xsh"], run: ["{bin}", "--no-rc", "{source}"] })
]
