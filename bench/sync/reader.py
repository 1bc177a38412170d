"""Talks to native/reader.c, the independent reader."""

import subprocess
import zlib
from typing import NamedTuple

from machine import CellFailed, start

WAIT_SECONDS = 120


class Expected(NamedTuple):
    """A file, below one of the reader's folders, that is to have this size and these bytes at this offset."""
    name: str
    size: int
    content: bytes
    old: bytes = b""
    offset: int = 0
    folder: int = 0

    def line(self):
        crc, old = zlib.crc32(self.content), zlib.crc32(self.old)
        return f"{self.folder} {self.size} {crc:x} {old:x} {self.offset} {len(self.content)} {self.name}\n"


class Reader:
    def __init__(self, cleanup, programs, folders):
        self._process = start(cleanup, programs / "reader", *folders, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True)

    def expect(self, files, seconds=WAIT_SECONDS):
        """From now on it looks for these; returns when the first look is about to come."""
        self._process.stdin.write(f"await {len(files)} {int(seconds * 1000)}\n" + "".join(f.line() for f in files))
        self._process.stdin.flush()
        if self._process.stdout.readline() != "reading\n":
            raise CellFailed("the reader has ended")

    def seen(self):
        """(CLOCK_MONOTONIC in nanoseconds when the last file was there, looks that found a file torn)"""
        answer = self._process.stdout.readline().split(maxsplit=1)
        if not answer or answer[0] != "seen":
            raise CellFailed(f"not seen: {answer[1].strip()}" if answer else "the reader has ended")
        when, torn = answer[1].split()
        return int(when), int(torn)


def compare(programs, mode, folder, copy):
    """(entries, bytes, differences, last change of the copy in nanoseconds of CLOCK_REALTIME, first difference)"""
    done = subprocess.run([str(programs / "treecheck"), mode, str(folder), str(copy)], capture_output=True, text=True,
                          check=False)
    if done.returncode != 0:
        raise CellFailed(done.stderr.strip())
    words = done.stdout.rstrip("\n").split(" ", 4)
    return *map(int, words[:4]), words[4]
