"""The peers that write into a folder of the host: the floor, tar over TCP, rsync, lsyncd. Each has a source folder of
its own with the same files, and a target on an overlay, as a container's files are."""

import os
import shutil
import socket
import subprocess
from typing import NamedTuple

from machine import CellFailed, Cleanup, descendants, free_port, start, stop, wait_until
from podman_ground import Podman
from relay import Relay

PUSH_SECONDS = 120
READY_SECONDS = 60


class Ground(NamedTuple):
    """What every peer of a workload shares."""
    area: object
    programs: object
    podman: Podman
    synchost: str
    base: object  # the folder with the files that are there from the start
    counted: bool  # whether what goes over the wire passes a relay that counts


class Peer:
    """name: as in the table. source: what is edited. targets: where a reader sees it. push() is for those that do not
    watch. wire(): bytes so far in both directions, None where they are not counted."""

    name = ""
    is_floor = False

    def __init__(self, ground):
        self.ground = ground
        self.cleanup = Cleanup()
        self.folder = ground.area.folder / self.name.replace(" ", "-").replace("|", "")
        self.source = self.folder / "source"
        self.targets = []
        self.relay = None

    def start(self):
        raise NotImplementedError

    def stop(self):
        self.cleanup.close()

    def push(self, names):
        """After `names`, relative to the source, were written: brings them over where nobody watches."""

    def clear(self, name):
        """Takes a folder that was moved out of the source away at the target, where nothing does that by itself."""
        for target in self.targets:
            shutil.rmtree(f"{target}/{name}", ignore_errors=True)

    def processes(self):
        """{what it is: pid} of what stays while nothing happens."""
        return {}

    def last_failure(self):
        """What it said itself of why something failed; "" where it said nothing."""
        return ""

    def wire(self):
        return self.relay.count() if self.relay else None

    def _copy_base(self):
        shutil.copytree(self.ground.base, self.source)

    def _make_target(self):
        lower, merged, mount = self.ground.area.overlay(self.cleanup, f"{self.folder.name}-target")
        shutil.copytree(self.ground.base, lower, dirs_exist_ok=True)
        mount()
        self.targets = [str(merged)]

    def _through_relay(self, port):
        """The port to use in place of this one."""
        if not self.ground.counted:
            return port
        self.relay = Relay(self.cleanup, self.ground.programs, "tcp:0", f"tcp:{port}")
        return self.relay.port


class Floor(Peer):
    name = "floor"
    is_floor = True

    def start(self):
        self._copy_base()
        self._make_target()
        program = self.ground.programs / "floor"
        receiver = start(self.cleanup, program, "receive", self.targets[0], stdout=subprocess.PIPE, text=True)
        port = receiver.stdout.readline().strip()
        sender = start(self.cleanup, program, "send", self.source, port, stdout=subprocess.PIPE, text=True)
        if sender.stdout.readline() != "watching\n":
            raise CellFailed("the floor program does not run")


class TarOverTcp(Peer):
    """The floor of a first sync: one tar into another, over a TCP connection of the loopback."""

    name = "tar | tar"
    is_floor = True

    def start(self):
        self._copy_base()
        self._make_target()

    def push(self, names):
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen(1)
            with socket.create_connection(listener.getsockname()) as near, listener.accept()[0] as far:
                into = subprocess.Popen(["tar", "-x", "-f", "-", "-C", self.targets[0]], stdin=far)
                out = subprocess.Popen(["tar", "-c", "-f", "-", "-C", str(self.source), *names], stdout=near)
        finish(out, into)


class TarExec(Peer):
    """What Tilt and Skaffold do."""

    name = "tar | podman exec"

    def __init__(self, ground, container):
        super().__init__(ground)
        self._container = container
        self._sent = 0
        self.targets = [f"{container.root}/srv/tree"]

    def start(self):
        self._copy_base()

    def push(self, names):
        pack = ["tar", "-c", "-f", "-", "-C", str(self.source), *names]
        out = subprocess.Popen(pack, stdout=subprocess.PIPE)
        into = subprocess.Popen([*self._container.exec_command, "tar", "-x", "-f", "-", "-C", "/srv/tree"],
                                stdin=out.stdout, stdout=subprocess.DEVNULL, env=self.ground.podman.environment)
        out.stdout.close()
        finish(out, into)
        if self.ground.counted:  # the same archive once more, after the clock has stopped for the reader
            self._sent += sum(len(chunk) for chunk in _chunks(pack))

    def wire(self):
        return self._sent if self.ground.counted else None


class Rsync(Peer):
    """A warm daemon, and one call for each edit that names the files."""

    name = "rsync"

    def start(self):
        self._copy_base()
        self._make_target()
        self._url = f"rsync://127.0.0.1:{self._through_relay(self._start_daemon())}/tree/"
        # Nanoseconds of mtime decide: by whole seconds it would lose edits of the same size and second.
        self._options = ["--modify-window=-1", "--sockopts=TCP_NODELAY"] + (["-z"] if self.ground.counted else [])

    def _start_daemon(self):
        port = free_port()
        config = self.folder / "rsyncd.conf"
        config.write_text(f"port = {port}\naddress = 127.0.0.1\nuse chroot = no\nuid = 0\ngid = 0\n"
                          f"socket options = TCP_NODELAY\nreverse lookup = no\n"
                          f"[tree]\npath = {self.targets[0]}\nread only = no\nmunge symlinks = no\n")
        self.daemon = start(self.cleanup, "rsync", "--daemon", "--no-detach", f"--config={config}")
        _wait_for_port(port)
        return port

    def push(self, names):
        done = subprocess.run(["rsync", "-aR", *self._options, *names, self._url], cwd=self.source, capture_output=True,
                              text=True, timeout=PUSH_SECONDS, check=False)
        if done.returncode != 0:
            raise CellFailed(f"rsync: {done.stderr.strip()}")


class Lsyncd(Rsync):
    """Watches, and calls rsync; with no delay of its own."""

    name = "lsyncd"

    def start(self):
        super().start()
        extra = ", ".join(f'"{option}"' for option in self._options)
        config = self.folder / "lsyncd.conf"
        config.write_text(f'sync {{default.rsync, source = "{self.source}", target = "{self._url}", delay = 0,\n'
                          f'      rsync = {{archive = true, _extra = {{{extra}}}}}}}\n')
        self._process = start(self.cleanup, "lsyncd", "-nodaemon", "-log", "scarce", config)

    def push(self, names):
        if self._process.poll() is not None:
            raise CellFailed(f"lsyncd has ended with {self._process.returncode}")

    def clear(self, name):
        pass  # it deletes what has gone

    def processes(self):
        return {"watcher": self._process.pid, "rsync daemon": self.daemon.pid}


class Unison(Peer):
    """In watch mode, over a socket."""

    name = "unison"

    def start(self):
        self._copy_base()
        self._make_target()
        port = free_port()
        path = f"{self.ground.programs}:{os.environ['PATH']}"  # unison-fsmonitor
        environments = []
        for end in ("server", "client"):
            (self.folder / end).mkdir()
            environments.append({**os.environ, "UNISON": str(self.folder / end), "PATH": path})
        self._server = start(self.cleanup, "unison", "-socket", port, "-listen", "127.0.0.1", env=environments[0])
        _wait_for_port(port)
        root = f"socket://127.0.0.1:{self._through_relay(port)}/{self.targets[0]}"
        # Without fastcheck: by whole seconds it would lose edits of the same size and second.
        self._client = start(self.cleanup, "unison", self.source, root, "-repeat", "watch", "-ui", "text", "-auto",
                             "-batch", "-fastcheck", "false", "-confirmbigdel=false", "-prefer", self.source,
                             "-logfile", self.folder / "log", env=environments[1], cwd=self.folder)

    def push(self, names):
        if self._client.poll() is not None:
            raise CellFailed(f"unison has ended with {self._client.returncode}")

    def clear(self, name):
        pass

    def processes(self):
        found = {"client": self._client.pid, "server": self._server.pid}
        for what, pid in list(found.items()):
            found.update({f"{what}'s fsmonitor": child for child, _ in descendants(pid)})
        return found


def finish(out, into):
    """Both ends of a pipe must end well."""
    try:
        codes = (out.wait(timeout=PUSH_SECONDS), into.wait(timeout=PUSH_SECONDS))
    except subprocess.TimeoutExpired:
        raise CellFailed(f"{out.args[0]} has not ended within {PUSH_SECONDS} s") from None
    finally:
        stop(out)
        stop(into)
    if codes != (0, 0):
        raise CellFailed(f"{out.args[0]} and {into.args[0]} ended with {codes}")


def _chunks(command):
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        while chunk := process.stdout.read(1 << 20):
            yield chunk


def _wait_for_port(port):
    def answers():
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0
    wait_until(f"port {port}", answers, READY_SECONDS)
