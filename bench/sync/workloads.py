"""The workloads. Each takes place on an area of its own, with every peer of it running on the same tree."""

import contextlib
import os
import random
import shutil
import subprocess
import time

import large_file
import trees
from machine import Area, CellFailed, Cleanup, cpu_seconds, flush, reset_peak, status_kb, wait_until
from peers import Floor, Ground, Lsyncd, Rsync, TarExec, TarOverTcp, Unison
from podman_ground import Podman, TarContainer
from reader import Expected, Reader, compare
from rows import interleaved, why
from synchost_peer import Synchost

START_SECONDS = 60
EDITED = "part10/file07.js"
PROBE = "part00/file00.js"
PAUSE_SECONDS = (0.02, 0.05)  # between two edits: nobody types faster
SAMPLED = 64  # files of a first sync that the reader awaits, evenly over the tree
SETTLE_SECONDS = 0.3  # for the last bytes of an answer
QUIET_SECONDS = 5
SLOW_WITH_TREES = ("lsyncd", "unison")  # one first sync each: it takes a minute
MOST_SECONDS_BEFORE_IDLE = 20  # another peer whose first sync takes longer is not measured idle
# No round begins later than this after the first one: a busy machine gets fewer, and `n` says so.
EDIT_SECONDS, BURST_SECONDS, TREE_SECONDS, LARGE_SECONDS, POD_SECONDS = 180, 60, 180, 420, 120


class Bench:
    def __init__(self, programs, synchost, table, sizes, say):
        self.programs, self.synchost, self.table, self.sizes, self.say = programs, synchost, table, sizes, say
        self.area_kind = ""
        self.tree_facts = {}

    @contextlib.contextmanager
    def running(self, workload, kinds, counted=False, add_to_base=None):
        """The peers of these kinds, started and seen to work, on a fresh area. Afterwards nothing of them is left."""
        with Cleanup() as cleanup:
            area = Area(cleanup)
            self.area_kind = area.kind
            podman = Podman(area)
            before = podman.leftovers()
            base = area.folder / "base"
            trees.make_project(base)
            if add_to_base:
                add_to_base(base)
            ground = Ground(area, self.programs, podman, self.synchost, base, counted)
            with Cleanup() as peers_cleanup:
                yield area, self._started(workload, kinds, ground, peers_cleanup)
            left = podman.leftovers() - before
            if left:
                raise RuntimeError(f"left in podman: {', '.join(sorted(left))}")

    def _started(self, workload, kinds, ground, cleanup):
        """Those that work."""
        peers = []
        for kind in kinds:
            peer = self._make(kind, ground, cleanup)
            cleanup.step(peer.stop)
            peer.workload = workload
            try:
                peer.start()
                self._open_reader(peer)
                self._probe(peer)
                peers.append(peer)
            except (CellFailed, OSError, RuntimeError, subprocess.SubprocessError) as error:
                reason = why(error, peer)
                self.table.row(workload, "start", peer.name, "s").failed = reason
                peer.stop()
                self.say(f"{workload}, {peer.name}: {reason}")
        return peers

    def _make(self, kind, ground, cleanup):
        if kind is TarExec:
            return TarExec(ground, TarContainer(cleanup, ground.podman, self.programs, ground.base))
        if isinstance(kind, int):
            return Synchost(ground, kind)
        return kind(ground)

    def _open_reader(self, peer):
        peer.reader = Reader(peer.cleanup, self.programs, peer.targets)
        peer.content = {}

    def _probe(self, peer):
        """Edits until one arrives: from then on it works."""
        generator = random.Random(4)

        def arrives():
            content = trees.text_bytes(generator, trees.FILE_BYTES)
            peer.reader.expect([Expected(PROBE, len(content), content, folder=index)
                                for index in range(len(peer.targets))], 5)
            (peer.source / PROBE).write_bytes(content)
            peer.push([PROBE])
            try:
                peer.reader.seen()
            except CellFailed:
                return False
            return True
        wait_until(f"{peer.name} brings the first edit over", arrives, START_SECONDS)

    # --- one file, many files

    def edits(self):
        """One file of 4 KB, again and again; and 200 files at once."""
        names = random.Random(5).sample(trees.project_files(), self.sizes.burst_files)
        with self.running("edit", [Floor, Synchost, Rsync, Lsyncd, TarExec, Unison]) as (_, peers):
            generator = random.Random(6)

            def one_file(peer, _):
                row = self.table.row("edit", "write to seen", peer.name, "ms")
                for _ in range(self.sizes.edits_a_round if peer.name != "unison" else self.sizes.unison_edits_a_round):
                    self._edit(peer, [EDITED], generator, row)
                    time.sleep(generator.uniform(*PAUSE_SECONDS))

            def burst(peer, _):
                self._edit(peer, names, generator, self.table.row("burst", "write to seen", peer.name, "ms"))
                time.sleep(0.3)
            left = interleaved(peers, self.sizes.edit_rounds, one_file, self.say, EDIT_SECONDS)
            interleaved(left, self.sizes.burst_rounds, burst, self.say, BURST_SECONDS)

    def _edit(self, peer, names, generator, row):
        peer.row = row
        expected, contents = [], {}
        for name in names:
            old = peer.content.get(name) or (peer.source / name).read_bytes()
            contents[name] = trees.text_bytes(generator, trees.FILE_BYTES)
            expected += [Expected(name, trees.FILE_BYTES, contents[name], old, folder=index)
                         for index in range(len(peer.targets))]
        peer.reader.expect(expected, self.sizes.cell_seconds)
        started = time.monotonic_ns()
        for name, content in contents.items():
            (peer.source / name).write_bytes(content)
        peer.push(names)
        seen, torn = peer.reader.seen()
        peer.content.update(contents)
        row.add((seen - started) / 1e6)
        row.torn += torn > 0

    # --- first syncs

    def first_sync(self, workload, make, idle=False):
        """A whole folder is moved into the source, and is to be at the target."""
        with self.running(workload, [TarOverTcp, Synchost, Rsync, Lsyncd, TarExec, Unison]) as (area, peers):
            stash = area.folder / "stash"
            stash.mkdir()
            make(stash / "arrived")
            entries, size, *_ = compare(self.programs, "names", stash / "arrived", stash / "arrived")
            self.tree_facts[workload] = {"entries": entries, "bytes": size}
            self.say(f"{workload}: {entries:,} files and folders, {size / 1e6:.0f} MB")

            def whole_tree(peer, _):
                flush(area)
                self._one_first_sync(peer, stash)
            slow = [peer for peer in peers if peer.name in SLOW_WITH_TREES]
            others = [peer for peer in peers if peer not in slow]
            left = interleaved(others, self.sizes.tree_rounds, whole_tree, self.say, TREE_SECONDS)
            left += interleaved(slow, 1, whole_tree, self.say)
            if idle:
                self._idle(workload, [peer for peer in left if self._is_measured_idle(workload, peer)], stash)

    def _is_measured_idle(self, workload, peer):
        quick = self.table.median(workload, "first sync", peer.name) < MOST_SECONDS_BEFORE_IDLE
        return bool(peer.processes()) and (quick or isinstance(peer, Synchost))

    def _one_first_sync(self, peer, stash):
        peer.row = row = self.table.row(peer.workload, "first sync", peer.name, "s")
        self._reset_peaks(peer)
        arrived = peer.source / "arrived"
        peer.reader.expect(_sample(stash), self.sizes.cell_seconds)
        copy = f"{peer.targets[0]}/arrived"
        started, started_real = time.monotonic_ns(), time.time_ns()
        (stash / "arrived").rename(arrived)
        try:
            peer.push(["arrived"])
            seen, _ = peer.reader.seen()
            last_change = self._wait_until_equal(arrived, copy)
        finally:
            arrived.rename(stash / "arrived")
            self._note_peaks(peer)
            peer.clear("arrived")
        row.add(max(seen - started, last_change - started_real) / 1e9)
        wait_until("the folder is gone again", lambda: not os.path.exists(copy), self.sizes.cell_seconds, pause=0.05)

    def _wait_until_equal(self, folder, copy):
        """When the copy last changed, in nanoseconds of CLOCK_REALTIME."""
        deadline = time.monotonic() + self.sizes.cell_seconds
        while (found := compare(self.programs, "names", folder, copy))[2] and time.monotonic() < deadline:
            time.sleep(0.05)
        *_, different, last_change, first = compare(self.programs, "bytes", folder, copy) if not found[2] else found
        if different:
            raise CellFailed(f"{different} entries differ, the first: {first}")
        return last_change

    def _idle(self, workload, peers, stash):
        """What stays busy and resident while nothing happens, with the tree in place."""
        self.say(f"idle over {workload}")
        for peer in peers:
            shutil.copytree(stash / "arrived", peer.folder / "copy", symlinks=True)
        for peer in peers:
            peer.reader.expect(_sample(stash), self.sizes.cell_seconds)
            (peer.folder / "copy").rename(peer.source / "arrived")
            try:
                peer.reader.seen()
            except CellFailed as error:
                self.table.row("idle", "cpu", peer.name, "%").failed = str(error)
        time.sleep(QUIET_SECONDS)
        before = {(peer.name, what): cpu_seconds(pid) for peer in peers for what, pid in peer.processes().items()}
        time.sleep(self.sizes.idle_seconds)
        for peer in peers:
            for what, pid in peer.processes().items():
                if (peer.name, what) not in before:
                    continue
                used = cpu_seconds(pid) - before[peer.name, what]
                self.table.row("idle", f"{what}: cpu", peer.name, "%").add(used / self.sizes.idle_seconds * 100)
                self.table.row("idle", f"{what}: resident", peer.name, "MB").add(status_kb(pid, "VmRSS") / 1000)

    # --- a large file

    def large_file(self):
        """Small edits of a large file that does not compress: time, and bytes on the wire in both directions."""
        size = self.sizes.large_bytes
        with self.running("large file", [Synchost, Rsync, TarExec, Unison], counted=True,
                          add_to_base=lambda base: trees.make_binary(base / large_file.NAME, size)) as (area, peers):
            for peer in peers:
                self._reset_peaks(peer)

            def all_edits(peer, index):
                if peer.name == "unison" and index > 0:  # it has a minute's work with each round
                    return
                try:
                    for what, edit in large_file.edits(size, index):
                        flush(area)
                        self._edit_large(peer, what, edit)
                finally:
                    self._note_peaks(peer)
            interleaved(peers, self.sizes.large_rounds, all_edits, self.say, LARGE_SECONDS)

    def _edit_large(self, peer, what, edit):
        peer.row = row = self.table.row("large file", what, peer.name, "s")
        file = peer.source / large_file.NAME
        save, expected = edit(file, peer.folder / "large.new")
        before = peer.wire()
        peer.reader.expect(expected, self.sizes.cell_seconds)
        started = time.monotonic_ns()
        save()
        peer.push([large_file.NAME])
        seen, _ = peer.reader.seen()
        row.add((seen - started) / 1e9)
        time.sleep(SETTLE_SECONDS)
        self.table.row("large file", f"{what}: wire", peer.name, "KB").add((peer.wire() - before) / 1000)
        copy = f"{peer.targets[0]}/{large_file.NAME}"
        if subprocess.run(["cmp", "-s", str(file), copy], check=False).returncode != 0:
            raise CellFailed(f"{large_file.NAME} is not the same after it was seen")

    # --- many pods

    def pods(self):
        """One file, in the slowest of many pods; and the same into one."""
        count = self.sizes.pods
        with self.running("pods", [Synchost, count]) as (_, peers):
            generator = random.Random(7)

            def one_file(peer, _):
                row = self.table.row("pods", "write to seen", peer.name, "ms")
                for _ in range(self.sizes.pod_edits_a_round):
                    self._edit(peer, [EDITED], generator, row)
                    time.sleep(0.15)  # every app has started again
            interleaved(peers, self.sizes.pod_rounds, one_file, self.say, POD_SECONDS)

    # --- parts

    def _agents(self, peer):
        return {what: pid for what, pid in peer.processes().items() if what in ("supervisor", "sidecar")}

    def _reset_peaks(self, peer):
        for pid in self._agents(peer).values():
            reset_peak(pid)

    def _note_peaks(self, peer):
        for what, pid in self._agents(peer).items():
            if not os.path.exists(f"/proc/{pid}"):
                continue
            self.table.row(peer.workload, f"{what}: peak memory", peer.name, "MB").add(status_kb(pid, "VmHWM") / 1000)


def _sample(stash):
    """Files of the tree that will arrive, evenly over it."""
    files = sorted(path for path in (stash / "arrived").rglob("*") if path.is_file() and not path.is_symlink())
    chosen = files[::max(1, len(files) // SAMPLED)] + files[-1:]
    contents = [(str(path.relative_to(stash)), path.read_bytes()) for path in chosen]
    return [Expected(name, len(content), content) for name, content in contents]
