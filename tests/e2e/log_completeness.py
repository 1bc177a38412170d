"""The logs of three replicas on podman, against what conmon wrote of them: 100,000 lines and more, with restarts of the
process in between, with a watch that is killed and followed by another, and with a log that was begun anew meanwhile.

    log_completeness.py --synchost PROGRAM"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

from watch_session import WatchSession

LINES = 9_000  # of each run of the process
REPLICAS = 3
DOCKERFILE = """FROM scratch
COPY busybox /bin/busybox
COPY app/ /srv/
USER 1000:1000
CMD ["/bin/busybox", "sh", "/srv/app.sh"]
"""
# A run prints its lines at once; later ones are asked for by a file.
APP = f"""run=$(/bin/busybox cat /proc/sys/kernel/random/uuid)
say() {{ /bin/busybox awk -v "run=$run" -v "part=$1" -v "count=$2" -v "size=$3" \\
    'BEGIN {{ pad = sprintf("%" size "s", ""); for (i = 0; i < count; i++) print run, part, i pad; print run, part, "end" }}'; }}
say start {LINES} 0
while :; do
    if [ -f /tmp/go ]; then read -r part count size </tmp/go; /bin/busybox rm /tmp/go; say "$part" "$count" "$size"; fi
    /bin/busybox sleep 0.05
done
"""
MANIFEST = f"""apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec:
  replicas: {REPLICAS}
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec:
      terminationGracePeriodSeconds: 1
      volumes: [{{name: tmp, emptyDir: {{}}}}]
      containers:
      - name: web
        image: web
        volumeMounts: [{{name: tmp, mountPath: /tmp}}]
        securityContext: {{runAsNonRoot: true, runAsUser: 1000}}
"""


def eventually(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def lines_of(path):
    """A k8s-file log by its format alone: TIME STREAM P|F TEXT, where P goes on in the next record of the stream."""
    out, partial = [], {"stdout": b"", "stderr": b""}
    for record in path.read_bytes().split(b"\n")[:-1]:
        _, stream, flag, text = (record + b" ").split(b" ", 3)
        text, stream = text[:-1], stream.decode()
        partial[stream] += text
        if flag == b"F":
            out.append((stream, partial[stream].decode()))
            partial[stream] = b""
    return out


class LogCompleteness(unittest.TestCase):
    program = None

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="synchost-logs-")
        self.addCleanup(self.folder.cleanup)
        self.project = Path(self.folder.name, f"logs-{os.getpid()}")
        (self.project / "k8s").mkdir(parents=True)
        (self.project / "app").mkdir()
        (self.project / "busybox").write_bytes(Path("/bin/busybox").read_bytes())
        (self.project / "busybox").chmod(0o755)
        (self.project / "app/app.sh").write_text(APP)
        (self.project / "Dockerfile").write_text(DOCKERFILE)
        (self.project / "k8s/web.yaml").write_text(MANIFEST)
        (self.project / "synchost.yaml").write_text("images: {web: }\nmanifests: [k8s]\n")
        self.environment = {**os.environ, "XDG_STATE_HOME": f"{self.folder.name}/state",
                            "XDG_CACHE_HOME": f"{self.folder.name}/cache"}
        self.environment.pop("KUBECONFIG", None)
        self.addCleanup(self.synchost, "down", "--runtime", "podman")
        self.watches = 0

    def synchost(self, *words):
        return subprocess.run([self.program, *words], cwd=self.project, env=self.environment, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=120, check=False)

    def watch(self):
        self.watches += 1
        session = WatchSession([self.program, "watch", "--runtime", "podman"], self.project, self.environment,
                               f"{self.folder.name}/watch-{self.watches}.log")
        self.addCleanup(session.kill)
        self.assertTrue(eventually(lambda: any(line.startswith("deployed") for line in session.lines())), session.tail())
        return session

    def replicas(self):
        told = subprocess.run(["podman", "ps", "--format", "json"], capture_output=True, text=True, check=True)
        names = sorted(name for container in json.loads(told.stdout) for name in container["Names"]
                       if name.startswith(self.project.name) and name.endswith("-web"))
        self.assertEqual(REPLICAS, len(names))
        return {name[len(self.project.name) + 1:-len("-web")]: name for name in names}

    def log_file(self, container):
        told = subprocess.run(["podman", "inspect", "--format", "{{.HostConfig.LogConfig.Path}}", container],
                              capture_output=True, text=True, check=True)
        return Path(told.stdout.strip())

    def ask(self, container, part, count, size):
        subprocess.run(["podman", "exec", container, "/bin/busybox", "sh", "-c",
                        f"echo {part} {count} {size} >/tmp/new && /bin/busybox mv /tmp/new /tmp/go"], check=True)

    def gathered(self, pod):
        told = self.synchost("logs", "--json", "web")
        self.assertEqual(0, told.returncode, told.stderr)
        records = [json.loads(line) for line in told.stdout.splitlines()]
        return ["gap" if record.get("gap") else (record["stream"], record["text"]) for record in records
                if record.get("pod", pod) == pod]

    def expect_all(self, replicas, before=None):
        """Every line once, in its order, for each container; returns how many. `before`: of pods that are gone."""
        count = 0
        for pod, container in replicas.items():
            wanted = (before or {}).get(pod, []) + lines_of(self.log_file(container))
            found = []

            def is_there():
                nonlocal found
                found = self.gathered(pod)
                return len(found) >= len(wanted)

            eventually(is_there, 20)
            self.assertEqual(len(wanted), len(found), pod)
            self.assertTrue(wanted == found, f"{pod}: the lines differ")
            count += len(found)
        return count

    def ended(self, container, part, times):
        return eventually(lambda: sum(text.endswith(f"{part} end") for _, text in lines_of(self.log_file(container))) >= times)

    def test_every_line_once_across_restarts_and_a_killed_watch(self):
        session = self.watch()
        replicas = self.replicas()
        for container in replicas.values():
            self.assertTrue(self.ended(container, "start", 1))
        for times in (2, 3):
            self.assertEqual(0, self.synchost("restart", "web").returncode)
            for container in replicas.values():
                self.assertTrue(self.ended(container, "start", times))
        self.synchost("restart", "web")  # and one that does not wait for the end of the lines
        self.synchost("restart", "web")
        for container in replicas.values():
            self.assertTrue(self.ended(container, "start", 4))
        self.assertGreaterEqual(self.expect_all(replicas), REPLICAS * 4 * LINES)

        session.kill()
        for container in replicas.values():
            self.ask(container, "alone", 500, 0)
            self.assertTrue(self.ended(container, "alone", 1))
        before = {pod: lines_of(self.log_file(container)) for pod, container in replicas.items()}
        self.watch()  # which takes the pods of the killed one away
        for container in self.replicas().values():
            self.assertTrue(self.ended(container, "start", 1))
        self.assertGreaterEqual(self.expect_all(self.replicas(), before), 100_000)

    def test_what_a_log_lost_while_nobody_looked_is_shown_as_a_gap(self):
        session = self.watch()
        pod, container = next(iter(self.replicas().items()))
        log = self.log_file(container)
        self.assertTrue(self.ended(container, "start", 1))
        self.expect_all({pod: container})
        session.kill()
        first = log.stat().st_ino
        self.ask(container, "flood", 9_000, 8_000)  # more than conmon keeps of a log
        self.assertTrue(eventually(lambda: log.stat().st_ino != first))
        self.assertTrue(self.ended(container, "flood", 1))
        left = lines_of(log)
        self.watch()  # which takes the pods of the killed one away
        found = []

        def is_there():
            nonlocal found
            found = self.gathered(pod)
            return left[-1] in found and found[-1][1].endswith("start end")

        self.assertTrue(eventually(is_there, 30))
        self.assertEqual(1, found.count("gap"))
        at = found.index("gap")
        self.assertTrue(found[at - 1][1].endswith("start end"), found[at - 1])
        self.assertTrue(found[at + 1:at + 1 + len(left)] == left, "what was left follows the gap")
        told = self.synchost("logs", "web")
        self.assertIn(f"(lines of {pod}/web may be missing here", told.stdout)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--synchost", required=True, type=Path, help="the program")
    options, rest = parser.parse_known_args()
    LogCompleteness.program = str(options.synchost.resolve())
    unittest.main(argv=[sys.argv[0], *rest])
