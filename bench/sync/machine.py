"""The ground that everything is measured on: a fresh file system for each workload, and processes that are stopped by
their id whatever happens."""

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

AREA_BYTES = 14 << 30  # of the sparse image; only what is written takes memory
BYTES_PER_INODE = 8192  # hundreds of thousands of small files
UMOUNT_TRIES = 50
STOP_SECONDS = 10
PR_SET_PDEATHSIG = 1


class CellFailed(Exception):
    """One cell of the table has no figure; the text says why. The rest goes on."""


class Cleanup(contextlib.ExitStack):
    """What to undo, in reverse order. One step that fails does not keep the others from being taken."""

    def step(self, function, *arguments):
        def guarded():
            try:
                function(*arguments)
            except (OSError, subprocess.SubprocessError, RuntimeError) as error:
                print(f"bench: {error}", flush=True)
        self.callback(guarded)


def run(*command, **options):
    """Standard output of a command that must succeed."""
    options = {"capture_output": True, "text": True, "timeout": 120, **options}
    done = subprocess.run([str(word) for word in command], check=False, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: exit code {done.returncode}: {(done.stderr or '').strip()}")
    return done.stdout


def start(cleanup, *command, **options):
    """A process that `cleanup` ends. In a session of its own: Ctrl-C is for us, who end things in their order; should
    we be killed, it goes too."""
    libc = ctypes.CDLL(None)
    options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL,
               "start_new_session": True, "preexec_fn": lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM), **options}
    process = subprocess.Popen([str(word) for word in command], **options)
    cleanup.step(stop, process)
    return process


def stop(process, with_signal=signal.SIGTERM, seconds=STOP_SECONDS):
    if process.poll() is None:
        process.send_signal(with_signal)
        try:
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe:
            with contextlib.suppress(OSError):
                pipe.close()


def free_port():
    import socket
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(what, condition, seconds, pause=0.01):
    """The first true value of condition()."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise CellFailed(f"{what}: not within {seconds:.0f} s")
        time.sleep(pause)
    return value


class Area:
    """A fresh ext4 with a journal, in an image in RAM (fsync is almost free on it) or, where /dev/shm is too small, on
    the disk. One for each workload: what was deleted in one cannot slow the next one down."""

    def __init__(self, cleanup, size=AREA_BYTES):
        room = shutil.disk_usage("/dev/shm").free
        self.in_ram = room > size
        holder = Path("/dev/shm" if self.in_ram else "/var/tmp")
        self.name = f"synchost-bench-{os.getpid()}"
        self.image, self.folder = holder / f"{self.name}.ext4", Path("/var/tmp") / self.name
        cleanup.step(self._remove)
        with self.image.open("wb") as image:
            image.truncate(size)
        run("mkfs.ext4", "-q", "-F", "-i", BYTES_PER_INODE, "-m", 0, "-E",
            "lazy_itable_init=0,lazy_journal_init=0,nodiscard", self.image)
        self.folder.mkdir()
        self._device = run("losetup", "--find", "--show", self.image).strip()
        run("mount", "-t", "ext4", "-o", "noatime,nodiscard", self._device, self.folder)

    @property
    def kind(self):
        return f"ext4 with a journal, on a loop device in {'RAM' if self.in_ram else 'a file on the disk'}"

    def overlay(self, cleanup, name):
        """An overlay as a container has it: (folder of its lower layer, mounted folder, function that mounts it)."""
        base = self.folder / name
        lower, upper, work, merged = (base / part for part in ("lower", "upper", "work", "merged"))
        for folder in (lower, upper, work, merged):
            folder.mkdir(parents=True)

        def mount():
            cleanup.step(unmount, merged)
            run("mount", "-t", "overlay", "overlay", "-o", f"lowerdir={lower},upperdir={upper},workdir={work}", merged)
        return lower, merged, mount

    def _remove(self):
        for line in reversed(mounts_below(self.folder)):
            unmount(line)
        if getattr(self, "_device", None):
            run("losetup", "--detach", self._device)
        if self.folder.exists():
            self.folder.rmdir()
        self.image.unlink(missing_ok=True)


def flush(area):
    """What was written before is on its device, and slows nothing down that is measured next."""
    folder = os.open(area.folder, os.O_RDONLY)
    try:
        if ctypes.CDLL(None, use_errno=True).syncfs(folder) != 0:
            raise OSError(ctypes.get_errno(), "syncfs")
    finally:
        os.close(folder)


def mounts_below(folder):
    paths = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    return [path for path in paths if path == str(folder) or path.startswith(f"{folder}/")]


def unmount(folder):
    for _ in range(UMOUNT_TRIES):
        if str(folder) not in mounts_below(folder):
            return
        if subprocess.run(["umount", str(folder)], capture_output=True, check=False).returncode == 0:
            return
        time.sleep(0.1)
    run("umount", "--lazy", folder)


# --- what /proc tells of a process


def status_kb(pid, field):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1])
    raise CellFailed(f"process {pid} has no {field}")


def reset_peak(pid):
    """VmHWM starts anew (proc(5), clear_refs)."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def cpu_seconds(pid):
    """User and system time of all threads, in the scheduler's nanoseconds: utime and stime tick 100 times a second."""
    total = 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError):
            total += int((thread / "schedstat").read_text().split()[0])
    return total / 1e9


def descendants(pid):
    """(pid, program) of every process below this one."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                stat = (entry / "stat").read_text()
                name, rest = stat[stat.index("(") + 1:stat.rindex(")")], stat[stat.rindex(")") + 2:].split()
                parents[int(entry.name)] = (int(rest[1]), name)
    found, border = [], {pid}
    while border:
        border = {child for child, (parent, _) in parents.items() if parent in border}
        found += [(child, parents[child][1]) for child in sorted(border)]
    return found


def load():
    return os.getloadavg()[0]
