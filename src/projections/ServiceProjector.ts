/** Folds the events of services and of their names into the tables behind ServiceTable. */
import type { AnyEvent } from "../../events/Catalogue.js"
import * as Name from "../../events/Name.js"
import * as Service from "../../events/Service.js"
import type { Projector } from "../log/Projector.js"
import type { Connection, Fold } from "./Reading.js"
import { fold, type Ours, statements } from "./ServiceFold.js"

const schema = `
CREATE TABLE IF NOT EXISTS services (
  seq INTEGER PRIMARY KEY,
  service TEXT NOT NULL UNIQUE,
  owner TEXT NOT NULL,
  name TEXT NOT NULL,
  domains TEXT NOT NULL,
  state TEXT NOT NULL,
  since INTEGER NOT NULL,
  network TEXT NOT NULL,
  vcpu INTEGER NOT NULL,
  ports TEXT NOT NULL,
  service_type TEXT,
  public_port INTEGER,
  locked INTEGER NOT NULL,
  unfreeze_on_demand INTEGER NOT NULL,
  show_freeze_page INTEGER NOT NULL,
  container TEXT,
  bootable INTEGER NOT NULL,
  failure TEXT,
  hold TEXT,
  vault TEXT,
  vault_at INTEGER,
  created_at INTEGER NOT NULL,
  cause TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS services_by_owner ON services (owner, seq) WHERE state NOT IN ('destroyed', 'erased');
CREATE INDEX IF NOT EXISTS services_by_name ON services (name, seq);
CREATE INDEX IF NOT EXISTS services_by_state ON services (state, since);
CREATE INDEX IF NOT EXISTS services_by_port ON services (public_port) WHERE public_port IS NOT NULL;
CREATE TABLE IF NOT EXISTS service_domains (
  domain TEXT NOT NULL,
  service TEXT NOT NULL,
  PRIMARY KEY (domain, service)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS service_domains_by_service ON service_domains (service);
CREATE TABLE IF NOT EXISTS names (
  name TEXT PRIMARY KEY,
  service TEXT NOT NULL,
  owner TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS names_by_service ON names (service);
`

const tags: ReadonlySet<string> = new Set([...Name.all, ...Service.all].map(({ tag }) => tag))
const isOurs = (event: AnyEvent): event is Ours => tags.has(event._tag)

/** `changed`: the tables are not what they were, or will not be once this is committed. */
const open =
  (changed: () => void) =>
  (db: Connection): Fold => {
    const on = statements(db)
    return (row, event) => {
      if (!isOurs(event)) return
      changed()
      fold(on, row, event)
    }
  }

export const projector = (changed: () => void): Projector => ({
  name: "services",
  version: 3,
  tables: ["services", "service_domains", "names"],
  schema,
  open: open(changed)
})
