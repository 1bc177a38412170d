"""The usual way for comparison: one file through `tar | ... exec tar`, into a container that has a tar at all."""

import shutil
import subprocess
import time

from measure import time_until_visible


def time_copies(exec_command, root, file, texts, environment=None):
    """Milliseconds from each write of `file` until the container whose files are below `root` has it. `exec_command`,
    with a command line after it, runs that in the container."""
    took = []
    for text in texts:
        new = text.encode()
        started = time.perf_counter()
        file.write_bytes(new)
        tar = subprocess.Popen(["tar", "-c", "-C", str(file.parent), file.name], stdout=subprocess.PIPE)
        subprocess.run([*exec_command, "/bin/busybox", "tar", "-x", "-C", "/"], stdin=tar.stdout, env=environment,
                       capture_output=True, timeout=120, check=True)
        tar.stdout.close()
        tar.wait()
        took.append(time_until_visible([f"{root}/{file.name}"], new, started))
    return took


class BusyboxContainer:
    """A container on podman of nothing but a static busybox, for the length of a `with`."""

    def __init__(self, podman, name):
        self._podman = podman
        self._name = name
        self._image = f"localhost/{name}:latest"

    def __enter__(self):
        busybox = shutil.which("busybox")
        layer = subprocess.run(["tar", "-c", "-C", "/", "--transform", "s,.*/,bin/,", busybox.lstrip("/")],
                               stdout=subprocess.PIPE, check=True).stdout
        self._podman.run("import", "-q", "-", self._image, input=layer)
        self.id = self._podman.run("run", "-d", "--network", "none", "--name", self._name, self._image,
                                   "/bin/busybox", "sleep", "100000", text=True).strip()
        pid = self._podman.run("inspect", "--format", "{{.State.Pid}}", self.id, text=True).strip()
        self.root = f"/proc/{pid}/root"
        return self

    def __exit__(self, *_):
        self._podman.run("rm", "-f", "-t", "0", self._name, check=False)
        self._podman.run("rmi", "-f", self._image, check=False)

    def time_copies(self, file, texts):
        command = ["podman", "exec", "-i", self.id]
        return time_copies(command, self.root, file, texts, self._podman.environment)
