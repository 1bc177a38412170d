"""The demo's check on a real Kubernetes, the node of tests/cluster: three replicas of each service, a Job, a CronJob.

What Kubernetes adds to the demo is in steps of their own: here what is asserted of pods that come, go and crash, in
kubernetes_faults.py what breaks between the host and the pods."""

import contextlib
import json
import os
import re
import signal
import sys
import time

from cluster_pods import ClusterPods, ask, is_ready, statuses
from container import has_text
from demo_parts import ROOT, push_stand_ins, watch_command
from kubernetes_faults import Faults
from measure import median, summary, wait_until
from tar_copy import time_copies
from todo_check import REBUILD_SECONDS, SERVICES, TAR_COPIES, TodoCheck, identities

sys.path.insert(0, str(ROOT / "tests/cluster"))
import cluster  # noqa: E402
import programs  # noqa: E402

REPLICAS = 3
SCALED = 6
PORTS = {"api": 8080, "ui": 3000}
HELD_SECONDS = 6  # of a liveness probe that fails each second, once
PODS_SECONDS = 60
TIMES_FASTER_THAN_TAR = 10
AGENT_LINE = re.compile(r"(info|warn|error) agent ")  # of the supervisor, in its container's log
IMPORTS = "import logging\n"
LOG_FORMAT = 'format="%(asctime)s'
LIVENESS = """          livenessProbe:
            httpGet: {path: /healthz, port: http}
            periodSeconds: 10
"""
EAGER_LIVENESS = LIVENESS.replace("periodSeconds: 10", "periodSeconds: 1\n            failureThreshold: 1")
PRINTS_ITS_SOURCE = 'print(open("/srv/api/app.py").read(), end="")'


@contextlib.contextmanager
def prepared(options, folder):
    with cluster.running(say=programs.say) as k, k.namespace(f"todo-check-{os.getpid()}") as namespace:
        yield KubernetesCheck(options, folder, k, namespace)


class KubernetesCheck(Faults, TodoCheck):
    applied_median_limit_ms = 15
    answer_pause = 0.01  # many processes boot meanwhile, and need the processor
    remark = "* into a busybox pod made for it: the app's own image has no tar"

    def __init__(self, options, folder, k, namespace):
        super().__init__(folder)
        self.cluster = k
        self.observer = ClusterPods(k, namespace, {service: REPLICAS for service in SERVICES})
        self.kubectl = self.observer.kubectl
        self._adapt_the_copy()
        self._make_bystanders()
        command = watch_command(options.synchost, ["--runtime", "kubernetes", "-n", namespace],
                                push_stand_ins(k.registry), options.watch_arguments)
        self.start(command, {"KUBECONFIG": str(k.kubeconfig)})

    def steps(self):
        return (self.both_services_answer, self.page_creates_a_todo_in_the_api, self.source_edits_are_synced,
                self.files_come_move_and_go, self.a_crash_is_held, self.a_broken_dockerfile_changes_nothing,
                self.a_job_and_a_cron_job_finish, self.a_restarted_container_starts_with_the_edit,
                self.a_killed_pods_successor_starts_with_the_edit, self.scaled_up_pods_start_with_the_edit,
                self.edits_are_fast, self.tar_is_ten_times_slower,
                self.the_api_server_restarts, self.connections_are_cut, self.the_kubelet_restarts,
                self.a_liveness_probe_still_means_what_it_says,
                self.dependency_edit_replaces_the_pods, self.agent_is_small_and_unprivileged,
                self.interrupt_leaves_nothing)

    # --- before the start

    def _adapt_the_copy(self):
        """Replicas, a liveness probe that would kill after a second, Jobs; and a source that says which edit it is with
        its first breath and in every line that it logs."""
        assert self.app_source.count(IMPORTS) == 1 and self.app_source.count(LOG_FORMAT) == 1, \
            f"api/app.py no longer has the lines: {IMPORTS}{LOG_FORMAT}"
        self.edit_api("image")
        for service in SERVICES:
            self._replace_in_manifest(service, "replicas: 1", f"replicas: {REPLICAS}")
        self._replace_in_manifest("api", LIVENESS, EAGER_LIVENESS)
        pod = {"spec": {"restartPolicy": "Never", "containers": [{
            "name": "work", "image": "todo-api", "command": ["/usr/bin/python3", "-c", PRINTS_ITS_SOURCE],
            "securityContext": {"runAsNonRoot": True, "runAsUser": 1000, "allowPrivilegeEscalation": False}}]}}
        job = {"template": pod, "backoffLimit": 0}
        for kind, name, spec in (("Job", "once", job),
                                 ("CronJob", "yearly", {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": job}})):
            (self.project / f"k8s/{name}.yaml").write_text(json.dumps(
                {"apiVersion": "batch/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}))

    def _replace_in_manifest(self, service, old, new):
        file = self.project / f"k8s/{service}.yaml"
        text = file.read_text()
        assert text.count(old) == 1, f"k8s/{service}.yaml no longer has: {old}"
        file.write_text(text.replace(old, new))

    def _make_bystanders(self):
        """Objects of somebody else in the same namespace, which must be there unchanged at the end; one has a tar."""
        self.kubectl("apply", "-f", "-", input={"apiVersion": "v1", "kind": "List", "items": [
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "bystander"}, "stringData": {"it": "stays"}},
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "bystander"}, "spec": {
                "terminationGracePeriodSeconds": 0,
                "containers": [{"name": "busybox", "image": f"{self.cluster.registry_inside}/busybox:1",
                                "command": ["/bin/busybox", "sleep", "100000"]}]}}]})
        self.kubectl("wait", "--for=condition=Ready", "pod/bystander", "--timeout=60s", seconds=90)

    # --- parts of steps

    def edited_api(self, mark):
        said = f'print("mark={mark} begins", flush=True)\n'
        return (super().edited_api(mark).replace(IMPORTS, said + IMPORTS)
                .replace(LOG_FORMAT, LOG_FORMAT.replace('"', f'"mark={mark} ', 1)))

    def answers(self, service, path, replicas=None, seconds=5):
        """From each replica with nothing between, and from the forwarded port."""
        for replica in self.observer.replicas(service) if replicas is None else replicas:
            yield ask(replica.pid, PORTS[service], path, seconds)
        yield from super().answers(service, path, seconds=seconds)

    def wait_for_pods(self, service, count):
        """Until so many pods run, and no other runs any more."""
        self.observer.expected[service] = count
        wait_until(f"{count} pods of {service} are ready", lambda: self.observer.ready_pods(service), PODS_SECONDS, 0.1)
        wait_until(f"no other pod of {service} is left", lambda: len(self.cluster.pods(
            self.observer.namespace, f"app.kubernetes.io/name={service}")) == count, PODS_SECONDS, 0.1)
        return self.observer.replicas(service)

    def scale(self, service, count):
        self.kubectl("scale", f"deployment/{service}", f"--replicas={count}")
        return self.wait_for_pods(service, count)

    def assert_began_with(self, mark, pod_name, previous=False):
        """Whether all that the app ever wrote since its container's start was written by this edit."""
        lines = [line for line in self.observer.log_lines(pod_name, "api", previous) if not AGENT_LINE.match(line)]
        assert lines and lines[0] == f"mark={mark} begins", f"{pod_name} began with {lines[:1]}, not with edit {mark}"
        other = [line for line in lines if not line.startswith(f"mark={mark} ")]
        assert not other, f"{pod_name} ran something else than the edit {mark}: {other[0]}"

    # --- steps

    def page_creates_a_todo_in_the_api(self):
        """Each replica of the example's API has todos of its own, so there is one while the page makes one."""
        self.scale("api", 1)
        wait_until("the page's servers reach the API that is left", lambda: {
            body for _, body in self.answers("ui", "/api/todos")} == {b"[]\n"})
        super().page_creates_a_todo_in_the_api()
        self.scale("api", REPLICAS)

    def while_held(self, held):
        """Under a liveness probe of the user's that would have had them killed, several times over."""
        assert all(ask(app.pid, PORTS["api"], "/healthz")[0] == 0 for app in held), "a held app answers"
        probes = [container["livenessProbe"] for pod in self.observer.pods("api")
                  for container in pod["spec"]["containers"] if container["name"] == "api"]
        assert [(p["periodSeconds"], p["failureThreshold"]) for p in probes] == [(1, 1)] * REPLICAS, \
            f"the liveness probes in the cluster are {probes}"
        wait_until("no held pod is ready", lambda: not any(is_ready(pod) for pod in self.observer.pods("api")))
        until = time.monotonic() + HELD_SECONDS
        while time.monotonic() < until:
            for pod in self.observer.pods("api"):
                name, restarts = pod["metadata"]["name"], self.cluster.restarts(pod)
                assert not any(restarts.values()), f"the kubelet restarted a container of {name}: {restarts}"
                assert not is_ready(pod), f"{name} is ready, though its app is held"
            assert identities(self.observer.replicas("api")) == identities(held), "a held container was replaced"

    def wait_for_rollout_of_both(self, old):
        gone = {replica.id for replicas in old.values() for replica in replicas}
        wait_until("the mended Dockerfile is built and rolled out", lambda: not gone & self.observer.running_ids(),
                   REBUILD_SECONDS, 0.1)
        for service in SERVICES:
            new = self.wait_for_pods(service, REPLICAS)
            assert {replica.image for replica in new}.isdisjoint(replica.image for replica in old[service]), \
                f"{service} runs the old image"

    def a_job_and_a_cron_job_finish(self):
        self.edit_api("for the jobs")
        self.kubectl("create", "job", "by-hand", "--from=cronjob/yearly")
        for job in ("once", "by-hand"):
            wait_until(f"the job {job} has succeeded", lambda job=job: self._job(job)["status"].get("succeeded") == 1,
                       PODS_SECONDS, 0.1)
            pods = self.cluster.pods(self.observer.namespace, f"job-name={job}")
            assert len(pods) == 1, f"the job {job} took {len(pods)} pods"
            assert any(one["name"] == "synchost-agent" for one in statuses(pods[0])), f"the job {job} had no sidecar"
            running = [one["name"] for one in statuses(pods[0]) if "terminated" not in one["state"]]
            assert not running, f"of the finished job {job} there still run: {running}"
            assert not any(self.cluster.restarts(pods[0]).values()), f"containers of the job {job} were restarted"
            assert not self.observer.processes_of(pods[0]), f"processes of the finished job {job} are left"
        name = self.cluster.pods(self.observer.namespace, "job-name=by-hand")[0]["metadata"]["name"]
        printed = self.kubectl("logs", name, "-c", "work")
        assert printed == self.edited_api("for the jobs"), f"the job did not see the edit; it saw: {printed[:300]}"

    def _job(self, name):
        return self.cluster.get("job", name, "-n", self.observer.namespace)

    def a_restarted_container_starts_with_the_edit(self):
        """Its file system is the image's again, so it must get the edit anew."""
        self.edit_api("before the restart")
        apps = self.observer.replicas("api")
        wait_until("the edit is everywhere", lambda: self.api_has("before the restart", apps))
        victim, others = apps[0], apps[1:]
        os.kill(victim.pid, signal.SIGKILL)
        wait_until("the kubelet has restarted the container", lambda: any(
            pod["metadata"]["uid"] == victim.pod and self.cluster.restarts(pod)["api"] == 1
            for pod in self.observer.ready_pods("api")), PODS_SECONDS, 0.1)
        now = {app.pod: app for app in self.observer.replicas("api")}
        assert now[victim.pod].id != victim.id
        self.assert_began_with("before the restart", victim.name)
        assert all(now[app.pod].identity == app.identity for app in others), "another replica was touched"

    def a_killed_pods_successor_starts_with_the_edit(self):
        self.edit_api("before the kill")
        apps = self.observer.replicas("api")
        wait_until("the edit is everywhere", lambda: self.api_has("before the kill", apps))
        victim, others = apps[0], apps[1:]
        self.kubectl("delete", "pod", victim.name, "--grace-period=0", "--force")
        new = [app for app in self.wait_for_pods("api", REPLICAS) if app not in others]
        assert len(new) == 1 and new[0].pod != victim.pod, f"the pods after the kill: {new}"
        self.assert_began_with("before the kill", new[0].name)
        assert not any(count for _, count in new[0].restarts), f"the successor was restarted: {new[0].restarts}"
        assert has_text(new[0].root / "srv/api/app.py", self.edited_api("before the kill"))

    def scaled_up_pods_start_with_the_edit(self):
        self.edit_api("before the scaling")
        apps = self.observer.replicas("api")
        wait_until("the edit is everywhere", lambda: self.api_has("before the scaling", apps))
        scaled = self.scale("api", SCALED)
        for app in scaled:
            assert has_text(app.root / "srv/api/app.py", self.edited_api("before the scaling"))
            if app not in apps:
                self.assert_began_with("before the scaling", app.name)
        assert set(identities(apps)) <= set(identities(scaled)), "scaling touched the pods that there were"
        with self.no_build_and_no_new_pod():
            self.edit_api("in all of them")
            wait_until("an edit is in all of them", lambda: self.api_has("in all of them", scaled))
        self.scale("api", REPLICAS)

    def tar_is_ten_times_slower(self):
        pod = self.cluster.get("pod", "bystander", "-n", self.observer.namespace)
        pid = self.cluster.processes(self.cluster.container_ids(pod)["busybox"])[0]
        command = self.cluster.kubectl_command("exec", "-n", self.observer.namespace, "-i", "bystander", "--")
        texts = [self.edited_api(f"copy {index}") for index in range(TAR_COPIES)]
        took = time_copies(command, f"/proc/{pid}/root", self.folder / "app.py", texts)
        self.figure(f"the same file by tar | kubectl exec tar, {TAR_COPIES} copies *", summary(took) + " ms")
        assert median(took) >= TIMES_FASTER_THAN_TAR * self.applied_median, \
            f"tar through kubectl: median {median(took):.1f} ms, write to applied: {self.applied_median:.1f} ms; " \
            f"that is less than {TIMES_FASTER_THAN_TAR} times"

    def a_liveness_probe_still_means_what_it_says(self):
        """An app that runs, and says that it is not well, is restarted by the kubelet as its owner wrote it."""
        apps = self.observer.replicas("api")
        unwell = self.edited_api("unwell").replace('mark="unwell")', 'mark="unwell"), 500')
        (self.project / "api/app.py").write_text(unwell)
        before = {app.pod: dict(app.restarts)["api"] for app in apps}
        wait_until("the kubelet restarts every container that fails its probe", lambda: all(
            self.cluster.restarts(pod)["api"] > before[pod["metadata"]["uid"]] for pod in self.observer.pods("api")),
            PODS_SECONDS, 0.1)
        self.edit_api("well again")
        wait_until("the pods are ready again", lambda: self.observer.ready_pods("api"), PODS_SECONDS, 0.1)
        wait_until("the API answers", lambda: self.api_has("well again"), PODS_SECONDS)
        assert {app.pod for app in self.observer.replicas("api")} == {app.pod for app in apps}, "a pod was replaced"

    def dependency_edit_replaces_the_pods(self):
        super().dependency_edit_replaces_the_pods()
        for service in SERVICES:
            self.wait_for_pods(service, REPLICAS)

    def interrupt_leaves_nothing(self):
        super().interrupt_leaves_nothing()
        assert not self.cluster.pods(self.observer.namespace, "synchost.dev/project=todo"), "pods are left"
        gone = self.before - self.observer.leftovers()
        assert not gone, f"what was there before is gone or changed: {', '.join(sorted(gone))}"
