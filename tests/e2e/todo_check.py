"""What the demo must show on any runtime: `synchost watch` on a copy of examples/todo, edited as a person edits.

Whatever synchost says of itself is not trusted. A runtime's observer answers instead: containers are asked of podman or
the API server, files are read through /proc/PID/root of their processes, images in the registry's storage; the page is
used by a real browser."""

import json
import os
import shutil
import time
import uuid

import browser
from container import has_text, is_static
from demo_parts import EXAMPLE
from measure import http_request, median, milliseconds_since, summary, time_edits, wait_until
from watch_session import WatchSession

EDITS = 50
PAGE_EDITS = 20
TAR_COPIES = 20
AGENT_SIZE_LIMIT = 6_000_000  # bytes
AGENT_RSS_LIMIT_KB = 6 * 1024
START_SECONDS = 180
REBUILD_SECONDS = 120
STOP_SECONDS = 60
HEALTHY = 'return jsonify(status="ok")'  # the line of api/app.py that the edits change
# Added to api/requirements.txt, and what the line above becomes with it.
NEW_PACKAGE = "humanize==4.9.0"
NEW_PACKAGE_USED = 'return jsonify(status="ok", mark=__import__("humanize").intcomma(1234567))'
INTERRUPTED = 130
SERVICES = ("api", "ui")


class TodoCheck:
    """One run. Each step is a method; it raises an AssertionError with what is wrong. A runtime's check derives from
    this and sets, before start(), `observer` with

        replicas(service)   the app's containers (container.py); AssertionError where there are not as many as must be
        all_replicas()      the same of every service, by name
        running_ids()       of every container that runs
        sidecars()          the agents' containers
        blobs()             digests of everything that was ever pushed
        leftovers()         names of all that a run could leave behind
    """

    applied_median_limit_ms: int
    answer_pause = 0.001  # seconds between two questions whether an edit is served

    def __init__(self, folder):
        self.folder = folder
        self.project = folder / "todo"
        # Sockets below this have longer paths than the 107 bytes of a socket's address.
        self.state = folder / "a-state-folder-as-deep-as-the-home-of-somebody-with-a-long-name"
        shutil.copytree(EXAMPLE, self.project, ignore=shutil.ignore_patterns("node_modules", "__pycache__"))
        self.state.mkdir()
        self.app_source = (self.project / "api/app.py").read_text()
        assert self.app_source.count(HEALTHY) == 1, f"api/app.py no longer has the line: {HEALTHY}"
        self.figures = []

    def start(self, command, environment):
        self.before = self.observer.leftovers()
        self.started = time.perf_counter()
        self.environment = {**os.environ, "XDG_STATE_HOME": str(self.state), **environment}
        self.watch = WatchSession(command, self.project, self.environment, self.folder / "watch.log")

    def steps(self):
        """In this order."""
        raise NotImplementedError

    def run(self):
        for step in self.steps():
            started = time.perf_counter()
            step()
            print(f"ok  {step.__name__.replace('_', ' '):<52} {milliseconds_since(started) / 1000:6.1f} s", flush=True)

    # --- steps

    def both_services_answer(self):
        self.watch.wait_for_services(SERVICES, START_SECONDS)
        wait_until("the API is healthy", self.api_answers)
        wait_until("the page is served", lambda: self.statuses("ui", "/") == {200})
        wait_until("the page's server reaches the API", lambda: self.todos("ui") == [])
        self.figure("start to both services answering", f"{milliseconds_since(self.started) / 1000:8.1f} s")

    def page_creates_a_todo_in_the_api(self):
        shown = browser.add_todo(self.watch.url("ui"), "Made in the page")
        stored = [{name: todo[name] for name in shown} for todo in self.todos("api")]
        assert stored == [shown], f"the page shows {shown}, the API has {stored}"
        assert shown["priority"] == "high" and shown["due_date"], f"the page lost a field: {shown}"

    def source_edits_are_synced(self):
        with self.no_build_and_no_new_pod() as apps:
            self.edit_api("first")
            wait_until("the edited API answers", lambda: self.api_has("first", apps["api"]))
            page = self.project / "ui/public/index.html"
            page.write_text(page.read_text().replace("<h1>Todo</h1>", "<h1>Todo, edited</h1>"))
            wait_until("the edited page is served", lambda: all(
                b"Todo, edited" in body for _, body in self.answers("ui", "/", apps["ui"])))
            assert all(has_text(app.root / "srv/api/app.py", self.edited_api("first")) for app in apps["api"])
            assert all(has_text(ui.root / "srv/ui/public/index.html", page.read_text()) for ui in apps["ui"])

    def files_come_move_and_go(self):
        public = self.project / "ui/public"
        with self.no_build_and_no_new_pod() as apps:
            everywhere = [ui.root / "srv/ui/public" for ui in apps["ui"]]
            (public / "notes").mkdir()
            (public / "notes/new.txt").write_text("new")
            wait_until("a new file in a new folder is in the pods",
                       lambda: all(has_text(inside / "notes/new.txt", "new") for inside in everywhere))
            (public / "notes/new.txt").rename(public / "notes/moved.txt")
            wait_until("a renamed file has its new name alone",
                       lambda: all(has_text(inside / "notes/moved.txt", "new")
                                   and not (inside / "notes/new.txt").exists() for inside in everywhere))
            (public / "style.css").rename(public / "look.css")
            wait_until("a renamed file of the image has its new name alone",
                       lambda: all((inside / "look.css").exists() and not (inside / "style.css").exists()
                                   for inside in everywhere))
            wait_until("the renamed file is served", lambda: self.statuses("ui", "/look.css", apps["ui"]) == {200})
            wait_until("its old name is not", lambda: self.statuses("ui", "/style.css", apps["ui"]) == {404})
            (public / "look.css").rename(public / "style.css")
            shutil.rmtree(public / "notes")
            wait_until("a deleted folder is gone",
                       lambda: not any((inside / "notes").exists() for inside in everywhere))
            wait_until("the file is back", lambda: self.statuses("ui", "/style.css", apps["ui"]) == {200})

    def a_crash_is_held(self):
        with self.no_build_and_no_new_pod() as apps:
            (self.project / "api/app.py").write_text('import sys\nsys.exit("the demo broke it")\n')
            wait_until("the crash is told with its last words",
                       lambda: self.told("held", "exit code 1", times=len(apps["api"]))
                       and self.told("the demo broke it", times=len(apps["api"])))
            self.while_held(apps["api"])
            assert self.api_has(None, apps["api"]), "the API answers, though its process died"
            self.edit_api("mended")
            wait_until("the mended API answers", lambda: self.api_has("mended", apps["api"]))

    def while_held(self, held):
        """What a runtime's check asserts of these containers between a crash and the save that ends it."""

    def a_broken_dockerfile_changes_nothing(self):
        dockerfile = self.project / "Dockerfile"
        good = dockerfile.read_text()
        with self.no_build_and_no_new_pod() as apps:
            dockerfile.write_text(good.replace("COPY api/", "COPPY api/"))
            wait_until("the error names the line and the likely word",
                       lambda: self.told("unknown instruction COPPY") and self.told("Did you mean COPY?"))
            self.edit_api("meanwhile")
            wait_until("an edit is synced meanwhile", lambda: self.api_has("meanwhile", apps["api"]))
        dockerfile.write_text(good)
        # Both images have got new content by edits, so both are rolled out.
        self.wait_for_rollout_of_both(apps)
        wait_until("the API answers with the edit", lambda: self.api_has("meanwhile"), REBUILD_SECONDS)
        wait_until("the page is served", lambda: self.statuses("ui", "/") == {200}, REBUILD_SECONDS)

    def wait_for_rollout_of_both(self, old):
        raise NotImplementedError

    def edits_are_fast(self):
        page = self.project / "ui/public/index.html"
        page_text = page.read_text()
        with self.no_build_and_no_new_pod() as apps:
            replicas = f" in {len(apps['api'])} replicas" if len(apps["api"]) > 1 else ""
            visible, served = time_edits(
                self.project / "api/app.py", [app.root / "srv/api/app.py" for app in apps["api"]],
                [self.edited_api(f"edit {index}") for index in range(EDITS)],
                lambda index: self.api_has(f"edit {index}", apps["api"]), save_beside=self.folder / "saved.py",
                pause=self.answer_pause)
            self.figure(f"api/app.py: write to applied{replicas}, {EDITS} edits", summary(visible) + " ms")
            self.figure("api/app.py: write to first new answer", summary(served) + " ms")
            page_visible, page_served = time_edits(
                page, [ui.root / "srv/ui/public/index.html" for ui in apps["ui"]],
                [page_text.replace("Todo, edited", f"Todo {index}!") for index in range(PAGE_EDITS)],
                lambda index: all(f"Todo {index}!".encode() in body
                                  for _, body in self.answers("ui", "/", apps["ui"], seconds=1)),
                pause=self.answer_pause)
            self.figure(f"index.html: write to applied{replicas}, {PAGE_EDITS} edits", summary(page_visible) + " ms")
            self.figure("index.html: write to first new answer", summary(page_served) + " ms")
        self.applied_median = median(visible)
        assert self.applied_median <= self.applied_median_limit_ms, \
            f"write to applied: median {self.applied_median:.1f} ms, the limit is {self.applied_median_limit_ms} ms"

    def dependency_edit_replaces_the_pods(self):
        old = self.observer.all_replicas()
        blobs = self.observer.blobs()
        last = (self.project / "api/app.py").read_text()
        with (self.project / "api/requirements.txt").open("a") as file:
            started = time.perf_counter()
            # The comment makes it an image that was never pushed before, whatever the registry has.
            file.write(f"{NEW_PACKAGE}  # {uuid.uuid4()}\n")
        wait_until("the API's old containers are gone",
                   lambda: not {app.id for app in old["api"]} & self.observer.running_ids(), REBUILD_SECONDS, pause=0.1)
        wait_until("the API answers again", self.api_answers, REBUILD_SECONDS)
        self.figure("requirements.txt: write to new pods answering", f"{milliseconds_since(started) / 1000:8.1f} s")
        new = self.observer.all_replicas()
        assert not {app.pod for app in new["api"]} & {app.pod for app in old["api"]}, "a pod was not replaced"
        assert {app.image for app in new["api"]}.isdisjoint(app.image for app in old["api"]), \
            "a pod of the API runs the old image"
        assert identities(new["ui"]) == identities(old["ui"]), "the ui was touched, though nothing of its own changed"
        assert self.observer.blobs() > blobs, "no new image is in the registry"
        assert all(has_text(app.root / "srv/api/app.py", last) for app in new["api"]), \
            "the new image lacks the edits that were synced before"
        wait_until("the page's server reaches the new API", lambda: self.todos("ui") == [])
        status, body = http_request(self.watch.url("ui") + "/api/todos", "POST", '{"title": "after the rebuild"}')
        assert status == 201, f"a todo after the rebuild: {status} {body!r}"
        with self.no_build_and_no_new_pod() as apps:
            (self.project / "api/app.py").write_text(self.app_source.replace(HEALTHY, NEW_PACKAGE_USED))
            wait_until("an edit is synced into the new pods, and can use the new package",
                       lambda: self.api_has("1,234,567", apps["api"]))

    def agent_is_small_and_unprivileged(self):
        time.sleep(1)  # idle is what is measured
        apps = [app for replicas in self.observer.all_replicas().values() for app in replicas]
        sidecars = self.observer.sidecars()
        assert sorted(s.pod for s in sidecars) == sorted(app.pod for app in apps), \
            f"{len(sidecars)} sidecars run; each of the {len(apps)} pods must have one"
        for sidecar in sidecars:
            program, status = f"/proc/{sidecar.pid}/exe", sidecar.status()
            size, rss = os.stat(program).st_size, int(status["VmRSS"].split()[0])
            assert is_static(program), "the agent is not a static program"
            assert size <= AGENT_SIZE_LIMIT, f"the agent has {size} bytes; the limit is {AGENT_SIZE_LIMIT}"
            assert rss <= AGENT_RSS_LIMIT_KB, f"the idle agent has {rss} kB resident; the limit is {AGENT_RSS_LIMIT_KB}"
            assert set(status["Uid"].split()) == {"1000"}, f"the agent's user is {status['Uid']}"
            for capabilities in ("CapEff", "CapPrm", "CapBnd"):
                assert int(status[capabilities], 16) == 0, f"the agent has {capabilities} {status[capabilities]}"
            assert status["NoNewPrivs"] == "1", "the agent could gain privileges"
            assert not any((sidecar.root / name).exists() for name in ("usr", "bin", "lib")), "not FROM scratch"
        supervisors = [int(app.status()["VmRSS"].split()[0]) for app in apps]
        self.figure("agent: program, idle sidecar, idle supervisor",
                    f"{size / 1e6:8.2f} MB, {rss} kB, {max(supervisors)} kB resident")

    def interrupt_leaves_nothing(self):
        code, seconds = self.watch.interrupt(STOP_SECONDS)
        self.figure("Ctrl-C to the end", f"{seconds:8.1f} s")
        assert code == INTERRUPTED, f"exit code {code} after Ctrl-C; it must be {INTERRUPTED}"
        left = self.observer.leftovers() - self.before
        assert not left, f"left behind: {', '.join(sorted(left))}"

    def clean_up(self):
        """Ends what a failed step left running."""
        try:
            self.watch.interrupt(STOP_SECONDS)
        except AssertionError:
            self.watch.kill()

    # --- parts of steps

    def no_build_and_no_new_pod(self):
        return Unchanged(self.observer)

    def told(self, *parts, times=1):
        """Whether at least so many lines of watch hold all of these texts."""
        return sum(all(part in line for part in parts) for line in self.watch.lines()) >= times

    def edited_api(self, mark):
        return self.app_source.replace(HEALTHY, f'return jsonify(status="ok", mark="{mark}")')

    def edit_api(self, mark):
        (self.project / "api/app.py").write_text(self.edited_api(mark))

    def answers(self, service, path, replicas=None, seconds=5):
        """(status, body) from wherever the service can be asked, one after the other: here the forwarded port. A caller
        that knows the replicas gives them, where looking for them would take too long."""
        del replicas
        yield http_request(self.watch.url(service) + path, seconds=seconds)

    def statuses(self, service, path, replicas=None):
        return {status for status, _ in self.answers(service, path, replicas)}

    def api_has(self, mark, replicas=None):
        """Whether this is the mark of the API's running source, wherever it is asked; None where it does not answer."""
        return all(mark_of(answer) == mark for answer in self.answers("api", "/healthz", replicas, seconds=1))

    def api_answers(self, replicas=None):
        return all(mark_of(answer) is not None for answer in self.answers("api", "/healthz", replicas, seconds=1))

    def todos(self, service):
        status, body = http_request(self.watch.url(service) + "/api/todos")
        return json.loads(body) if status == 200 else None

    def figure(self, name, value):
        self.figures.append((name, value))


class Unchanged:
    """A `with` over edits that must build no image and start no container or pod; gives the containers by service."""

    def __init__(self, observer):
        self._observer = observer

    def __enter__(self):
        self._apps, self._blobs = self._observer.all_replicas(), self._observer.blobs()
        return self._apps

    def __exit__(self, kind, *_):
        if kind is not None:
            return
        now = self._observer.all_replicas()
        for name, apps in self._apps.items():
            assert identities(now[name]) == identities(apps), \
                f"{name}: {identities(apps)} became {identities(now[name])}"
        assert self._observer.blobs() == self._blobs, "an image was built and pushed for an edit to be synced"


def mark_of(answer):
    """Of the source that gave an answer of /healthz: "" where it has none, None where there is no answer."""
    status, body = answer
    return json.loads(body).get("mark", "") if status == 200 else None


def identities(containers):
    return sorted(container.identity for container in containers)
