/** The program: the command line over the whole system. */
import * as Cli from "./cli/Cli.js"
import * as Server from "./system/Server.js"

Cli.main({ layer: Server.layer, keys: Server.keys, vault: Server.vault })
