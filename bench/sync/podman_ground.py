"""podman with its storage in the area, and the container that tar is piped into."""

import json
import os
import resource
import shutil
import subprocess
import tempfile
from pathlib import Path

from machine import run

MOST_FILES, MOST_PROCESSES = 1_048_576, 32_768
REMOVE_SECONDS = 300


class Podman:
    """The containers' layers lie in the area, as what the other peers write does."""

    def __init__(self, area):
        folder = area.folder / "podman"
        folder.mkdir()
        storage, containers = folder / "storage.conf", folder / "containers.conf"
        storage.write_text(f'[storage]\ndriver = "overlay"\ngraphroot = "{folder}/graph"\nrunroot = "{folder}/run"\n')
        limits = [f'"{name}={most}:{most}"' for name, most in
                  (("nofile", _hard_limit(resource.RLIMIT_NOFILE, MOST_FILES)),
                   ("nproc", _hard_limit(resource.RLIMIT_NPROC, MOST_PROCESSES)))]
        containers.write_text(f'[containers]\ndefault_ulimits = [{", ".join(limits)}]\nlog_driver = "k8s-file"\n'
                              '[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n')
        self.environment = {**os.environ, "CONTAINERS_STORAGE_CONF": str(storage), "CONTAINERS_CONF": str(containers)}
        self.environment.pop("KUBECONFIG", None)

    def run(self, *arguments, **options):
        return run("podman", *arguments, env=self.environment, **options)

    def running(self, pod_prefix):
        """(pod, pid, argv) of every running container of pods whose name begins so."""
        listed = json.loads(self.run("ps", "--no-trunc", "--pod", "--format", "json") or "[]") or []
        ids = [entry["Id"] for entry in listed if entry.get("PodName", "").startswith(pod_prefix)]
        found = json.loads(self.run("container", "inspect", *ids)) if ids else []
        return [(item["Pod"], item["State"]["Pid"], [item["Path"], *item["Args"]]) for item in found]

    def leftovers(self):
        """What of pods, containers and networks podman lists."""
        asked = {"pod": ("pod", "ls", "--format", "{{.Name}}"), "container": ("ps", "-a", "--format", "{{.Names}}"),
                 "network": ("network", "ls", "--format", "{{.Name}}")}
        return {f"{kind} {name}" for kind, command in asked.items() for name in self.run(*command).split()}

    def remove_pods(self, pod_prefix):
        names = self.run("pod", "ls", "--format", "{{.Name}}").split()
        for name in names:
            if name.startswith(pod_prefix):
                self.run("pod", "rm", "-f", "-t", "0", name, timeout=REMOVE_SECONDS)


class TarContainer:
    """A container with Debian's tar and the base tree in its image, whose app does nothing."""

    def __init__(self, cleanup, podman, programs, base):
        self._podman = podman
        name = f"synchost-bench-{os.getpid()}-tar"
        with tempfile.TemporaryDirectory(prefix="synchost-bench-") as scratch:
            root = Path(scratch)
            for file in (shutil.which("tar"), *_libraries_of(shutil.which("tar"))):
                target = root / file.lstrip("/")
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, target)
            shutil.copy(programs / "pause", root / "pause")
            shutil.copytree(base, root / "srv/tree")
            archive = subprocess.run(["tar", "-c", "-C", str(root), "."], stdout=subprocess.PIPE, check=True).stdout
        podman.run("import", "-q", "-", f"localhost/{name}", input=archive, text=False)
        cleanup.step(podman.run, "rm", "-f", "-t", "0", "-i", name)
        podman.run("run", "-d", "--network", "none", "--name", name, f"localhost/{name}", "/pause")
        self.root = f"/proc/{podman.run('inspect', '--format', '{{.State.Pid}}', name).strip()}/root"
        self.exec_command = ["podman", "exec", "-i", name]


def _libraries_of(program):
    words = run("ldd", program).split()
    return [word for word in words if word.startswith("/")]


def _hard_limit(which, most):
    hard = resource.getrlimit(which)[1]
    return most if hard == resource.RLIM_INFINITY else min(hard, most)
