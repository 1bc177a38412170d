"""The cluster that the tests of one ctest run share: `shared_node.py up|down FOLDER`, ctest's fixture around them.

`up` starts it, in place of one that an interrupted run left in the same folder. `down` is a test as well: it kills the
one process that holds the cluster, and nothing may be left of it on the machine."""

import json
import os
import select
import signal
import socket
import sys
import time
from pathlib import Path

import cluster
import programs
import sandbox
import traces

END_SECONDS = 5


def up(folder):
    held = sandbox.holder_of_lock()
    if held and held[1] == str(folder):
        sandbox.remove(held[0])
        # The lock goes with the last process that holds it open.
        deadline = time.monotonic() + END_SECONDS
        while sandbox.holder_of_lock() and time.monotonic() < deadline:
            time.sleep(0.05)
    before = sorted(traces.find())
    node = cluster.up(folder, programs.say)
    (node.folder / "traces.json").write_text(json.dumps(before))


def down(folder):
    node = cluster.attach(folder)
    before = set(json.loads((folder / "traces.json").read_text()))
    meanwhile = traces.find() - before
    members = Path(f"/proc/{node.holder}/ns/pid").readlink()
    assert len(traces.members(members)) > 10, "the processes of the cluster are not in its own pid namespace"
    process = os.pidfd_open(node.holder)
    os.kill(node.holder, signal.SIGKILL)
    assert select.select([process], [], [], 20)[0], f"process {node.holder} survives a KILL"
    # The kernel lets the holder go once its processes are dead; one may still be on its way out of /proc.
    deadline = time.monotonic() + END_SECONDS
    while (left := traces.members(members)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not left, f"of the killed cluster these still run: {traces.describe(left)}"
    for port in (node.api_port, int(node.registry.rpartition(":")[2])):
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0, f"somebody still listens on port {port}"
    node.down()
    assert not any(folder.exists() for folder in sandbox.cgroups()), "cgroups of the cluster are left"
    for when, left in (("while it ran", meanwhile), ("after its end", traces.find() - before)):
        assert not left, f"the cluster showed on the machine {when}:\n" + "\n".join(sorted(left))
    assert sandbox.holder_of_lock() is None, "the lock outlives the cluster"


if __name__ == "__main__":
    try:
        {"up": up, "down": down}[sys.argv[1]](Path(sys.argv[2]).resolve())
    except (RuntimeError, AssertionError) as error:
        sys.exit(f"cluster: {error}")
