"""A container as the kernel shows it, whatever runs it."""

import struct
from pathlib import Path
from typing import NamedTuple

PT_INTERP = 3  # elf(5): the segment that names a dynamic loader


class Container(NamedTuple):
    id: str
    name: str
    pod: str
    image: str
    pid: int
    started_at: str
    argv: list
    running: bool
    restarts: tuple = ()  # of every container of its pod, where the runtime counts them

    @property
    def identity(self):
        """Changes when the container or its pod is replaced, started again, or runs another image."""
        return self.pod, self.id, self.started_at, self.image, self.restarts

    @property
    def root(self):
        """The container's file system, as its first process sees it."""
        return Path(f"/proc/{self.pid}/root")

    def status(self):
        """/proc/PID/status of its first process."""
        pairs = (line.split(":", 1) for line in Path(f"/proc/{self.pid}/status").read_text().splitlines())
        return {name: value.strip() for name, value in pairs}


def runs_app(argv, name):
    """Whether this is a supervisor that was given this name."""
    return "run" in argv[:2] and ("--name", name) in zip(argv, argv[1:])


def runs_sidecar(argv):
    return "serve" in argv[:2]


def is_static(program):
    """Whether an ELF file names no dynamic loader."""
    with open(program, "rb") as file:
        header = file.read(64)
        offset, size, count = struct.unpack_from("<Q", header, 32)[0], *struct.unpack_from("<HH", header, 54)
        file.seek(offset)
        segments = file.read(size * count)
    return all(struct.unpack_from("<I", segments, index * size)[0] != PT_INTERP for index in range(count))


def has_text(path, text):
    return path.is_file() and path.read_text() == text
