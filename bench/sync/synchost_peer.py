"""synchost as its user runs it: `synchost watch` on podman, with real pods whose app does nothing."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "e2e"))
from container import runs_app, runs_sidecar  # noqa: E402  (as the demo's check tells them apart)

from machine import CellFailed, descendants, run, start, stop, wait_until  # noqa: E402
from peers import Peer  # noqa: E402
from relay import put_before  # noqa: E402

START_SECONDS = 300
STOP_SECONDS = 300
INTERRUPTED = 130
TREE = "/srv/tree"
DOCKERFILE = f'FROM scratch\nCOPY pause /pause\nCOPY tree/ {TREE}/\nENTRYPOINT ["/pause"]\n'
CONFIG = "name: {project}\nimages:\n  app: {{context: .}}\nmanifests: [k8s]\n"
MANIFEST = """apiVersion: apps/v1
kind: Deployment
metadata: {{name: app}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: app}}}}
  template:
    metadata: {{labels: {{app: app}}}}
    spec:
      containers:
        - {{name: app, image: app}}
"""


class Synchost(Peer):
    name = "synchost"

    def __init__(self, ground, replicas=1):
        if replicas > 1:
            self.name = f"synchost, {replicas} pods"
        super().__init__(ground)
        self._replicas = replicas
        self._project = f"bench{os.getpid()}x{replicas}"
        self._project_folder = self.folder / "project"
        self.source = self._project_folder / "tree"
        self.log = self.folder / "watch.log"

    def start(self):
        folder = self._project_folder
        (folder / "k8s").mkdir(parents=True)
        self._copy_base()
        shutil.copy(self.ground.programs / "pause", folder / "pause")
        (folder / "Dockerfile").write_text(DOCKERFILE)
        (folder / "synchost.yaml").write_text(CONFIG.format(project=self._project))
        (folder / "k8s/app.yaml").write_text(MANIFEST.format(replicas=self._replicas))
        # Short: sockets lie below it.
        state = self.ground.area.folder / f"s{self._replicas}"
        environment = {**self.ground.podman.environment, "XDG_STATE_HOME": str(state),
                       "XDG_CACHE_HOME": str(self.folder / "cache")}
        self.cleanup.step(self.ground.podman.remove_pods, f"{self._project}-")
        self.cleanup.step(self._take_down, environment)
        with self.log.open("wb") as log:
            self._watch = start(self.cleanup, self.ground.synchost, "watch", "--runtime", "podman", cwd=folder,
                                env=environment, stdout=log, stderr=subprocess.STDOUT)
        self.cleanup.step(stop, self._watch, signal.SIGINT, STOP_SECONDS)
        self._wait_for_pods()
        if self.ground.counted:
            path, = (state / "synchost").glob("*/pods/*/host/agent.sock")
            self.relay = put_before(self.cleanup, self.ground.programs, path, self._watch.pid)

    def _take_down(self, environment):
        """What `watch` left, where it did not end as Ctrl-C ends it."""
        if self._watch.returncode != INTERRUPTED:
            run(self.ground.synchost, "down", "--runtime", "podman", cwd=self._project_folder, env=environment,
                timeout=STOP_SECONDS)

    def _wait_for_pods(self):
        def all_run():
            self.push([])
            running = self.ground.podman.running(f"{self._project}-")
            self._apps = [pid for _, pid, argv in running if runs_app(argv, "app")]
            self._sidecars = [pid for _, pid, argv in running if runs_sidecar(argv)]
            return len(self._apps) == len(self._sidecars) == self._replicas
        wait_until(f"{self._replicas} pods of synchost", all_run, START_SECONDS, pause=0.2)
        self.targets = [f"/proc/{pid}/root{TREE}" for pid in self._apps]

    def push(self, names):
        if self._watch.poll() is not None:
            lines = self.log.read_text(errors="replace").strip().splitlines()
            raise CellFailed(f"synchost has ended with {self._watch.returncode}: {lines[-1] if lines else ''}")

    def clear(self, name):
        pass  # it deletes what has gone

    def last_failure(self):
        if not self.log.exists():
            return ""
        lines = [line for line in self.log.read_text(errors="replace").splitlines() if line.startswith("failed")]
        return " ".join(lines[-1].split()) if lines else ""

    def processes(self):
        """The host is `synchost watch`; docker-registry, which it starts on podman, is its own line."""
        found = {"host": self._watch.pid, "supervisor": self._apps[0], "sidecar": self._sidecars[0]}
        found.update({f"host's {name}": pid for pid, name in descendants(self._watch.pid)})
        return found
