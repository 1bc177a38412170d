"""Small edits of a large file. Each prepares itself off the clock and gives (save, expected): what to do on the clock,
and what a reader must find then: the place of the edit, and the end of the file, which a copy in place writes last."""

import os
import random
import shutil

from reader import Expected

NAME = "large.bin"
LOOKED_AT = 4096
COPY_CHUNK = 4 << 20


def byte_changed(at):
    """One byte, in place; a negative place counts from the end."""

    def prepare(file, _):
        size = file.stat().st_size
        offset = at if at >= 0 else size + at
        with file.open("rb") as now:
            now.seek(offset)
            byte = bytes([now.read(1)[0] ^ 0x5A])

        def save():
            fd = os.open(file, os.O_WRONLY)
            os.pwrite(fd, byte, offset)
            os.close(fd)
        return save, _expected(file, size, offset, byte)
    return prepare


def byte_inserted(file, beside):
    """At the start, so that everything else moves; saved as editors do it, by a rename over the file."""
    byte = random.randbytes(1)
    with file.open("rb") as old, beside.open("wb") as new:
        new.write(byte)
        shutil.copyfileobj(old, new, COPY_CHUNK)
    return lambda: os.replace(beside, file), _expected(beside, beside.stat().st_size, 0, byte)


def kilobyte_appended(file, _):
    size, more = file.stat().st_size, random.randbytes(1024)

    def save():
        with file.open("ab", buffering=0) as out:
            out.write(more)
    return save, _expected(file, size + len(more), size, more)


def edits(size, index):
    """(name, edit) of each, in places that differ from round to round."""
    return (("byte at the start", byte_changed(index)), ("byte in the middle", byte_changed(size // 2 + 4099 * index)),
            ("byte at the end", byte_changed(-1 - index)), ("byte inserted", byte_inserted),
            ("1 KB appended", kilobyte_appended))


EDIT_NAMES = [name for name, _ in edits(1 << 20, 0)]


def _expected(file, size, offset, new):
    """Of `file` as it is now, with `new` laid over it at `offset`, which makes its size `size`."""
    out = []
    for start in {max(0, min(offset, size - LOOKED_AT)), size - LOOKED_AT}:
        with file.open("rb") as now:
            now.seek(start)
            block = bytearray(now.read(LOOKED_AT).ljust(LOOKED_AT, b"\0"))
        for place, byte in enumerate(new, offset - start):
            if 0 <= place < LOOKED_AT:
                block[place] = byte
        out.append(Expected(NAME, size, bytes(block), offset=start))
    return out
