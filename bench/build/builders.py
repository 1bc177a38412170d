"""Who builds: each is given a context and a reference, and makes the registry hold the image under it."""

import os
import shutil
import subprocess
import time
import urllib.request
from pathlib import Path

import equal
from machine import CellFailed, mounts_below, unmount

BUILD_SECONDS = 300
SHOWN_CHARACTERS = 300
CONTAINERS = Path("/var/lib/containers")  # buildah's cache of blobs is there, whatever its storage is

FLOOR = r"""
set -eo pipefail
mkfifo plain
openssl dgst -sha256 -r plain > diff-id &
tar --create --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 -C "$1" "$2" | tee plain | zstd -q -3 -T0 \
    | tee blob | openssl dgst -sha256 -r > digest
wait $!
read -r digest _ < digest
place=$(curl -sSf -X POST -o /dev/null -w '%header{location}' "http://$3/blobs/uploads/")
curl -sSf -o /dev/null -T blob -H Expect: -H 'Content-Type: application/octet-stream' "$place&digest=sha256:$digest"
echo "$digest"
"""


class Builder:
    """One peer. Its store is kept from build to build until fresh() takes it away."""

    name = ""

    def __init__(self, folder):
        self._folder = folder / f"{self.name}-store"
        self._repository = f"bench/{self.name}"
        self._stores = 0
        self.image = ""  # the last that was built

    def fresh(self):
        """As on a machine that has built nothing yet, for a repository that holds nothing."""
        self.remove()
        (self._folder / "tmp").mkdir(parents=True)
        self._stores += 1

    def remove(self):
        for mount in reversed(mounts_below(self._folder)):
            unmount(mount)
        if self._folder.exists():
            shutil.rmtree(self._folder)

    def build(self, context, address):
        """Seconds from before the first process to the end of the last one."""
        self.image = f"{address}/{self._repository}-{self._stores}:1"
        environment = os.environ | {"TMPDIR": str(self._folder / "tmp")} | self._environment()
        commands = self._commands(context)
        started = time.monotonic()
        for command in commands:
            self._run(command, environment)
        return time.monotonic() - started

    def unpacked(self, layers, folder):
        """The tree of the last image, from the registry."""
        return equal.unpack_image(self.image, layers, folder)

    def _run(self, command, environment):
        try:
            done = subprocess.run([str(word) for word in command], check=False, capture_output=True, text=True,
                                  stdin=subprocess.DEVNULL, env=environment, cwd=self._folder, timeout=BUILD_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise CellFailed(f"{self.name}: not within {BUILD_SECONDS} s") from error
        if done.returncode != 0:
            raise CellFailed(f"{self.name}: exit code {done.returncode}: "
                             f"{' '.join(done.stderr.split())[-SHOWN_CHARACTERS:]}")
        return done.stdout

    def _environment(self):
        return {}

    def _commands(self, context):
        raise NotImplementedError


class Synchost(Builder):
    name = "synchost"

    def __init__(self, folder, program):
        super().__init__(folder)
        self._program = program

    def _environment(self):
        return {"XDG_CACHE_HOME": str(self._folder)}

    def _commands(self, context):
        return [(self._program, "build", "-t", self.image, "--push", context.folder)]


class Buildah(Builder):
    """--layers: without it there is no cache, and all steps make one layer."""

    name = "buildah"

    def fresh(self):
        super().fresh()
        shutil.rmtree(CONTAINERS / "cache", ignore_errors=True)
        (self._folder / "storage.conf").write_text(
            f'[storage]\ndriver = "overlay"\ngraphroot = "{self._folder}/storage"\nrunroot = "{self._folder}/run"\n')

    def _environment(self):
        return {"CONTAINERS_STORAGE_CONF": str(self._folder / "storage.conf")}

    def _commands(self, context):
        return [("buildah", "bud", "--isolation", "chroot", "--layers", "--tls-verify=false", "-t", self.image,
                 context.folder),
                ("buildah", "push", "--tls-verify=false", "--compression-format", "zstd", self.image)]


class Floor(Builder):
    """tar, zstd, two SHA-256 and one upload; no cache, no config, no manifest."""

    name = "floor"

    def unpacked(self, layers, folder):
        """What it has sent; of an image with several layers that is not all, and there is nothing to compare."""
        if layers > 1:
            return None
        address, repository = self._place()
        digest = (self._folder / "digest").read_text().split()[0]
        blob = folder / "blob"
        with urllib.request.urlopen(f"http://{address}/v2/{repository}/blobs/sha256:{digest}", timeout=60) as answer:
            with blob.open("wb") as file:
                shutil.copyfileobj(answer, file)
        root = folder / "root"
        root.mkdir()
        equal.unpack_layer(blob, root)
        return equal.tree(root)

    def _place(self):
        return self.image.removesuffix(":1").split("/", 1)

    def _commands(self, context):
        for name in ("plain", "blob", "diff-id", "digest"):
            (self._folder / name).unlink(missing_ok=True)
        address, repository = self._place()
        return [("bash", "-c", FLOOR, "floor", context.folder, context.packed, f"{address}/v2/{repository}")]
