"""Whether all have done the same work: what the registry holds is read by skopeo and unpacked by GNU tar."""

import hashlib
import json
import shutil
import stat
from pathlib import Path

from machine import CellFailed, run

SHOWN = 3
LAYER_END = "+zstd"


def unpack_image(reference, layers, folder):
    """The tree of an image in the registry, which has this many layers, all in zstd."""
    copy = folder / "copy"
    run("skopeo", "copy", "-q", "--src-tls-verify=false", f"docker://{reference}", f"dir:{copy}")
    manifest = json.loads((copy / "manifest.json").read_text())
    if len(manifest["layers"]) != layers:
        raise CellFailed(f"{len(manifest['layers'])} layers, {layers} expected")
    root = folder / "root"
    root.mkdir()
    for layer in manifest["layers"]:
        if not layer["mediaType"].endswith(LAYER_END):
            raise CellFailed(f"a layer is {layer['mediaType']}, not in zstd")
        unpack_layer(copy / layer["digest"].removeprefix("sha256:"), root)
    return tree(root)


def unpack_layer(blob, root):
    run("tar", "--extract", "--zstd", "--preserve-permissions", "--numeric-owner", "-f", blob, "-C", root)
    if whiteout := next(root.rglob(".wh.*"), None):
        raise CellFailed(f"{whiteout.relative_to(root)}: no step removes anything")


def tree(root):
    """{path: what is there}. Times are not compared: buildah keeps those of the files, synchost sets all to one."""
    out = {}
    for path in sorted(Path(root).rglob("*")):
        info = path.lstat()
        if stat.S_ISREG(info.st_mode):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
        else:
            content = str(path.readlink()) if stat.S_ISLNK(info.st_mode) else ""
        out[str(path.relative_to(root))] = (oct(info.st_mode), info.st_uid, info.st_gid, content)
    return out


def difference(left, right):
    """What differs, in words; empty where nothing does."""
    paths = [path for path in sorted(left.keys() | right.keys()) if left.get(path) != right.get(path)]
    if not paths:
        return ""
    shown = "; ".join(f"{path}: {left.get(path, 'absent')} and {right.get(path, 'absent')}" for path in paths[:SHOWN])
    return f"{len(paths)} paths differ: {shown}"


class Comparison:
    """The trees of one workload's builders beside that of the first."""

    def __init__(self, folder):
        self._folder = folder / "compare"
        self._first = None

    def check(self, name, read):
        """read(folder) gives the tree, or None: there is nothing to compare. CellFailed says what is not equal."""
        self._folder.mkdir()
        try:
            found = read(self._folder)
        finally:
            shutil.rmtree(self._folder)
        if found is None:
            return
        if not self._first:
            self._first = (name, found)
        elif text := difference(self._first[1], found):
            raise CellFailed(f"not the tree of {self._first[0]}: {text}")
