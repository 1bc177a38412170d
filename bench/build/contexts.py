"""What is built: folders with a Dockerfile, and the edits of one."""

import random
from pathlib import Path
from typing import NamedTuple

BLOCK = 4096
FILES_OF_A_FOLDER = 50
POOL_BYTES = 1 << 20
KINDS = 3  # of blocks: bytes that nothing compresses, hexadecimal, text
RUN_STEPS = """FROM {base}
RUN mkdir -p /srv/app && echo 'listen 8080' > /srv/app/app.conf
RUN for i in $(seq 200); do echo "entry $i" > /srv/app/$i.txt; done
RUN chown -R 1000:1000 /srv/app && chmod 0750 /srv/app
"""


class Context(NamedTuple):
    folder: Path
    packed: str  # the folder in it that the floor packs; empty: there is no floor
    layers: int


class Contents:
    """File contents of which about half is left when they are compressed; the same in every run."""

    def __init__(self, seed):
        self._random = random.Random(seed)
        words = ["".join(self._random.choices("abcdefghijklmnopqrstuvwxyz", k=self._random.randint(2, 10)))
                 for _ in range(4000)]
        self._pool = " ".join(self._random.choices(words, k=POOL_BYTES // 4)).encode()

    def make(self, size):
        blocks = [self._block(index % KINDS) for index in range(-(-size // BLOCK))]
        return b"".join(blocks)[:size]

    def _block(self, kind):
        if kind == 0:
            return self._random.randbytes(BLOCK)
        if kind == 1:
            return self._random.randbytes(BLOCK // 2).hex().encode()
        start = self._random.randrange(len(self._pool) - BLOCK)
        return self._pool[start:start + BLOCK]


def copy_only(folder, files, size):
    """`files` files of `size` bytes together, in folders of 50."""
    _tree(folder / "app", files, size)
    return _with_dockerfile(folder, "FROM scratch\nCOPY app /app\n", "app", 1)


def edited(folder, files, size):
    """The same, and a project of 50 files on top of it, of which one is edited."""
    _tree(folder / "app", files, size)
    _tree(folder / "src", 50, 200_000)
    return _with_dockerfile(folder, "FROM scratch\nCOPY app /app\nCOPY src /src\n", "src", 2)


def edit(context, number):
    """A line more in one of the 50."""
    with (context.folder / "src/000" / f"{number % FILES_OF_A_FOLDER:06}.txt").open("a") as file:
        file.write(f"edit {number}\n")


def one_file(folder, size):
    target = folder / "app"
    _made(target)
    contents = Contents(1)
    path = target / "large.bin"
    with path.open("wb") as file:
        for _ in range(size >> 20):
            file.write(contents.make(1 << 20))
    path.chmod(0o644)
    return _with_dockerfile(folder, "FROM scratch\nCOPY app /app\n", "app", 1)


def run_steps(folder, base):
    folder.mkdir()
    return _with_dockerfile(folder, RUN_STEPS.format(base=base), "", 4)


def _tree(folder, files, size):
    contents = Contents(files)
    _made(folder)
    for index in range(files):
        parent = folder / f"{index // FILES_OF_A_FOLDER:03}"
        if index % FILES_OF_A_FOLDER == 0:
            _made(parent)
        path = parent / f"{index:06}.txt"
        path.write_bytes(contents.make(size // files))
        path.chmod(0o644)


def _made(folder):
    folder.mkdir(parents=True)
    folder.chmod(0o755)


def _with_dockerfile(folder, text, packed, layers):
    (folder / "Dockerfile").write_text(text)
    return Context(folder, packed, layers)
