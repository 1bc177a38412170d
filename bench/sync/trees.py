"""What is copied: the same bytes for every peer of a run."""

import hashlib
import random
import shutil
import subprocess
import sys
from pathlib import Path

from native import cache_folder

HERE = Path(__file__).resolve().parent / "node_tree"
PROJECT_FOLDERS, PROJECT_FILES = 20, 15  # of each folder: a small project
FILE_BYTES = 4096
SMALL_BYTES = (60, 1200)
COPY_CHUNK = 4 << 20


def text_bytes(generator, length):
    """Looks like source: words and lines, compressible about as much."""
    words = ["const", "value", "return", "import", "function", "if", "else", "await", "result", "this", "new", "=", "{"]
    parts, size = [], 0
    while size < length:
        word = generator.choice(words) if generator.random() < 0.7 else f"{generator.getrandbits(32):x}"
        parts.append(word + ("\n" if generator.random() < 0.15 else " "))
        size += len(parts[-1])
    return "".join(parts).encode()[:length]


def make_project(folder):
    """A few hundred files of 4 KB: what lies there before anything is edited."""
    generator = random.Random(1)
    for outer in range(PROJECT_FOLDERS):
        inside = folder / f"part{outer:02}"
        inside.mkdir(parents=True)
        for inner in range(PROJECT_FILES):
            (inside / f"file{inner:02}.js").write_bytes(text_bytes(generator, FILE_BYTES))


def project_files():
    return [f"part{outer:02}/file{inner:02}.js" for outer in range(PROJECT_FOLDERS) for inner in range(PROJECT_FILES)]


def make_small_files(folder, count, per_folder=100):
    generator = random.Random(2)
    stock = text_bytes(generator, 1 << 20)
    for outer in range(count // per_folder):
        inside = folder / f"d{outer // 50:02}" / f"d{outer:04}"
        inside.mkdir(parents=True)
        for inner in range(per_folder):
            length, at = generator.randint(*SMALL_BYTES), generator.randrange(len(stock) - SMALL_BYTES[1])
            (inside / f"f{inner:03}.txt").write_bytes(b"%d %d\n" % (outer, inner) + stock[at:at + length])


def make_binary(file, size):
    """Bytes that no compressor makes smaller, as in an archive or a model."""
    generator = random.Random(3)
    with file.open("wb") as out:
        while size > 0:
            chunk = generator.randbytes(min(size, COPY_CHUNK))
            out.write(chunk)
            size -= len(chunk)


def installed_node_modules():
    """The node_modules folder that node_tree/package-lock.json describes, in the cache; npm fetches it once."""
    lock = (HERE / "package-lock.json").read_bytes()
    folder = cache_folder() / f"node-{hashlib.sha256(lock).hexdigest()[:16]}"
    if not (folder / "complete").exists():
        print("bench: npm fetches the node_modules tree, once", file=sys.stderr, flush=True)
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, folder)
        done = subprocess.run(["npm", "ci", "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund",
                               "--loglevel=error"], cwd=folder, stdout=sys.stderr, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"npm could not install {HERE / 'package-lock.json'}")
        (folder / "complete").touch()
    return folder / "node_modules"


def copy_node_modules(into, most_files):
    """Whole packages in the order of their names, until there are that many files; everything where it is None."""
    source = installed_node_modules()
    if most_files is None:
        subprocess.run(["cp", "-a", str(source), str(into)], check=True)
        return
    into.mkdir()
    for package in sorted(source.iterdir()):
        if package.name.startswith("."):
            continue
        subprocess.run(["cp", "-a", str(package), str(into)], check=True)
        most_files -= sum(1 for path in package.rglob("*") if path.is_file())
        if most_files <= 0:
            return
