"""Steps of a demo's check: the commands that ask the running watch (logs, restart, trigger), and its API."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import threading
import uuid
from pathlib import Path

from measure import http_request, wait_until

INTERRUPTED = 130


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket whose path may be longer than its address."""

    def __init__(self, path, timeout=60):
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self):
        folder = os.open(self._path.parent, os.O_PATH)
        try:
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(self.timeout)
            self.sock.connect(f"/proc/self/fd/{folder}/{self._path.name}")
        finally:
            os.close(folder)


class WatchCommands:
    """For a check that has `synchost_program`, `environment` of it, `project`, `state`, `watch` and `observer`."""

    def synchost(self, command, *arguments, code=0):
        done = subprocess.run([str(self.synchost_program), command, *arguments, "--project", str(self.project)],
                              env=self.environment, capture_output=True, text=True, timeout=180, check=False)
        assert done.returncode == code, f"synchost {command}: exit code {done.returncode}: {done.stdout}{done.stderr}"
        return done.stdout if code == 0 else done.stderr

    def logs(self, *arguments):
        return [json.loads(line) for line in self.synchost("logs", "--json", *arguments).splitlines()]

    def call(self, mark):
        """Has the API log a line with this mark."""
        http_request(f"{self.watch.url('api')}/api/{mark}")

    def control_socket(self):
        found, = self.state.glob("synchost/*/control.sock")
        return found

    def process_starts(self):
        """How often each container's process has started, by pod and container."""
        done = subprocess.run([str(self.synchost_program), "status", "--json", str(self.project)],
                              env=self.environment, capture_output=True, text=True, timeout=60, check=False)
        return {(pod["name"], container["name"]): container["starts"]
                for pod in json.loads(done.stdout.splitlines()[0])["pods"] for container in pod["containers"]}

    # --- steps

    def logs_are_kept_and_followed(self):
        mark = uuid.uuid4().hex
        self.call(mark)
        wait_until("a line that the API wrote is in its log", lambda: self.logs("api", "--grep", f"GET.*{mark}"))
        line, = self.logs("api", "--grep", f"GET.*{mark}", "--since", "1m")
        assert (line["service"], line["stream"]) == ("Deployment/api", "stdout"), line
        assert not self.logs("ui", "--grep", mark) and not self.logs("--grep", mark, "--container", "none")
        assert len(self.logs("todo-api", "--tail", "2")) == 2
        error = self.synchost("logs", "apo", code=1)
        assert "no service" in error and "Did you mean api?" in error, error
        with self.following("api", "--grep", mark + "-later", "--tail", "0") as follower:
            self.call(mark + "-later")
            got = follower.stdout.readline()
            assert f"{mark}-later" in got and " | " in got, f"logs --follow printed {got!r}"
            follower.send_signal(signal.SIGINT)
            assert follower.wait(timeout=60) == INTERRUPTED, f"exit code {follower.returncode} after Ctrl-C"

    @contextlib.contextmanager
    def following(self, *arguments):
        """`synchost logs --follow`, once it has told that nothing is there yet: a line of before would come first."""
        command = [str(self.synchost_program), "logs", "--follow", *arguments, "--project", str(self.project)]
        with subprocess.Popen(command, env=self.environment, stdout=subprocess.PIPE, text=True) as follower:
            watchdog = threading.Timer(60, follower.kill)
            watchdog.start()
            try:
                wait_until("logs --follow has connected", lambda: _is_connected(follower.pid))
                yield follower
            finally:
                watchdog.cancel()
                follower.kill()

    def a_restart_keeps_the_pod(self):
        before = self.process_starts()
        with self.no_build_and_no_new_pod():
            told = self.synchost("restart", "api")
            assert told.startswith("restarted api: 1 container in "), told
            wait_until("the restarted API answers", self.api_answers)
        after = self.process_starts()
        assert after.keys() == before.keys(), f"{before} became {after}"
        for (pod, container), starts in after.items():
            expected = before[pod, container] + (1 if container == "api" else 0)
            assert starts == expected, f"{pod}/{container} has started {starts} times, not {expected}"

    def a_trigger_ends_in_an_event(self):
        with self.no_build_and_no_new_pod(), self.events() as events:
            told = self.synchost("trigger", "ui")
            assert told.startswith("unchanged todo-ui"), told
            event = next(event for event in events
                         if (event.get("subject"), event.get("kind")) == ("todo-ui", "unchanged"))
            assert event["tone"] == "plain" and event["time"].endswith("Z"), event

    @contextlib.contextmanager
    def events(self):
        """Those of the stream, from the first that is kept."""
        connection = UnixConnection(self.control_socket())
        connection.request("GET", "/api/v1/events", headers={"Accept": "text/event-stream"})
        answer = connection.getresponse()
        assert answer.status == 200 and answer.getheader("Content-Type") == "text/event-stream"
        try:
            yield (json.loads(line[6:]) for line in iter(answer.readline, b"") if line.startswith(b'data: {"id"'))
        finally:
            connection.close()

    def a_change_needs_the_token(self):
        connection = UnixConnection(self.control_socket())
        for headers, code in (({}, 401), ({"Authorization": "Bearer " + 64 * "0"}, 403)):
            connection.request("POST", "/api/v1/services/api/restart", headers=headers)
            answer = connection.getresponse()
            error = json.loads(answer.read())
            assert answer.status == code and error["next_step"], f"{answer.status}: {error}"
        connection.close()
        token = self.control_socket().with_name("token")
        assert token.stat().st_mode & 0o7777 == 0o600 and len(token.read_text()) == 65

    def logs_outlive_the_watch(self):
        assert self.logs("api", "--grep", "listening port"), "nothing is left of the API's log"
        error = self.synchost("logs", "api", "--follow", code=1)
        assert "there is nothing to follow" in error, error
        # A reader that has had enough is no failure.
        shell = f"set -o pipefail; {self.synchost_program} logs --project {self.project} | head -n 1"
        done = subprocess.run(["bash", "-c", shell], env=self.environment, capture_output=True, text=True, timeout=60,
                              check=False)
        assert done.returncode == 0 and done.stdout.count("\n") == 1, f"{done.returncode}: {done.stderr}"


def _is_connected(pid):
    """Whether this process has a connected unix socket."""
    try:
        links = [os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir()]
    except FileNotFoundError:
        return False
    inodes = {link[8:-1] for link in links if link.startswith("socket:")}
    rows = [line.split() for line in Path("/proc/net/unix").read_text().splitlines()[1:]]
    return any(row[6] in inodes and row[5] == "03" for row in rows)
