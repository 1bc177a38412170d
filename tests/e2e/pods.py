"""The pods as podman and the kernel see them: an observer that has no part of synchost's own."""

import json
import os
import struct
import subprocess
from pathlib import Path
from typing import NamedTuple

LIST_TRIES = 10
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

    @property
    def identity(self):
        """Changes when the container or its pod is replaced, started again, or runs another image."""
        return self.pod, self.id, self.started_at, self.image

    @property
    def root(self):
        """The container's file system, as its first process sees it."""
        return Path(f"/proc/{self.pid}/root")

    def status(self):
        """/proc/PID/status of its first process."""
        pairs = (line.split(":", 1) for line in Path(f"/proc/{self.pid}/status").read_text().splitlines())
        return {name: value.strip() for name, value in pairs}


class Podman:
    """podman with the configuration that `synchost watch` made in its state folder."""

    def __init__(self, state_folder, registry_address):
        self._registry = registry_address
        self._environment = dict(os.environ)
        for name, variable in (("containers.conf", "CONTAINERS_CONF"), ("storage.conf", "CONTAINERS_STORAGE_CONF")):
            for file in Path(state_folder).glob(f"synchost/*/**/{name}"):
                self._environment[variable] = str(file)

    def run(self, *arguments, **options):
        options = {"check": True, "capture_output": True, **options}
        return subprocess.run(["podman", *arguments], env=self._environment, timeout=120, **options).stdout

    def containers(self):
        """Those that run an image of the registry of this check."""
        for _ in range(LIST_TRIES):
            listed = json.loads(self.run("ps", "-a", "--no-trunc", "--format", "json") or "[]")
            ids = [entry["Id"] for entry in listed or [] if entry["Image"].startswith(self._registry + "/")]
            try:
                found = json.loads(self.run("container", "inspect", *ids)) if ids else []
            except subprocess.CalledProcessError:
                continue  # one of them went away between the two questions
            return [Container(id=item["Id"], name=item["Name"], pod=item["Pod"], image=item["Image"],
                              pid=item["State"]["Pid"], started_at=item["State"]["StartedAt"],
                              argv=[item["Path"], *item["Args"]], running=item["State"]["Running"])
                    for item in found]
        raise AssertionError(f"podman could not inspect the containers that it lists, {LIST_TRIES} times in a row")

    def app(self, name):
        """The running container whose supervisor was given this name."""
        found = [c for c in self.containers() if c.running and _runs_app(c.argv, name)]
        if len(found) != 1:
            raise AssertionError(f"{len(found)} containers run the app {name}; there must be one")
        return found[0]

    def sidecars(self):
        return [c for c in self.containers() if c.running and "serve" in c.argv[:2]]

    def leftovers(self):
        """Names of every pod, container, network and volume of this machine's podman."""
        asked = {"pod": ("pod", "ls"), "container": ("ps", "-a"), "network": ("network", "ls"), "volume": ("volume", "ls")}
        key = {"pod": "{{.Id}} {{.Name}}", "container": "{{.ID}} {{.Names}}"}
        return {f"{kind} {line}" for kind, command in asked.items()
                for line in self.run(*command, "--format", key.get(kind, "{{.Name}}"), text=True).splitlines()}

    def remove_pods_of(self, containers):
        for pod in {c.pod for c in containers if c.pod}:
            self.run("pod", "rm", "-f", "-t", "0", pod, check=False)


def _runs_app(argv, name):
    return "run" in argv[:2] and ("--name", name) in zip(argv, argv[1:])


def is_static(program):
    """Whether an ELF file names no dynamic loader."""
    with open(program, "rb") as file:
        header = file.read(64)
        offset, size, count = struct.unpack_from("<Q", header, 32)[0], *struct.unpack_from("<HH", header, 54)
        file.seek(offset)
        segments = file.read(size * count)
    return all(struct.unpack_from("<I", segments, index * size)[0] != PT_INTERP for index in range(count))
