/** How GNU tar is asked to make a layer of a volume, the same bytes for the same content, and a volume of a layer. */
import { geteuid } from "node:process"

/** The first of the host's user ids that containers have (src/native/ids.c). */
const TENANT = 0x70000000

/**
 * What is unpacked becomes a tenant's, links and all: the membrane gives a file with several names to a container only when
 * it was some tenant's before. Undefined: there is nothing, or this user has no other to give it to.
 */
export const give = (paths: ReadonlyArray<string>): ReadonlyArray<string> | undefined =>
  geteuid?.() === 0 && paths.length > 0 ? ["chown", "-R", "-h", "--", `${TENANT}:${TENANT}`, ...paths] : undefined

/** The parts of a volume; nothing else in its directory is kept. */
export const parts = ["home", "srv", "tmp"] as const

/**
 * Its own process namespace, because the names of sparse files in an archive have tar's process id in them: there it is
 * always 1. And no network: it reads what tenants wrote.
 */
const enclosed = (): ReadonlyArray<string> => [
  "unshare",
  ...(geteuid?.() === 0 ? [] : ["--user", "--map-root-user"]),
  ...["--pid", "--fork", "--kill-child=KILL", "--net", "--ipc"]
]

/** Of the extended attributes those that a tenant may set itself. */
const attributes = ["--xattrs", "--xattrs-include=user.*", "--no-acls", "--no-selinux"]

/** A container has a volume's `home` at /home/sandbox. Names change, targets of symbolic links do not. */
const toContainer = "--transform=flags=rhS;s,^home\\(/\\|$\\),home/sandbox\\1,"
const fromContainer = "--transform=flags=rhS;s,^home/sandbox\\(/\\|$\\),home\\1,"

const IN_CONTAINER = Buffer.from("home/sandbox/")
const HERE = "home/"

/** How long what `pack` calls so is to `unpack`. */
export const unpacked = (name: Buffer): number =>
  name.subarray(0, IN_CONTAINER.length).equals(IN_CONTAINER)
    ? name.length - IN_CONTAINER.length + HERE.length
    : name.length

/**
 * Owners are the container's business, not the content's; bits that change the user have no meaning in a container, and
 * must have none outside.
 */
export const pack = (directory: string, present: ReadonlyArray<string>): ReadonlyArray<string> => [
  ...enclosed(),
  "tar",
  "--create",
  "--format=posix",
  "--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime",
  "--sort=name",
  "--numeric-owner",
  "--owner=0",
  "--group=0",
  "--mode=u-s,g-s",
  "--sparse",
  "--hole-detection=seek",
  "--one-file-system",
  ...attributes,
  toContainer,
  `--directory=${directory}`,
  "--",
  ...present
]

export const unpack = (directory: string): ReadonlyArray<string> => [
  ...enclosed(),
  "tar",
  "--extract",
  "--same-permissions",
  "--no-same-owner",
  "--numeric-owner",
  "--delay-directory-restore",
  ...attributes,
  fromContainer,
  `--directory=${directory}`
]
