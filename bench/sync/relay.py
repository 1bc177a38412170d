"""Counts what goes over a stream: native/relay.c between its two ends."""

import contextlib
import ctypes
import os
import socket
import subprocess
from pathlib import Path

from machine import CellFailed, start, wait_until

SYS_PIDFD_GETFD = 438  # pidfd_getfd(2); the same number on every architecture
RECONNECT_SECONDS = 30


class Relay:
    def __init__(self, cleanup, programs, listen, connect):
        self._process = start(cleanup, programs / "relay", listen, connect, stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True)
        answer = self._process.stdout.readline().split()
        if len(answer) != 2:
            raise CellFailed(f"no relay from {listen} to {connect}")
        self.port = int(answer[1])

    def count(self):
        """Bytes so far, both directions together."""
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return sum(int(word) for word in self._process.stdout.readline().split()[1:])


def put_before(cleanup, programs, path, pid):
    """Puts a relay before the unix socket at `path` to which process `pid` connects: the socket gets another name, the
    relay its own, and a connection that is there already is shut down, so that the process makes a new one."""
    behind = Path(f"{path}.behind")
    Path(path).rename(behind)
    relay = Relay(cleanup, programs, f"unix:{path}", f"unix:{behind}")
    _shut_down_connections(pid)
    wait_until("the connection through the relay", lambda: relay.count() > 0, RECONNECT_SECONDS)
    return relay


def _shut_down_connections(pid):
    """Those of another process to unix sockets that have a path."""
    libc = ctypes.CDLL(None, use_errno=True)
    owner = os.pidfd_open(pid)
    try:
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                if not os.readlink(entry).startswith("socket:"):
                    continue
                fd = libc.syscall(SYS_PIDFD_GETFD, owner, int(entry.name), 0)
                if fd < 0:
                    continue
                with socket.socket(fileno=fd) as copy:
                    if copy.family == socket.AF_UNIX and copy.getpeername():
                        copy.shutdown(socket.SHUT_RDWR)
    finally:
        os.close(owner)
