"""Steps of a check on Kubernetes: what the page is given of a service, held against what the API server has."""

import json
import re
import time
from datetime import datetime
from pathlib import Path
from urllib.parse import urlencode

from cluster_pods import is_ready, statuses
from measure import wait_until
from watch_commands import UnixConnection, WatchCommands

OURS = "synchost-"
KILLED = 137
KUBELETS_LOG_BYTES = 10 << 20  # its default; it looks at the size every 10 seconds
ROTATION_SECONDS = 40
DIGEST = re.compile(r"@(sha256:[0-9a-f]{64})$")
# Of examples/todo/k8s/api.yaml, with the liveness that kubernetes_check.py gives it.
PROBES_OF_API = [("startup", "http GET :http/healthz every 1 s"), ("readiness", "http GET :http/healthz every 2 s"),
                 ("liveness", "http GET :http/healthz every 1 s")]
FIRST_WORDS = ["Scheduled", "Pulled", "Created", "Started"]  # of every pod, in this order, whatever comes between

PHASES = ["detected", "encoded", "sent", "applied", "restarted", "ready"]


class ServiceDetails(WatchCommands):
    """For a check with `cluster` and an `observer` of the namespace, beside what WatchCommands needs."""

    def detail(self, service):
        return json.loads(self._get(f"/api/v1/services/{service}"))

    def logs_of(self, service, **parameters):
        """LogRecords and LogGaps."""
        told = self._get(f"/api/v1/logs?{urlencode({'service': service, **parameters})}")
        return [json.loads(line) for line in told.splitlines()]

    def _get(self, path):
        connection = UnixConnection(self.control_socket())
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            told = answer.read()
            assert answer.status == 200, f"GET {path}: {answer.status}: {told}"
            return told
        finally:
            connection.close()

    # --- steps

    def a_service_is_told_as_the_api_server_has_it(self):
        """While nothing changes: the same pods before and after the question."""
        def look():
            before = self.observer.ready_pods("api")
            told = self.detail("api")
            same = [pod["metadata"]["resourceVersion"] for pod in self.observer.ready_pods("api")]
            return (before, told) if before and [p["metadata"]["resourceVersion"] for p in before] == same else None
        pods, told = wait_until("the pods of the API stay as they are for a question", look)
        assert told["pods_problem"] == "", told["pods_problem"]
        probes = [(one["kind"], one["text"]) for one in told["service"]["probes"]]
        assert probes == PROBES_OF_API, f"the probes are told as {probes}"
        assert told["service"]["replicas"] == {"wanted": len(pods), "there": len(pods), "current": len(pods)}, \
            f"the replicas are told as {told['service']['replicas']}"
        by_name = {pod["metadata"]["name"]: pod for pod in pods}
        assert [pod["name"] for pod in told["pods"]] == sorted(by_name), f"told are the pods {told['pods']}"
        for pod in told["pods"]:
            _assert_as_it_is(pod, by_name[pod["name"]])
            _assert_events(pod)

    def the_last_save_is_told_until_its_replicas_serve(self):
        """After a save that restarted the API; nothing in a pod may do more than an app without privileges."""
        query = urlencode({"service": "api", "limit": 1})

        def look():
            change, = json.loads(self._get(f"/api/v1/changes?{query}"))["changes"]
            return change if change["phases"][-1:] and change["phases"][-1]["name"] == "ready" else None
        change = wait_until("the last save has a phase `ready`", look)
        assert [phase["name"] for phase in change["phases"]] == PHASES, f"its phases are {change['phases']}"
        assert change["containers"] == len(self.observer.ready_pods("api")), f"it went to {change['containers']}"

    def a_rollout_is_told_in_the_activity(self):
        """In the order in which it came about, with the names that the page shows."""
        with self.events() as events:
            said = []
            for event in events:
                said.append((event.get("kind"), event.get("subject")))
                if event.get("kind") == "deployed":
                    break
        for image in ("todo-api", "todo-ui"):
            assert ("built", image) in said, f"that {image} was built is not among {said}"

    def a_log_outgrows_its_file(self):
        """Of `loud`, a container that goes on meanwhile; while no watch follows it."""
        line = b"%s\n" % (b"x" * 1023)
        with open(f"/proc/{self.loud.pid}/fd/1", "wb") as output:
            for _ in range(KUBELETS_LOG_BYTES // len(line) + 1024):
                output.write(line)

    def the_kubelet_throws_lines_away(self):
        """It begins another file, and gives nothing of those before to anybody who asks for the log."""
        logs = Path(f"/proc/{self.cluster.holder}/root/var/log/pods")
        folder = logs / f"{self.observer.namespace}_{self.loud.name}_{self.loud.pod}/ui"
        wait_until("the kubelet has begun another file", lambda: len(list(folder.iterdir())) > 1, ROTATION_SECONDS, 0.1)
        Path(f"/proc/{self.loud.pid}/fd/1").write_text("after the rotation\n")

    def what_is_lost_is_told_as_a_gap(self):
        def look():
            told = self.logs_of("ui", pod=self.loud.name, tail=2000)
            found = [index for index, one in enumerate(told) if one.get("text") == "after the rotation"]
            return told[:found[0]] if found else None
        before = wait_until("the first line after the rotation is told", look)
        texts = [one.get("text", "")[:20] for one in before]
        assert any(one.get("gap") and one.get("pod") == self.loud.name for one in before), \
            f"before the first line after the rotation there is no gap, but {texts[-5:]}"
        assert any("listening" in text for text in texts), f"what was kept before is gone: {texts[:5]}"

    def a_restart_by_the_kubelet_is_told(self):
        """Of the container that died while no watch was there."""
        dead = self.dead["api"]
        pod = next(one for one in self.detail("api")["pods"] if one["name"] == dead.name)
        one = next(one for one in pod["containers"] if one["name"] == "api")
        assert (one["state"], one["restarts"], one["exit_code"]) == \
            ("running", dict(dead.restarts)["api"] + 1, KILLED), f"the container that was killed is told as {one}"
        started = [event for event in pod["events"] if event["reason"] == "Started"]
        assert any(event["count"] > 1 for event in started), f"its second start is not among the events {started}"


def _assert_as_it_is(told, pod):
    status, spec = pod["status"], pod["spec"]
    for field, value in (("phase", status["phase"]), ("ready", is_ready(pod)), ("started", status["startTime"]),
                         ("node", spec["nodeName"])):
        assert told[field] == value, f"{told['name']}: {field} is {value}, and is told as {told[field]}"
    containers = spec.get("initContainers", []) + spec["containers"]
    assert [one["name"] for one in told["containers"]] == [one["name"] for one in containers], told["containers"]
    is_now = {one["name"]: one for one in statuses(pod)}
    for one in told["containers"]:
        now = is_now[one["name"]]
        digest = DIGEST.search(one["image"])
        assert digest and now["imageID"].endswith(digest[1]), \
            f"{one['name']} runs {now['imageID']}, and is told to run {one['image']}"
        assert one["ours"] == one["name"].startswith(OURS), f"{one['name']}: whose it is is told wrongly"
        expected = next(iter(now["state"])), now["restartCount"], now["ready"]
        assert (one["state"], one["restarts"], one["ready"]) == expected, f"{one['name']} is {expected}, told: {one}"
    assert any(one["ours"] for one in told["containers"]), "the sidecar is not among the containers"


def _assert_events(told):
    reasons = [event["reason"] for event in told["events"]]
    first = [reasons.index(word) for word in FIRST_WORDS if word in reasons]
    assert len(first) == len(FIRST_WORDS) and first == sorted(first), f"{told['name']}: the events are {reasons}"
    times = [datetime.fromisoformat(event["time"]).timestamp() for event in told["events"]]
    assert all(0 <= time.time() - at < 3600 for at in times), f"{told['name']}: the times are {told['events']}"
    started = datetime.fromisoformat(told["started"]).timestamp()
    assert all(at >= started - 1 for at in times), f"{told['name']} began at {told['started']}: {told['events']}"
