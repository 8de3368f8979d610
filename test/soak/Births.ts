/** What comes to be: sessions, services, snapshots, images, and what is made of those. */
import type { Calls } from "./Calls.js"
import { type Kind, only, pathOf, type Tenant, type Thing, thing, type World } from "./World.js"

const server = `exec perl -MIO::Socket::INET -e '
  $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => $ENV{PORT}, Listen => 9, ReuseAddr => 1) or die $!;
  while ($c = $s->accept) {
    while (defined($l = <$c>) && $l =~ /\\S/) {}
    $m = ""; if (open(F, "<", "/srv/mark")) { $m = <F>; close F; chomp $m }
    print $c "HTTP/1.0 200 OK\\r\\nContent-Length: " . length($m) . "\\r\\n\\r\\n$m"; close $c }'
`
const web = { ports: [8080], bootstrap_content: server }

const usual = new Set(["concurrency_limit_reached", "quota_exceeded"])

interface Birth {
  readonly name: string
  readonly kind: Kind
  readonly path: string
  readonly body: object
  readonly more?: Parameters<typeof thing>[3]
  /** What it is made of. */
  readonly of?: Thing
}

const excused = (tenant: Tenant, code: string, of: Thing | undefined): boolean => {
  if (usual.has(code)) return tenant.slots !== undefined
  if (code === "suspended") return tenant.suspended
  // It may have ended, or never come to its end.
  if (of === undefined || of.kind === "snapshot" || of.kind === "image") return false
  if (of.restarting) return true
  return code === "gone" ? of.may.has("gone") : !only(of.may, "running") && !only(of.may, "frozen")
}

const birth = async (calls: Calls, world: World, tenant: Tenant, given: Birth): Promise<Thing | undefined> => {
  const { body, kind, more, name, of, path } = given
  const { answer, disturbed, repeated } = await calls.ask(tenant, "POST", path, body)
  calls.tally.did(name)
  if (answer === undefined || answer.status >= 500) world.lost += 1
  if (answer === undefined) return undefined
  if (answer.status < 300) {
    const made = thing(kind, String(answer.json[`${kind}_id`]), tenant, more)
    if (disturbed && kind === "session") made.may.add("gone")
    return world.add(made)
  }
  const code = String(answer.json.error)
  if (!disturbed && !(repeated && code === "replayed") && !excused(tenant, code, of))
    calls.tally.violated(`${name} by ${tenant.name} at ${path}: ${answer.status} ${answer.text}`)
  return undefined
}

export const births = (calls: Calls, world: World, tenant: Tenant) => ({
  session: (multiplexer: "screen" | "tmux") =>
    birth(calls, world, tenant, {
      ...{ name: "open session", kind: "session", path: "/sessions" },
      body: { multiplexer, ttl: 3_600 }
    }),
  service: (wakes: boolean, open: boolean) =>
    birth(calls, world, tenant, {
      ...{ name: "create service", kind: "service", path: "/services" },
      body: { ...web, unfreeze_on_demand: wakes, ...(open ? { service_type: "tcp" } : {}) },
      more: { url: "web", wakes }
    }),
  snapshot: (of: Thing, hot: boolean) =>
    birth(calls, world, tenant, {
      ...{ name: "snapshot", kind: "snapshot", path: `${pathOf(of)}/snapshot`, body: { hot } },
      ...{ more: { marks: new Set(of.marks), source: of.id }, of }
    }),
  clone: (of: Thing, type: "session" | "service") =>
    birth(calls, world, tenant, {
      ...{ name: "clone", kind: type, path: `${pathOf(of)}/clone` },
      ...{ body: type === "session" ? { type, multiplexer: "tmux" } : { type } },
      ...{ more: { marks: new Set(of.marks) }, of }
    }),
  image: (of: Thing) =>
    birth(calls, world, tenant, {
      ...{ name: "publish", kind: "image", path: "/images", body: { source_type: of.kind, source_id: of.id } },
      ...{ more: { marks: new Set(of.marks), source: of.id }, of }
    }),
  spawn: (of: Thing, wakes: boolean) =>
    birth(calls, world, tenant, {
      ...{ name: "spawn", kind: "service", path: `${pathOf(of)}/spawn`, body: { ...web, unfreeze_on_demand: wakes } },
      ...{ more: { marks: new Set(of.marks), url: "web", wakes }, of }
    })
})
