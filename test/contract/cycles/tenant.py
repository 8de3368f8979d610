"""What a tenant does inside: grows trees (grow), changes them (spoil), and tells all that can be seen of them (census)."""
import base64, contextlib, hashlib, json, os, random, stat, sys, zlib

command, given, roots = sys.argv[1], sys.argv[2], [os.fsencode(root) for root in sys.argv[3:]]


@contextlib.contextmanager
def opened(path):
    """An owner may look into what the mode closes; none of the times that are compared moves by that."""
    mode = stat.S_IMODE(os.lstat(path).st_mode)
    os.chmod(path, mode | 0o700)
    try:
        yield
    finally:
        os.chmod(path, mode)


def sparse(path, size, at):
    with open(path, "wb") as file:
        file.truncate(size)
        file.seek(min(at, size - 1))
        file.write(b"x")


def plant(path, node, files):
    kind = node["kind"]
    if kind == "file":
        with open(path, "wb") as file:
            file.write(random.Random(node["seed"]).randbytes(node["size"]))
    elif kind == "sparse":
        sparse(path, node["size"], node["at"])
    elif kind == "symlink":
        os.symlink(node["target"], path)
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "directory":
        os.mkdir(path)
    elif files:
        os.link(files[node["of"] % len(files)], path)
    if kind in ("file", "sparse"):
        files.append(path)


def grow(directory, nodes, files):
    """Yields what was made, children before their directory; a name that is taken is left to who has it."""
    for node in nodes:
        path = os.path.join(directory, bytes.fromhex(node["name"]))
        if os.path.lexists(path):
            continue
        plant(path, node, files)
        if node["kind"] == "directory":
            yield from grow(path, node["children"], files)
        if node["kind"] != "hardlink":
            yield path, node


def mark(path, node):
    if node["attribute"] is not None and node["kind"] in ("file", "sparse", "directory"):
        os.setxattr(path, "user.number", bytes.fromhex(node["attribute"]))
    if node["kind"] != "symlink":
        os.chmod(path, node["mode"])
    if node["mtime"] is not None:
        os.utime(path, ns=(1, int(node["mtime"])), follow_symlinks=False)


def grown():
    for root, nodes in zip(roots, json.loads(zlib.decompress(base64.b64decode(given)))):
        os.mkdir(root)
        # All of it is there before any mode closes a way, or a new name moves a time.
        for path, node in list(grow(root, nodes, [])):
            mark(path, node)


def spoil():
    chance = random.Random(int(given))
    for root in roots:
        for name in sorted(os.listdir(root)):
            path = os.path.join(root, name)
            kind = chance.randrange(3)
            if kind == 0:
                os.rename(path, os.path.join(root, b"moved%d" % chance.getrandbits(60)))
            elif kind == 1 and not os.path.islink(path):
                os.chmod(path, 0o700)
            elif stat.S_ISREG(os.lstat(path).st_mode):
                os.unlink(path)
        with open(os.path.join(root, b"new"), "wb") as file:
            file.write(b"new")


def content(path, seen):
    if stat.S_ISLNK(seen.st_mode):
        return os.readlink(path).hex()
    if not stat.S_ISREG(seen.st_mode):
        return ""
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def row(root, path, seen, first):
    regular = stat.S_ISREG(seen.st_mode)
    attributes = () if stat.S_ISLNK(seen.st_mode) else sorted(os.listxattr(path))
    return {
        "path": (os.path.basename(root) + path[len(root):]).hex(),
        "type": stat.S_IFMT(seen.st_mode),
        "mode": stat.S_IMODE(seen.st_mode),
        "owner": [seen.st_uid, seen.st_gid],
        "mtime": str(seen.st_mtime_ns),
        "size": seen.st_size if regular else 0,
        "content": content(path, seen),
        "same": first[len(root):].hex(),
        "links": seen.st_nlink if regular else 1,
        "holes": regular and seen.st_blocks * 512 < seen.st_size,
        "attributes": [[name, os.getxattr(path, name).hex()] for name in attributes],
    }


def walk(root, path, firsts):
    seen = os.lstat(path)
    first = firsts.setdefault(seen.st_ino, path)
    if stat.S_ISLNK(seen.st_mode):
        yield row(root, path, seen, first)
        return
    with opened(path):
        yield row(root, path, seen, first)
        for name in sorted(os.listdir(path)) if stat.S_ISDIR(seen.st_mode) else ():
            yield from walk(root, os.path.join(path, name), firsts)


def census():
    print(json.dumps([row for root in roots for row in walk(root, root, {})], separators=(",", ":")))


{"grow": grown, "spoil": spoil, "census": census}[command]()
