"""What happens in which order. Each workload has a file system, a registry and stores of its own."""

import ctypes
import subprocess
from typing import NamedTuple

import base_image
import contexts
import equal
from builders import CONTAINERS, Buildah, Floor, Synchost
from machine import Area, CellFailed, Cleanup, flush, run
from server import Registry

CLONE_NEWNS = 0x00020000
MIB = 1 << 20
AREA_BYTES = 12 << 30
COPY, STEPS, WARM, LARGE, MANY = "COPY only", "three RUN steps", "warm", "256 MiB layer", "many files"
BUILD, FIRST, CHANGED, UNCHANGED = "build and push", "first build", "one file of 50 changed", "nothing changed"
ALL = (COPY, STEPS, WARM, LARGE, MANY)


class Scale(NamedTuple):
    rounds: int
    many_rounds: int
    many_files: int
    many_bytes: int


FULL = Scale(5, 3, 100_000, 1024 * MIB)
QUICK = Scale(2, 1, 10_000, 103 * MIB)


def enter_own_mounts():
    """Mounts from here on are seen by this process and by what it starts, and by nobody else."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    run("mount", "--make-rprivate", "/")


class Bench:
    """The current workload's ground, and where its figures go."""

    def __init__(self, table, scale, synchost, say):
        self._table, self._scale, self._synchost, self._say = table, scale, synchost, say
        self.area_kind = "none"

    def measure(self, workload):
        with Cleanup() as cleanup:
            self._workload = workload
            self._area = Area(cleanup, AREA_BYTES)
            self.area_kind = self._area.kind
            folder = self._area.folder
            _hide_containers(cleanup, folder / "containers")
            self._registry = Registry(cleanup, folder)
            everybody = [Synchost(folder, self._synchost), Buildah(folder), Floor(folder)]
            for peer in everybody:
                cleanup.step(peer.remove)
            self._say(f"{workload}: making the context")
            self._context = self._make_context(folder / "context")
            self._comparison = equal.Comparison(folder)
            (self._warm if workload == WARM else self._cold)(everybody)

    def _make_context(self, folder):
        if self._workload == STEPS:
            return contexts.run_steps(folder, base_image.push(folder.with_name("base"), self._registry.address))
        if self._workload == LARGE:
            return contexts.one_file(folder, 256 * MIB)
        if self._workload == MANY:
            return contexts.copy_only(folder, self._scale.many_files, self._scale.many_bytes)
        return (contexts.edited if self._workload == WARM else contexts.copy_only)(folder, 2000, 40_000_000)

    def _cold(self, everybody):
        """Every build meets an empty store and an empty repository."""
        rounds = self._scale.many_rounds if self._workload == MANY else self._scale.rounds

        def turn(peer, index):
            peer.fresh()
            self._build(BUILD, peer)
            if index == rounds - 1:
                self._compare(peer)
            peer.remove()
        peers = [peer for peer in everybody if self._context.packed or peer.name != "floor"]
        self._rounds(rounds, peers, turn)

    def _warm(self, everybody):
        """Stores and repositories are kept: in each round there is an edit, and everybody builds twice."""
        rounds = self._scale.rounds

        def first(peer, _):
            peer.fresh()
            self._build(FIRST, peer)

        def turn(peer, index):
            self._build(CHANGED, peer)
            if peer.name != "floor":
                self._build(UNCHANGED, peer)
            if index == rounds - 1:
                self._compare(peer)
        left = self._rounds(1, everybody, first)
        self._rounds(rounds, left, turn, lambda index: contexts.edit(self._context, index))

    def _rounds(self, rounds, peers, turn, before=lambda _: None):
        """Every peer once in each round, each round beginning with another one. Returns those that did not fail."""
        left = list(peers)
        for index in range(rounds):
            if not left:
                break
            self._say(f"{self._workload}: round {index + 1} of {rounds}")
            before(index)
            first = index % len(peers)
            for peer in peers[first:] + peers[:first]:
                if peer not in left:
                    continue
                try:
                    turn(peer, index)
                except (CellFailed, OSError, RuntimeError, subprocess.SubprocessError) as error:
                    left.remove(peer)
                    self._fail(peer, str(error))
        return left

    def _build(self, what, peer):
        row = self._table.row(self._workload, what, peer.name, "s")
        flush(self._area)
        row.add(peer.build(self._context, self._registry.address))

    def _compare(self, peer):
        layers = self._context.layers
        self._comparison.check(peer.name, lambda folder: peer.unpacked(layers, folder))

    def _fail(self, peer, text):
        self._say(f"{self._workload}, {peer.name}: {text}")
        for row in self._table.rows:
            if (row.workload, row.peer) == (self._workload, peer.name):
                row.failed = text


def _hide_containers(cleanup, folder):
    folder.mkdir()
    CONTAINERS.mkdir(parents=True, exist_ok=True)
    run("mount", "--bind", folder, CONTAINERS)
    cleanup.step(run, "umount", CONTAINERS)
