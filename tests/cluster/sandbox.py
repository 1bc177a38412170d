"""The cluster's namespaces (network, mounts, process numbers), held by one process that does nothing. When it ends,
every process of the cluster is killed by the kernel, and mounts, network devices and firewall rules go with them.

Of the machine itself the cluster uses cgroups of its own, which remove() takes away, and two free ports of 127.0.0.1.
They have one name, so a file with a lock on it, held by the holder for as long as it lives, lets one cluster run at a
time."""

import contextlib
import fcntl
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from layout import CGROUP, SCRIPTS

LOCK = Path("/run/synchost-test-cluster.lock")
HERE = Path(__file__).resolve().parent
SECONDS = 20
LOOK_SECONDS = 0.005
_parents = {}  # by holder that this process made: the unshare that waits for it


class Running(RuntimeError):
    """A cluster runs on this machine already."""


def holder_of_lock():
    """(pid, folder) of the cluster that runs on this machine, or None."""
    try:
        with open(LOCK, encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = json.loads(file.read() or "{}")
                return holder.get("pid", 0), holder.get("folder", "")
    except FileNotFoundError:
        pass
    return None


def hold(pause, folder):
    """Makes the namespaces. Returns the pid of their holder."""
    if os.geteuid() != 0:
        raise RuntimeError("the test cluster makes namespaces and mounts, so it needs root; start it with sudo")
    with open(LOCK, "a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid, other = holder_of_lock() or (0, "")
            raise Running(f"a test cluster runs on this machine already: process {pid}, in {other}; they would share "
                          f"cgroups. End it with: {HERE / 'cluster.py'} down {other}") from None
        remove_cgroups()  # of one that was killed
        for cgroup in cgroups():
            cgroup.mkdir()
        command = ["unshare", "--fork", "--kill-child", "--pid", "--net", "--mount", "--mount-proc", "--propagation",
                   "private", str(pause)]
        # The lock is the open file: it is free again when the last process that inherited it has ended. Our own output
        # is not given on: whoever reads it to its end would wait for as long as the cluster lives.
        nothing = {name: subprocess.DEVNULL for name in ("stdin", "stdout", "stderr")}
        parent = subprocess.Popen(command, start_new_session=True, pass_fds=[lock.fileno()], **nothing)
        holder = _child_that_runs(pause, parent)
        _parents[holder] = parent
        lock.seek(0)
        lock.truncate()
        lock.write(json.dumps({"pid": holder, "folder": str(folder)}))
    return holder


def run(holder, *arguments, script=SCRIPTS / "node.py", seconds=300):
    """node.py inside. Returns what it prints."""
    command = ["nsenter", "-t", str(holder), "-m", "-n", "-p", "--", sys.executable, "-B", str(script), *arguments]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds,
                          check=False)
    if done.returncode != 0:
        raise RuntimeError(f"inside the cluster, {' '.join(arguments[:2])}: {done.stderr.strip()}")
    return done.stdout


def relay(holder, name, unix_socket, folder):
    """Listens on a free port of the machine's 127.0.0.1 for what answers at the socket inside. Returns the port.

    Its process belongs to the cluster's process numbers and to the machine's network: it ends with the cluster."""
    run_folder, log = folder / "run", folder / "log" / f"{name}.log"
    for _ in range(5):
        port = _free_port()
        listen = f"TCP-LISTEN:{port},bind=127.0.0.1,reuseaddr,fork,nodelay"
        script = 'log=$1; shift; "$@" </dev/null >>"$log" 2>&1 & echo $!'
        # Relative, from the folder: a socket's path has at most 107 bytes.
        command = ["nsenter", "-t", str(holder), "-p", "--", "setsid", "sh", "-c", script, "sh", str(log),
                   "socat", listen, f"UNIX-CONNECT:{unix_socket}"]
        done = subprocess.run(command, cwd=run_folder, stdout=subprocess.PIPE, text=True, check=True)
        if _listens(port):
            (run_folder / f"{name}.pid").write_text(done.stdout.strip())
            return port
    raise RuntimeError(f"no relay into the cluster could be started; {log} says why")


def remove(holder):
    """Ends the cluster with everything in it, and removes its cgroups."""
    with contextlib.suppress(ProcessLookupError):
        process = os.pidfd_open(holder)
        signal.pidfd_send_signal(process, signal.SIGKILL)
        if not select.select([process], [], [], SECONDS)[0]:
            raise RuntimeError(f"process {holder}, which holds the cluster, does not end")
    if holder in _parents:
        _parents.pop(holder).wait(SECONDS)
    remove_cgroups()


def cgroups():
    """Where the cluster's cgroups are: one folder, or one for each hierarchy of version 1."""
    top = Path("/sys/fs/cgroup")
    if (top / "cgroup.controllers").exists():
        return [top / CGROUP]
    return [hierarchy / CGROUP for hierarchy in top.iterdir()
            if (hierarchy / "cgroup.procs").exists() and not hierarchy.is_symlink()]


def remove_cgroups():
    deadline = time.monotonic() + SECONDS
    while left := [folder for folder in cgroups() if folder.exists()]:
        for top in left:
            for folder, _, _ in os.walk(top, topdown=False):
                with contextlib.suppress(OSError):  # its processes are on their way out
                    os.rmdir(folder)
        if time.monotonic() > deadline:
            raise RuntimeError(f"{left[0]} cannot be removed; processes in it still run")
        time.sleep(LOOK_SECONDS)


def _child_that_runs(program, parent):
    deadline = time.monotonic() + SECONDS
    while parent.poll() is None and time.monotonic() < deadline:
        children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()
        with contextlib.suppress(OSError):
            if children and os.readlink(f"/proc/{children[0]}/exe") == str(program):
                return int(children[0])
        time.sleep(LOOK_SECONDS)
    parent.kill()
    raise RuntimeError("the cluster's namespaces could not be made; this says why: unshare --fork --pid --net --mount "
                       "--mount-proc --propagation private true")


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _listens(port):
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return True
        except ConnectionRefusedError:
            time.sleep(LOOK_SECONDS)
    return False
