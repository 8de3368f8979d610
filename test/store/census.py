"""
Marks some files of a tree with extended attributes (mark), or tells all that can be seen of it (census): independent of ours.
Makes something at a path of a length (dig), and tells what is in a tree that is deeper than paths can be (deep).
"""
import hashlib, json, os, stat, sys

command, root = sys.argv[1], os.fsencode(sys.argv[2])


def each(path):
    yield path
    if stat.S_ISDIR(os.lstat(path).st_mode):
        for name in sorted(os.listdir(path)):
            yield from each(os.path.join(path, name))


def mark():
    for number, path in enumerate(each(root)):
        mode = os.lstat(path).st_mode
        if number % 3 == 0 and (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            os.setxattr(path, "user.number", b"\x00%d=\n" % number)
        if number % 4 == 1:
            os.utime(path, ns=(1, 1_234_567_890_123_456_789 + number), follow_symlinks=False)


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def census():
    first = {}
    rows = []
    for path in each(root):
        seen = os.lstat(path)
        inode = first.setdefault(seen.st_ino, path)
        regular, link = stat.S_ISREG(seen.st_mode), stat.S_ISLNK(seen.st_mode)
        attributes = [] if link else [[name, os.getxattr(path, name).hex()] for name in sorted(os.listxattr(path))]
        rows.append({
            "path": path[len(root):].hex(),
            "type": stat.S_IFMT(seen.st_mode),
            "mode": stat.S_IMODE(seen.st_mode),
            "mtime": str(seen.st_mtime_ns),
            "size": seen.st_size if regular else 0,
            "content": digest(path) if regular else os.readlink(path).hex() if link else "",
            "same": inode[len(root):].hex(),
            "links": seen.st_nlink if regular else 1,
            "holes": regular and seen.st_blocks * 512 < seen.st_size,
            "attributes": attributes,
        })
    print(json.dumps(rows))


def dig(length, kind):
    os.chdir(root)
    while length > 250:
        os.makedirs("d" * 200, exist_ok=True)
        os.chdir("d" * 200)
        length -= 201
    name = "\x01" + "f" * (length - 1)
    if kind == "directory":
        os.mkdir(name)
        return
    with open(name, "wb") as file:
        if kind == "sparse":
            file.seek(5_000_000)
        file.write(b"x")
    if kind == "attributed":
        os.setxattr(name, "user.a", b"b")
    if kind == "linked":
        os.link(name, "\x02" + name[1:])


def deep():
    rows = []
    for path, directories, files, fd in os.fwalk(root):
        for name in directories + files:
            seen = os.stat(name, dir_fd=fd, follow_symlinks=False)
            attributes = os.listxattr(b"/proc/self/fd/%d/%s" % (fd, name))
            rows.append([path[len(root):].hex(), name.hex(), seen.st_mode, seen.st_nlink, seen.st_blocks, attributes])
    print(json.dumps(sorted(rows)))


if command == "dig":
    dig(int(sys.argv[3]), sys.argv[4])
else:
    {"mark": mark, "census": census, "deep": deep}[command]()
