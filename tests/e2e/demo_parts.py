"""What the demo needs beside synchost itself: a registry on loopback, and the example's base images in it."""

import re
import subprocess
import tempfile
import time
from pathlib import Path

from browser import cache_folder

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "todo"
START_SECONDS = 10


class Registry:
    """Debian's docker-registry on a free port of 127.0.0.1, for the length of a `with`. Blobs stay in `storage`."""

    def __init__(self, storage):
        self.storage = Path(storage)
        self.address = ""

    def __enter__(self):
        self.storage.mkdir(parents=True, exist_ok=True)
        self._files = tempfile.TemporaryDirectory(prefix="synchost-registry-")
        config, log = Path(self._files.name, "config.yml"), Path(self._files.name, "log")
        config.write_text(f"version: 0.1\nlog: {{level: info}}\nhttp: {{addr: '127.0.0.1:0'}}\n"
                          f"storage: {{filesystem: {{rootdirectory: '{self.storage}'}}, delete: {{enabled: true}}}}\n")
        with log.open("wb") as stderr:
            # A session of its own: the Ctrl-C that ends the demo must find the registry still there.
            self._process = subprocess.Popen(["docker-registry", "serve", str(config)], stdout=subprocess.DEVNULL,
                                             stderr=stderr, start_new_session=True)
        deadline = time.monotonic() + START_SECONDS
        while not (found := re.search(r"listening on (127\.0\.0\.1:\d+)", log.read_text(errors="replace"))):
            if self._process.poll() is not None or time.monotonic() > deadline:
                text = log.read_text(errors="replace")
                self.__exit__()
                raise RuntimeError(f"docker-registry did not start:\n{text}")
            time.sleep(0.01)
        self.address = found[1]
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait(timeout=10)
        self._files.cleanup()

    def blobs(self):
        return blobs_in(self.storage)


def push_stand_ins(address):
    """Puts the base images into the registry at HOST:PORT; returns the build arguments that name them."""
    result = subprocess.run([str(EXAMPLE / "stand-ins.sh"), address], stdout=subprocess.PIPE, text=True, check=False)
    if result.returncode != 0:
        raise RuntimeError("the example's base images could not be made; the lines above say why")
    return result.stdout.split()


def watch_command(synchost, where, build_args, extra):
    """`where` are the arguments that choose the runtime."""
    command = [str(synchost), "watch", *where]
    for argument in build_args:
        command += ["--build-arg", argument]
    return command + list(extra)


def on_podman(registry):
    return ["--runtime", "podman", "--registry", registry.address]


def demo_registry():
    """The registry of the demo that a person runs: it keeps the base images from run to run."""
    return Registry(cache_folder() / "demo-registry")


def blobs_in(storage):
    """Digests of everything that was ever pushed to a docker-registry with this folder."""
    return {folder.name for folder in (Path(storage) / "docker/registry/v2/blobs/sha256").glob("*/*")}
