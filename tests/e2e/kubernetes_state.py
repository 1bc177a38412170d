"""What pods keep, and are given, over restarts, replacements, scaling and crashes: of containers, and of the host.

    kubernetes_state.py --synchost PROGRAM

On the node of tests/cluster, like kubernetes_check.py. Every workload has a gate of its own. `watch` is killed once, in
the middle: what the pods do alone, and what the next `watch` makes of them, is the larger part."""

import argparse
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import demo_check
from cluster_pods import ask, is_ready, statuses
from container import has_text
from kubernetes_check import AGENT_LINE, IMPORTS, KubernetesCheck, PODS_SECONDS, PORTS, REPLICAS, cluster, programs
from measure import median, milliseconds_since, time_until_visible, wait_until
from service_details import ServiceDetails
from todo_check import START_SECONDS, identities, mark_of
from watch_session import WatchSession

SCALED = 5
EDITS_BEHIND = 60
USUAL_EDITS = 10
EDITS_WHILE_STOPPED = 5
# The others' time while a sidecar stands still, against their usual one.
TIMES_USUAL, USUAL_SLACK_MS = 2, 10
GATES = {"api": None, "ui": 5.0, "brief": 1.5, "zero": 0.0}  # seconds; None: hold
GATE_SLACK_SECONDS = 2.5
HELD_SECONDS = 6  # of a liveness probe that fails each second, once
CONFIG_LINE = "    target: api\n"
AFTER = 'after: [{paths: ["api/quiet"], do: nothing}, {paths: ["api/signal"], do: {signal: USR1}}]'
HANDLER = 'import signal\nsignal.signal(signal.SIGUSR1, lambda *_: print("mark={mark} got USR1", flush=True))\n'
PAGE = "ui/public/index.html"


@contextlib.contextmanager
def prepared(options, folder):
    with cluster.running(say=programs.say) as k, k.namespace(f"state-check-{os.getpid()}") as namespace:
        yield StateCheck(options, folder, k, namespace)


class StateCheck(ServiceDetails, KubernetesCheck):
    remark = "the node runs on the same processors"

    def __init__(self, options, folder, k, namespace):
        self._synchost = options.synchost
        super().__init__(options, folder, k, namespace)

    def start(self, command, environment):
        self.observer.expected.update({"brief": 1, "zero": 1})
        self._command = command
        self._environment = {**os.environ, "XDG_STATE_HOME": str(self.state), **environment}
        super().start(command, environment)

    def steps(self):
        return (self.both_services_answer, self.a_rollout_is_told_in_the_activity,
                self.a_service_is_told_as_the_api_server_has_it, self.after_a_save_comes_what_the_config_says,
                self.the_last_save_is_told_until_its_replicas_serve,
                self.a_stopped_sidecar_delays_no_other, self.new_pods_begin_with_the_newest_of_many_edits,
                self.the_host_is_killed, self.a_log_outgrows_its_file, self.gates_open_without_a_host_as_they_say,
                self.a_gate_that_holds_is_no_crash, self.the_kubelet_throws_lines_away,
                self.a_new_watch_sends_what_differs, self.a_restart_by_the_kubelet_is_told,
                self.what_is_lost_is_told_as_a_gap,
                self.each_side_says_what_happened_at_the_gates, self.the_proof_names_what_is_edited_in_a_pod,
                self.interrupt_leaves_nothing)

    # --- before the start

    def _adapt_the_copy(self):
        super()._adapt_the_copy()
        for name in ("once", "yearly"):
            (self.project / f"k8s/{name}.yaml").unlink()
        config = self.project / "synchost.yaml"
        text = config.read_text()
        assert text.count(CONFIG_LINE) == 1, f"synchost.yaml no longer has the line: {CONFIG_LINE}"
        config.write_text(text.replace(CONFIG_LINE, f"{CONFIG_LINE}    {AFTER}\n")
                          + "services: {api: {gate: hold}, brief: {gate: 1500ms}, zero: {gate: 0}}\n")
        for name in ("brief", "zero"):
            self._write_workload(name)
        (self.project / "ui/public/stays.txt").write_text("stays")

    def _write_workload(self, name):
        """The page's server once more, as a workload with a gate of its own."""
        labels = {"app.kubernetes.io/name": name}
        container = {"name": name, "image": "todo-ui", "securityContext": {
            "runAsNonRoot": True, "runAsUser": 1000, "allowPrivilegeEscalation": False}}
        (self.project / f"k8s/{name}.yaml").write_text(json.dumps(
            {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": {
                "replicas": 1, "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}}}}))

    # --- parts of steps

    def edited_api(self, mark):
        return super().edited_api(mark).replace(IMPORTS, HANDLER.format(mark=mark) + IMPORTS, 1)

    def status(self, *flags):
        """(exit code, all that it said) of `synchost status`."""
        done = subprocess.run([str(self._synchost), "status", *flags, str(self.project)], env=self._environment,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, check=False)
        return done.returncode, done.stdout

    def told_containers(self):
        """By pod's name, what `synchost status` says of its one container."""
        told = json.loads(self.status("--json")[1].splitlines()[0])
        return {pod["name"]: pod["containers"][0] for pod in told["pods"]}

    def app_process(self, app):
        """The pid of the process that the supervisor runs."""
        children = [pid for pid in self.cluster.processes(app.id) if _parent_of(pid) == app.pid
                    and b"synchost-agent" not in Path(f"/proc/{pid}/cmdline").read_bytes()]
        assert len(children) == 1, f"{app.name} runs {len(children)} processes of its app"
        return children[0]

    def app_processes(self, apps):
        return [self.app_process(app) for app in apps]

    def starts(self, apps):
        told = self.told_containers()
        return [told[app.name]["starts"] for app in apps]

    def timed_lines(self, pod_name, container):
        """(seconds of the day, line) of all that a container wrote since its start."""
        text = self.kubectl("logs", pod_name, "-c", container, "--timestamps")
        pairs = [line.partition(" ") for line in text.splitlines()]
        return [(_second_of_day(at), line) for at, _, line in pairs]

    # --- steps: with a host

    def both_services_answer(self):
        super().both_services_answer()
        wait_until("watch has deployed", lambda: self.told("deployed"), START_SECONDS)

    def after_a_save_comes_what_the_config_says(self):
        with self.no_build_and_no_new_pod() as apps:
            apis = apps["api"]
            self.edit_api("restarts")
            wait_until("a restart ends with the edit", lambda: self.api_has("restarts", apis))
            processes, starts = self.app_processes(apis), self.starts(apis)
            for name, text in (("quiet", "no restart"), ("signal", "a signal")):
                (self.project / "api" / name).write_text(text)
                wait_until(f"api/{name} is in every replica",
                           lambda name=name, text=text: all(has_text(a.root / "srv/api" / name, text) for a in apis))
            wait_until("each process got the signal", lambda: all(
                self.observer.log_lines(app.name, "api").count("mark=restarts got USR1") == 1 for app in apis))
            assert self.app_processes(apis) == processes, "a process was replaced, though no file asked for it"
            assert self.starts(apis) == starts, f"starts were {starts} and are {self.starts(apis)}"
            self.edit_api("restarts again")
            wait_until("a restart ends with the edit", lambda: self.api_has("restarts again", apis))
            assert not set(self.app_processes(apis)) & set(processes), "a process was not restarted"
            assert self.starts(apis) == [count + 1 for count in starts], "each save restarts each process once"

    def a_stopped_sidecar_delays_no_other(self):
        file = self.project / "api/quiet"
        with self.no_build_and_no_new_pod() as apps:
            victim, others = apps["api"][0], apps["api"][1:]
            sidecar = next(one for one in self.observer.sidecars() if one.pod == victim.pod)
            usual = [self._time_quiet(file, f"usual {index}", apps["api"]) for index in range(USUAL_EDITS)]
            os.kill(sidecar.pid, signal.SIGSTOP)
            try:
                meanwhile = [self._time_quiet(file, f"meanwhile {index}", others)
                             for index in range(EDITS_WHILE_STOPPED)]
                seen = (victim.root / "srv/api/quiet").read_text()
                assert seen.startswith("usual"), f"the pod with the stopped sidecar got: {seen}"
            finally:
                os.kill(sidecar.pid, signal.SIGCONT)
            continued = time.perf_counter()
            last = file.read_bytes()
            took = time_until_visible([victim.root / "srv/api/quiet"], last, continued)
            wait_until("the pods are ready again", lambda: self.observer.ready_pods("api"), PODS_SECONDS, 0.1)
        self.figure("usual edit, in the slowest of 3 replicas", f"{median(usual):8.1f} ms")
        self.figure("the same in 2, the third one's sidecar stopped",
                    f"{median(meanwhile):8.1f} {'':>8} {max(meanwhile):8.1f} ms")
        self.figure("the third one, from its sidecar's going on", f"{took:8.1f} ms")
        assert median(meanwhile) <= TIMES_USUAL * median(usual) + USUAL_SLACK_MS, \
            f"edits took {median(meanwhile):.1f} ms beside a stopped sidecar, and {median(usual):.1f} ms without"

    def _time_quiet(self, file, text, apps):
        started = time.perf_counter()
        file.write_text(text)
        return time_until_visible([app.root / "srv/api/quiet" for app in apps], text.encode(), started)

    def new_pods_begin_with_the_newest_of_many_edits(self):
        """One pod is deleted and two are added at once. Nobody tells them apart here: all three are new."""
        folder = self.project / "ui/public/many"
        before = self.observer.replicas("api")
        ui = self.observer.replicas("ui")
        folder.mkdir()
        for index in range(EDITS_BEHIND):
            self.edit_api(f"behind {index}")
            (folder / f"{index}.txt").write_text(str(index))
            wait_until("each edit is a generation of its own", lambda index=index: has_text(
                ui[0].root / f"srv/ui/public/many/{index}.txt", str(index)))
        self.edit_api("newest")
        wait_until("the edit is everywhere", lambda: self.api_has("newest", before))
        self.kubectl("delete", "pod", before[0].name, "--grace-period=0", "--force")
        self.kubectl("scale", "deployment/api", f"--replicas={SCALED}")
        self.observer.expected["api"] = SCALED
        first = {}
        wait_until("each new pod has answered",
                   lambda: self._note_first_answers(first, before) == SCALED - REPLICAS + 1, PODS_SECONDS, 0.05)
        assert set(first.values()) == {"newest"}, f"the first answers of new pods are of the edits {first}"
        for app in self.wait_for_pods("api", SCALED):
            if app not in before:
                self.assert_began_with("newest", app.name)
        assert set(identities(before[1:])) <= set(identities(self.observer.replicas("api"))), "another pod was touched"
        zero = self.observer.replicas("zero")[0]
        self.kubectl("delete", "pod", ui[0].name, zero.name, "--grace-period=0", "--force")
        new = [one for one in self.wait_for_pods("ui", REPLICAS) if one not in ui]
        last = f"srv/ui/public/many/{EDITS_BEHIND - 1}.txt"
        assert [(one.root / last).exists() for one in new] == [True], "the successor lacks what was added by saves"
        early = self.wait_for_pods("zero", 1)[0]
        wait_until("a pod without a gate becomes current too", lambda: (early.root / last).exists())
        told = self.told_containers()
        assert (told[new[0].name]["gate"], told[early.name]["gate"]) == ("current", "without_host"), \
            f"the gates of {new[0].name} and {early.name} are told as {told}"
        self.scale("api", REPLICAS)

    def _note_first_answers(self, first, before):
        """How many pods beside those before have answered; their first answer's mark goes to `first`, by pod."""
        for pod in self.observer.pods("api"):
            name = pod["metadata"]["name"]
            if name in first or pod["metadata"]["uid"] in {app.pod for app in before}:
                continue
            ids = self.cluster.container_ids(pod)
            pids = self.cluster.processes(ids["api"]) if "api" in ids else []
            mark = mark_of(ask(pids[0], PORTS["api"], "/healthz", 1)) if pids else None
            if mark is not None:
                first[name] = mark
        return len(first)

    # --- steps: without a host

    def the_host_is_killed(self):
        """Behind it are edits, one new file, and one that is gone; then a container of each service dies, and a pod of
        each other workload."""
        public, apps = self.project / "ui/public", self.observer.all_replicas()
        (public / "added.txt").write_text("added")
        self._edit_page("Todo, before")
        self.edit_api("before")
        pages = [one for name in ("ui", "brief", "zero") for one in apps[name]]
        wait_until("the edits are everywhere", lambda: self.api_has("before", apps["api"]) and all(
            has_text(one.root / "srv/ui/public/added.txt", "added") and self._has_page(one) for one in pages))
        time.sleep(1)  # a pod's own copy follows; a host that crashes in that very moment is another case
        self.watch.kill()
        self.dead = {name: apps[name][0] for name in apps}
        self.loud = apps["ui"][1]  # lives on; the one beside it may be between its end and its restart
        for name in ("api", "ui"):
            os.kill(self.dead[name].pid, signal.SIGKILL)
        self.known = {one.pod for of_service in apps.values() for one in of_service}
        deleted = [apps["api"][1], self.dead["brief"], self.dead["zero"]]
        self.kubectl("delete", "pod", *[one.name for one in deleted], "--grace-period=0", "--force")

    def _edit_page(self, title):
        page = self.project / PAGE
        page.write_text(re.sub("<h1>[^<]*</h1>", f"<h1>{title}</h1>", page.read_text()))

    def _has_page(self, container):
        return has_text(container.root / "srv" / PAGE, (self.project / PAGE).read_text())

    def gates_open_without_a_host_as_they_say(self):
        """A restarted container has the pod's own copy before its process starts; a new pod has what the image has."""
        name = self._restarted("ui")
        lines = self._lines_until(name, "ui", "ui listening")
        said = [line for _, line in lines]
        assert _index_of(said, "restored the pod's own copy") < _index_of(said, "no host came") \
            < _index_of(said, "ui listening"), f"the restarted {name} says: {said}"
        self._assert_gate(name, "ui", lines)
        ui = next(one for one in self.observer.replicas("ui") if one.name == name)
        assert self._has_page(ui) and (ui.root / f"srv/ui/public/many/{EDITS_BEHIND - 1}.txt").exists(), \
            f"the restarted {name} lacks what was saved before"
        assert ask(ui.pid, PORTS["ui"], "/added.txt") == (200, b"added"), f"the restarted {name} serves something else"
        for service in ("brief", "zero"):
            name = wait_until(f"{service} has a new pod", lambda service=service: self._new_pod(service), PODS_SECONDS,
                              0.1)
            self._assert_gate(name, service, self._lines_until(name, service, "ui listening"))
            new = self.observer.replicas(service)[0]
            assert not (new.root / "srv/ui/public/added.txt").exists(), f"{name} knows what nobody told it"

    def _restarted(self, service):
        """The name of the pod whose container was killed, once the kubelet has started another one."""
        dead = self.dead[service]
        def look():
            status = next(one for one in statuses(self._pod(dead.name)) if one["name"] == service)
            return status["restartCount"] == dict(dead.restarts)[service] + 1 and "running" in status["state"]
        wait_until(f"the container {service} of {dead.name} is restarted", look, PODS_SECONDS, 0.1)
        return dead.name

    def _new_pod(self, service):
        """The name of the one that came for the deleted one, once it has a container."""
        new = [pod for pod in self.observer.pods(service) if pod["metadata"]["uid"] not in self.known]
        return new[0]["metadata"]["name"] if new and service in self.cluster.container_ids(new[0]) else None

    def _lines_until(self, pod_name, container, text):
        """The timed lines of a container, once one of them has the text."""
        def look():
            with contextlib.suppress(AssertionError):  # kubectl: it does not run yet
                lines = self.timed_lines(pod_name, container)
                return lines if any(text in line for _, line in lines) else None
        return wait_until(f"{pod_name} writes: {text}", look, PODS_SECONDS, 0.1)

    def _assert_gate(self, pod_name, service, lines):
        """By the agent's own words, and by the kubelet's clock, which has whole seconds."""
        opened = [(at, line) for at, line in lines if "no host came" in line]
        if GATES[service] == 0:
            assert not opened, f"{pod_name} has no gate, and says: {lines}"
            return
        assert len(opened) == 1 and f"gate_ms={GATES[service] * 1000:.0f}" in opened[0][1], f"{pod_name} says: {lines}"
        status = next(one for one in statuses(self._pod(pod_name)) if one["name"] == service)
        waited = (opened[0][0] - _second_of_day(status["state"]["running"]["startedAt"])) % 86400
        self.figure(f"no host: start of {service} to its gate's opening at {GATES[service]} s", f"{waited:8.1f} s")
        assert GATES[service] <= waited < GATES[service] + GATE_SLACK_SECONDS, \
            f"the gate of {pod_name}, {GATES[service]} s, took {waited:.1f} s"

    def _pod(self, name):
        return self.cluster.get("pod", name, "-n", self.observer.namespace)

    def a_gate_that_holds_is_no_crash(self):
        """Neither of the restarted container nor of the new pod, under a liveness probe that kills at its first
        failure."""
        self.gated = [self._restarted("api"),
                      wait_until("the API has a new pod", lambda: self._new_pod("api"), PODS_SECONDS, 0.1)]
        wait_until("the restarted container has the pod's own copy",
                   lambda: any("restored the pod's own copy" in line for line in self._agent_lines(self.gated[0])))
        held = [app for app in self.observer.replicas("api") if app.name in self.gated]
        restarted = next(app for app in held if app.name == self.gated[0])
        assert has_text(restarted.root / "srv/api/app.py", self.edited_api("before")), "it lacks what was saved before"
        until = time.monotonic() + HELD_SECONDS
        while time.monotonic() < until:
            for app in held:
                assert ask(app.pid, PORTS["api"], "/healthz", 1)[0] == 0, f"{app.name} answers, though it is held"
                assert not is_ready(self._pod(app.name)), f"{app.name} is ready, though its app is held"
        now = [app for app in self.observer.replicas("api") if app.name in self.gated]
        assert identities(now) == identities(held), f"held containers were replaced: {identities(now)}"
        restarts = {app.name: dict(app.restarts)["api"] for app in now}
        assert restarts == {self.gated[0]: dict(self.dead["api"].restarts)["api"] + 1, self.gated[1]: 0}, \
            f"restarts are {restarts}"

    def _agent_lines(self, pod_name):
        return [line for line in self.observer.log_lines(pod_name, "api") if AGENT_LINE.match(line)]

    # --- steps: with the next host

    def a_new_watch_sends_what_differs(self):
        """What was saved while there was none, to the pods that there are."""
        public = self.project / "ui/public"
        pods = self.observer.all_replicas()
        untouched = self._stamps(pods)
        self.edit_api("after")
        (public / "comes.txt").write_text("comes")
        (public / "added.txt").unlink()
        started = time.perf_counter()
        self.watch = WatchSession(self._command, self.project, self._environment, self.folder / "second-watch.log")
        self.watch.wait_for_services(("api", "ui"), START_SECONDS)
        pages = [one for name in ("ui", "brief", "zero") for one in pods[name]]
        wait_until("every replica and the forwarded port answer with the edit",
                   lambda: self.api_has("after", pods["api"]), PODS_SECONDS)
        wait_until("the new file is everywhere, and the deleted one nowhere", lambda: all(
            has_text(one.root / "srv/ui/public/comes.txt", "comes") and self._has_page(one)
            and not (one.root / "srv/ui/public/added.txt").exists() for one in pages), PODS_SECONDS)
        self.figure("a new watch: start to every pod current", f"{milliseconds_since(started) / 1000:8.1f} s")
        now = self.observer.all_replicas()
        for name, apps in pods.items():
            assert identities(now[name]) == identities(apps), \
                f"{name}: {identities(apps)} became {identities(now[name])}"
        assert self._stamps(pods) == untouched, "a file that was what it should be was written again"
        for name in self.gated:
            self.assert_began_with("after", name)

    def _stamps(self, pods):
        """What changes with every write of a file that no step edits."""
        files = {"api": "srv/api/store.py"}
        found = {}
        for name, apps in pods.items():
            for app in apps:
                seen = (app.root / files.get(name, "srv/ui/public/stays.txt")).stat()
                found[app.name] = seen.st_ino, seen.st_ctime_ns
        return found

    def each_side_says_what_happened_at_the_gates(self):
        gates = {name: told["gate"] for name, told in self.told_containers().items()}
        assert [gates[name] for name in self.gated] == ["current"] * 2, f"the gates that held are told as {gates}"
        early = [self.dead["ui"].name, self._new_pod("brief"), self._new_pod("zero")]
        assert [gates[name] for name in early] == ["unseen"] * 3, \
            f"what this watch did not see, the gates of {', '.join(early)}, is told as {gates}"

    def the_proof_names_what_is_edited_in_a_pod(self):
        code, said = self.status("--verify")
        assert code == 0, f"status --verify exits with {code}: {said}"
        victim = self.observer.replicas("ui")[-1]
        file = victim.root / "srv/ui/public/stays.txt"
        file.write_text("edited in the pod")
        started = time.perf_counter()
        code, said = self.status("--verify")
        self.figure("status --verify of 8 pods, one of which differs", f"{milliseconds_since(started) / 1000:8.1f} s")
        assert code == 1 and "/srv/ui/public/stays.txt: another content" in said, f"exit code {code}: {said}"
        assert said.count("differs:") == 1, f"one container differs, not as told: {said}"
        file.write_text("stays")
        code, said = self.status("--verify")
        assert code == 0, f"status --verify exits with {code}, though all is as it was: {said}"


def _index_of(lines, text):
    return next((index for index, line in enumerate(lines) if text in line), -1)


def _second_of_day(text):
    """Of a time as Kubernetes writes it, "2026-01-31T12:00:00Z"."""
    hours, minutes, seconds = re.match(r"\S+T(\d+):(\d+):(\d+(?:\.\d+)?)", text).groups()
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


def _parent_of(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--synchost", required=True, type=Path, help="the program")
    options, options.watch_arguments = parser.parse_known_args()
    return demo_check.run(prepared, options)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except RuntimeError as error:  # before the first step
        sys.exit(f"state check: {error}")
