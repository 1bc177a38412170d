"""`synchost run` and `watch --once` on podman: what they leave running, what they take away, and their exit codes.

    run_and_once.py --synchost PROGRAM"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import unittest
import urllib.request
from pathlib import Path

AGENT = "synchost-agent"
DOCKERFILE = """FROM scratch
COPY busybox /bin/busybox
COPY app/ /srv/
USER 1000:1000
CMD ["/bin/busybox", "httpd", "-f", "-p", "8080", "-h", "/srv"]
"""
MANIFEST = """apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - {name: web, image: web, ports: [{containerPort: 8080}], securityContext: {runAsNonRoot: true, runAsUser: 1000}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 8080}]}
"""


class RunAndOnce(unittest.TestCase):
    program = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="synchost-once-")
        self.addCleanup(folder.cleanup)
        self.project = Path(folder.name, f"once-{os.getpid()}")
        (self.project / "k8s").mkdir(parents=True)
        (self.project / "app").mkdir()
        (self.project / "busybox").write_bytes(Path("/bin/busybox").read_bytes())
        (self.project / "busybox").chmod(0o755)
        (self.project / "app/index.html").write_text("first")
        (self.project / "Dockerfile").write_text(DOCKERFILE)
        (self.project / "k8s/web.yaml").write_text(MANIFEST)
        (self.project / "synchost.yaml").write_text("images: {web: }\nmanifests: [k8s]\n")
        self.environment = {**os.environ, "XDG_STATE_HOME": f"{folder.name}/state", "XDG_CACHE_HOME": f"{folder.name}/cache"}
        self.environment.pop("KUBECONFIG", None)
        self.addCleanup(self.synchost, "down")

    def synchost(self, *words):
        return subprocess.run([self.program, *words, "--runtime", "podman"], cwd=self.project, env=self.environment,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False)

    def containers(self):
        told = subprocess.run(["podman", "ps", "-a", "--format", "json"], capture_output=True, text=True, check=True)
        return sorted(name for container in json.loads(told.stdout) for name in container["Names"]
                      if name.startswith(self.project.name))

    def answer(self, output):
        url = next(line.split()[-1] for line in output.splitlines() if line.startswith("ready "))
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.read().decode()

    def test_run_leaves_plain_pods(self):
        done = self.synchost("run")
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.assertEqual([f"{self.project.name}-web-0-web"], self.containers())
        self.assertEqual("first", self.answer(done.stdout))
        self.assertEqual(0, self.synchost("down").returncode)
        self.assertEqual([], self.containers())

    def test_once_brings_the_tree_and_leaves_it_running(self):
        first = self.synchost("watch", "--once")
        self.assertEqual(0, first.returncode, first.stdout + first.stderr)
        self.assertEqual([f"{self.project.name}-web-0-{AGENT}", f"{self.project.name}-web-0-web"], self.containers())
        (self.project / "app/index.html").write_text("second")
        second = self.synchost("watch", "--once")
        self.assertEqual(0, second.returncode, second.stdout + second.stderr)
        self.assertEqual("second", self.answer(second.stdout))

    def test_what_fails_leaves_nothing(self):
        (self.project / "Dockerfile").write_text(DOCKERFILE.replace("COPY app/", "COPY absent/"))
        for words in (["run"], ["watch", "--once"]):
            done = self.synchost(*words)
            self.assertEqual(1, done.returncode, done.stdout + done.stderr)
            self.assertIn("absent", done.stdout)
            self.assertEqual([], self.containers())

    def test_an_unknown_service_is_named_with_those_that_there_are(self):
        done = self.synchost("run", "--only", "wbe")
        self.assertEqual(1, done.returncode)
        self.assertIn("there is no service wbe", done.stderr)
        self.assertIn("Did you mean web?", done.stderr)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--synchost", required=True, type=Path, help="the program")
    options, rest = parser.parse_known_args()
    RunAndOnce.program = str(options.synchost.resolve())
    unittest.main(argv=[sys.argv[0], *rest])
