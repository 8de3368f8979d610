/** Where a secret could have come to lie: looked for on disk, in processes, and from inside a container. */
import { execFileSync, spawnSync } from "node:child_process"
import { readdirSync, readFileSync, readlinkSync } from "node:fs"
import { join } from "node:path"
import { gunzipSync } from "node:zlib"

/** As it is, and as what holds it may have been written: in hex, or in base64 from any of three offsets. */
export const forms = (secret: Buffer): ReadonlyArray<Buffer> => {
  const base64 = [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), secret])
      .toString("base64")
      .replace(/=+$/, "")
    // The outermost characters depend on what stands beside it.
    return Buffer.from(text.slice(before === 0 ? 0 : 4, -4))
  })
  return [secret, Buffer.from(secret.toString("hex")), Buffer.from(secret.toString("hex").toUpperCase()), ...base64]
}

/** What a form has in it must fit into one line of a list of patterns. */
const patterns = (secrets: ReadonlyArray<Buffer>): Buffer =>
  Buffer.concat(
    secrets
      .flatMap(forms)
      .filter((form) => !form.includes(10))
      .flatMap((form) => [form, Buffer.from("\n")])
  )

const filesBelow = (directory: string): ReadonlyArray<string> =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))

const gzipped = (path: string): boolean => {
  const head = readFileSync(path).subarray(0, 2)
  return head[0] === 0x1f && head[1] === 0x8b
}

export const has = (bytes: Buffer, secrets: ReadonlyArray<Buffer>): boolean =>
  secrets.flatMap(forms).some((form) => bytes.includes(form))

/** Every regular file, and what is compressed in one; names of those that hold any of these. */
export const onDisk = (directory: string, secrets: ReadonlyArray<Buffer>): ReadonlyArray<string> => {
  const { status, stderr, stdout } = spawnSync("grep", ["-rlaF", "-D", "skip", "-f", "-", directory], {
    input: patterns(secrets),
    env: { PATH: process.env.PATH, LC_ALL: "C" },
    encoding: "utf8",
    maxBuffer: 2 ** 26
  })
  if (status === null || (status > 1 && !/No such file/.test(stderr))) throw new Error(`grep failed: ${stderr}`)
  const plain = stdout.split("\n").filter((line) => line !== "")
  const packed = filesBelow(directory).filter((path) => gzipped(path) && has(gunzipSync(readFileSync(path)), secrets))
  return [...plain, ...packed]
}

const read = (path: string): Buffer => {
  try {
    return readFileSync(path)
  } catch {
    // It ended while we looked.
    return Buffer.alloc(0)
  }
}

const namespaceOf = (pid: string): string => {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`)
  } catch {
    return ""
  }
}

export interface Seen {
  readonly where: string
  /** Of its process ids: a container has one of its own. */
  readonly namespace: string
}

/** Every process of this host, as root sees it, which is more than anybody else sees. */
export const inProcesses = (secrets: ReadonlyArray<Buffer>): ReadonlyArray<Seen> =>
  readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((pid) =>
      ["cmdline", "environ", "comm", "status"]
        .map((file) => `/proc/${pid}/${file}`)
        .filter((path) => has(read(path), secrets))
        .map((where) => ({ where, namespace: namespaceOf(pid) }))
    )

/** Numbers of the processes on whose line `ps auxe` shows any of these. */
export const inPs = (secrets: ReadonlyArray<Buffer>): ReadonlyArray<string> =>
  execFileSync("ps", ["auxeww"], { maxBuffer: 2 ** 26 })
    .toString("latin1")
    .split("\n")
    .filter((line) => has(Buffer.from(line, "latin1"), secrets))
    .map((line) => line.split(/\s+/)[1] ?? line)

export const namespacesOf = (pids: ReadonlyArray<string>): ReadonlyArray<string> => pids.map(namespaceOf)

/**
 * A program that reads all it can, and says where it found the secret. It has it backwards, so that neither its file
 * nor its command line is what it finds.
 */
export const searching = (secret: string): string => `
my $n = reverse "${[...secret].reverse().join("")}";
my @found = map { "\\$$_" } grep { index($ENV{$_}, $n) >= 0 } keys %ENV;
my $files = 0;
sub holds {
  my ($path) = @_;
  my ($found, $last) = (0, "");
  eval {
    local $SIG{ALRM} = sub { die };
    alarm 2;
    if (sysopen(my $file, $path, 2048)) {
      for (1 .. 64) {
        last unless sysread($file, my $text, 65536);
        $found = 1 if index($last . $text, $n) >= 0;
        $last = substr($text, -100);
      }
      $files++;
    }
    alarm 0;
  };
  alarm 0;
  return $found;
}
sub look {
  my ($path, $depth) = @_;
  return if -l $path || $depth > 12 || $path =~ m{/(pagemap|kcore|kmsg|clear_refs)$};
  if (-d _) {
    opendir(my $all, $path) or return;
    look("$path/$_", $depth + 1) for grep { !/^\\.\\.?$/ } readdir $all;
  } elsif (-f _) {
    push @found, $path if holds($path);
  }
}
look($_, 0) for qw(/proc /tmp /home /srv /root /etc /var /run /dev/shm /mnt /opt);
print "read $files files\\n", map { "found $_\\n" } @found;
`
