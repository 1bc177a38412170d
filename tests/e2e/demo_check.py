"""`./dev demo --check`: the demo without a person. Runs `synchost watch` on a copy of the example, edits it as a person
would, asserts what must follow, and prints what it measured. Exit code 0 or 1; everything that it started is stopped.

Whatever synchost says of itself is not trusted: files are read through /proc/PID/root of the containers' processes,
pods are asked of podman, images of the registry's storage, the page is used by a real browser.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import browser
from demo_parts import EXAMPLE, Registry, push_stand_ins, watch_command
from measure import http_request, milliseconds_since, summary, time_edits, wait_until
from pods import Podman, is_static
from tar_copy import BusyboxContainer
from watch_session import WatchSession

EDITS = 50
PAGE_EDITS = 20
TAR_COPIES = 20
APPLIED_MEDIAN_LIMIT_MS = 10
AGENT_SIZE_LIMIT = 6_000_000  # bytes
AGENT_RSS_LIMIT_KB = 6 * 1024
START_SECONDS = 180
REBUILD_SECONDS = 120
STOP_SECONDS = 60
HEALTHY = 'return jsonify(status="ok")'  # the line of api/app.py that the edits change
INTERRUPTED = 130


class Check:
    """One run. Each step is a method; it raises an AssertionError with what is wrong."""

    def __init__(self, options, folder, registry):
        self.folder = folder
        self.registry = registry
        self.project = folder / "todo"
        # Sockets below this have longer paths than the 107 bytes of a socket's address.
        self.state = folder / "a-state-folder-as-deep-as-the-home-of-somebody-with-a-long-name"
        shutil.copytree(EXAMPLE, self.project, ignore=shutil.ignore_patterns("node_modules", "__pycache__"))
        self.state.mkdir()
        self.app_source = (self.project / "api/app.py").read_text()
        assert self.app_source.count(HEALTHY) == 1, f"api/app.py no longer has the line: {HEALTHY}"
        self.figures = []
        self.before = Podman(self.state, registry.address).leftovers()
        command = watch_command(options.synchost, registry, push_stand_ins(registry), options.watch_arguments)
        self.started = time.perf_counter()
        self.watch = WatchSession(command, self.project, {**os.environ, "XDG_STATE_HOME": str(self.state)},
                                  folder / "watch.log")

    def run(self):
        for step in (self.both_services_answer, self.page_creates_a_todo_in_the_api, self.source_edits_are_synced,
                     self.files_come_move_and_go, self.a_crash_is_held, self.a_broken_dockerfile_changes_nothing,
                     self.edits_are_fast, self.tar_is_slower,
                     self.dependency_edit_replaces_the_pod, self.agent_is_small_and_unprivileged,
                     self.interrupt_leaves_nothing):
            started = time.perf_counter()
            step()
            print(f"ok  {step.__name__.replace('_', ' '):<42} {milliseconds_since(started) / 1000:6.1f} s", flush=True)

    def both_services_answer(self):
        self.watch.wait_for_services(["api", "ui"], START_SECONDS)
        wait_until("the API is healthy", lambda: self.health() is not None)
        wait_until("the page is served", lambda: http_request(self.watch.url("ui"))[0] == 200)
        wait_until("the page's server reaches the API", lambda: self.todos("ui") == [])
        self.figure("start to both services answering", f"{milliseconds_since(self.started) / 1000:8.1f} s")
        self.podman = Podman(self.state, self.registry.address)

    def page_creates_a_todo_in_the_api(self):
        shown = browser.add_todo(self.watch.url("ui"), "Made in the page")
        stored = [{name: todo[name] for name in shown} for todo in self.todos("api")]
        assert stored == [shown], f"the page shows {shown}, the API has {stored}"
        assert shown["priority"] == "high" and shown["due_date"], f"the page lost a field: {shown}"

    def source_edits_are_synced(self):
        with self.no_build_and_no_new_pod():
            self.edit_api("first")
            wait_until("the edited API answers", lambda: self.health() == "first")
            page = self.project / "ui/public/index.html"
            page.write_text(page.read_text().replace("<h1>Todo</h1>", "<h1>Todo, edited</h1>"))
            wait_until("the edited page is served", lambda: b"Todo, edited" in http_request(self.watch.url("ui"))[1])

    def files_come_move_and_go(self):
        public = self.project / "ui/public"
        with self.no_build_and_no_new_pod() as apps:
            inside = apps["ui"].root / "srv/ui/public"
            (public / "notes").mkdir()
            (public / "notes/new.txt").write_text("new")
            wait_until("a new file in a new folder is in the pod", lambda: has_text(inside / "notes/new.txt", "new"))
            (public / "notes/new.txt").rename(public / "notes/moved.txt")
            wait_until("a renamed file has its new name alone", lambda: has_text(inside / "notes/moved.txt", "new")
                       and not (inside / "notes/new.txt").exists())
            (public / "style.css").rename(public / "look.css")
            wait_until("a renamed file of the image has its new name alone", lambda: (inside / "look.css").exists()
                       and not (inside / "style.css").exists())
            wait_until("the renamed file is served", lambda: self.ui_status("/look.css") == 200)
            wait_until("its old name is not", lambda: self.ui_status("/style.css") == 404)
            (public / "look.css").rename(public / "style.css")
            shutil.rmtree(public / "notes")
            wait_until("a deleted folder is gone", lambda: not (inside / "notes").exists())
            wait_until("the file is back", lambda: self.ui_status("/style.css") == 200)

    def a_crash_is_held(self):
        with self.no_build_and_no_new_pod():
            (self.project / "api/app.py").write_text('import sys\nsys.exit("the demo broke it")\n')
            wait_until("the crash is told with its last words", lambda: self.told("held", "exit code 1")
                       and self.told("the demo broke it"))
            assert self.health() is None, "the API answers, though its process died"
            self.edit_api("mended")
            wait_until("the mended API answers", lambda: self.health() == "mended")

    def a_broken_dockerfile_changes_nothing(self):
        dockerfile = self.project / "Dockerfile"
        good = dockerfile.read_text()
        with self.no_build_and_no_new_pod():
            dockerfile.write_text(good.replace("COPY api/", "COPPY api/"))
            wait_until("the error names the line and the likely word",
                       lambda: self.told("unknown instruction COPPY") and self.told("Did you mean COPY?"))
            self.edit_api("meanwhile")
            wait_until("an edit is synced meanwhile", lambda: self.health() == "meanwhile")
        dockerfile.write_text(good)
        # Both images have got new content by edits, so both are rolled out: the start, and one for each.
        wait_until("the mended Dockerfile is built and rolled out", lambda: self.told("deployed", times=3), REBUILD_SECONDS)
        wait_until("the API answers with the edit", lambda: self.health() == "meanwhile", REBUILD_SECONDS)
        wait_until("the page is served", lambda: self.ui_status("/") == 200, REBUILD_SECONDS)

    def edits_are_fast(self):
        page = self.project / "ui/public/index.html"
        page_text = page.read_text()
        with self.no_build_and_no_new_pod() as apps:
            visible, served = time_edits(
                self.project / "api/app.py", apps["api"].root / "srv/api/app.py",
                [self.edited_api(f"edit {index}") for index in range(EDITS)],
                lambda index: self.health() == f"edit {index}", save_beside=self.folder / "saved.py")
            self.figure(f"api/app.py: write to applied, {EDITS} edits", summary(visible) + " ms")
            self.figure("api/app.py: write to first new answer", summary(served) + " ms")
            page_visible, page_served = time_edits(
                page, apps["ui"].root / "srv/ui/public/index.html",
                [page_text.replace("Todo, edited", f"Todo {index}!") for index in range(PAGE_EDITS)],
                lambda index: f"Todo {index}!".encode() in http_request(self.watch.url("ui"), seconds=1)[1])
            self.figure(f"index.html: write to applied, {PAGE_EDITS} edits", summary(page_visible) + " ms")
            self.figure("index.html: write to first new answer", summary(page_served) + " ms")
        self.applied_median = sorted(visible)[len(visible) // 2]
        assert self.applied_median <= APPLIED_MEDIAN_LIMIT_MS, \
            f"write to applied: median {self.applied_median:.1f} ms, the limit is {APPLIED_MEDIAN_LIMIT_MS} ms"

    def tar_is_slower(self):
        texts = [self.edited_api(f"copy {index}") for index in range(TAR_COPIES)]
        with BusyboxContainer(self.podman, f"synchost-check-{os.getpid()}") as container:
            took = container.time_copies(self.folder / "app.py", texts)
        self.figure(f"the same file by tar | podman exec tar, {TAR_COPIES} copies *", summary(took) + " ms")

    def dependency_edit_replaces_the_pod(self):
        old = self.apps()
        blobs = self.registry.blobs()
        with (self.project / "api/requirements.txt").open("a") as file:
            started = time.perf_counter()
            file.write("# edited\n")
        wait_until("the API's old container is gone",
                   lambda: old["api"].id not in {c.id for c in self.podman.containers() if c.running},
                   REBUILD_SECONDS, pause=0.1)
        wait_until("the API answers again", lambda: self.health() is not None, REBUILD_SECONDS)
        self.figure("requirements.txt: write to new pod answering", f"{milliseconds_since(started) / 1000:8.1f} s")
        new = self.apps()
        assert new["api"].pod != old["api"].pod, "the API's pod was not replaced"
        assert new["api"].image != old["api"].image, "the API's pod runs the old image"
        assert new["ui"].identity == old["ui"].identity, "the ui's pod was touched, though nothing of its own changed"
        assert self.registry.blobs() > blobs, "no new image is in the registry"
        assert has_text(new["api"].root / "srv/api/app.py", self.edited_api(f"edit {EDITS - 1}")), \
            "the new image lacks the edits that were synced before"
        wait_until("the page's server reaches the new API", lambda: self.todos("ui") == [])
        status, body = http_request(self.watch.url("ui") + "/api/todos", "POST", '{"title": "after the rebuild"}')
        assert status == 201, f"a todo after the rebuild: {status} {body!r}"
        with self.no_build_and_no_new_pod():
            self.edit_api("after the rebuild")
            wait_until("an edit is synced into the new pod", lambda: self.health() == "after the rebuild")

    def agent_is_small_and_unprivileged(self):
        time.sleep(1)  # idle is what is measured
        sidecars = self.podman.sidecars()
        assert len(sidecars) == 2, f"{len(sidecars)} sidecars run; each of the two pods must have one"
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
        supervisors = [int(app.status()["VmRSS"].split()[0]) for app in self.apps().values()]
        self.figure("agent: program, idle sidecar, idle supervisor",
                    f"{size / 1e6:8.2f} MB, {rss} kB, {max(supervisors)} kB resident")

    def interrupt_leaves_nothing(self):
        code, seconds = self.watch.interrupt(STOP_SECONDS)
        self.figure("Ctrl-C to the end", f"{seconds:8.1f} s")
        assert code == INTERRUPTED, f"exit code {code} after Ctrl-C; it must be {INTERRUPTED}"
        left = self.podman.leftovers() - self.before
        assert not left, f"left behind: {', '.join(sorted(left))}"

    def clean_up(self):
        """Ends what a failed step left running."""
        try:
            self.watch.interrupt(STOP_SECONDS)
        except AssertionError:
            self.watch.kill()
        podman = Podman(self.state, self.registry.address)
        podman.remove_pods_of(podman.containers())

    def no_build_and_no_new_pod(self):
        return Unchanged(self)

    def told(self, *parts, times=1):
        """Whether at least so many lines of watch hold all of these texts."""
        return sum(all(part in line for part in parts) for line in self.watch.lines()) >= times

    def apps(self):
        return {name: self.podman.app(name) for name in ("api", "ui")}

    def edited_api(self, mark):
        return self.app_source.replace(HEALTHY, f'return jsonify(status="ok", mark="{mark}")')

    def edit_api(self, mark):
        (self.project / "api/app.py").write_text(self.edited_api(mark))

    def health(self):
        """The mark of the running API's source, "" where it has none, None where it does not answer."""
        status, body = http_request(self.watch.url("api") + "/healthz", seconds=1)
        return json.loads(body).get("mark", "") if status == 200 else None

    def todos(self, service):
        status, body = http_request(self.watch.url(service) + "/api/todos")
        return json.loads(body) if status == 200 else None

    def ui_status(self, path):
        return http_request(self.watch.url("ui") + path)[0]

    def figure(self, name, value):
        self.figures.append((name, value))


class Unchanged:
    """A `with` over edits that must build no image and start no container or pod; gives the app containers by name."""

    def __init__(self, check):
        self._check = check

    def __enter__(self):
        self._apps, self._blobs = self._check.apps(), self._check.registry.blobs()
        return self._apps

    def __exit__(self, kind, *_):
        if kind is not None:
            return
        now = self._check.apps()
        for name, app in self._apps.items():
            assert now[name].identity == app.identity, f"{name}: {app.identity} became {now[name].identity}"
        assert self._check.registry.blobs() == self._blobs, "an image was built and pushed for an edit to be synced"


def has_text(path, text):
    return path.is_file() and path.read_text() == text


def print_figures(figures):
    print(f"\n{'':<58} {'median':>8} {'p90':>8} {'max':>8}")
    for name, value in figures:
        print(f"{name:<58} {value}")
    print("* into a busybox container made for it: the app's own image has no tar\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--synchost", required=True, type=Path, help="the program")
    options, options.watch_arguments = parser.parse_known_args()
    with tempfile.TemporaryDirectory(prefix="synchost-check-") as name, Registry(Path(name, "registry")) as registry:
        check = Check(options, Path(name), registry)
        try:
            check.run()
        except Exception as error:  # whatever stops the check, the person wants it with what watch said
            print(f"FAILED  {error or repr(error)}\n\nthe last lines of synchost watch:\n{check.watch.tail()}", flush=True)
            return 1
        finally:
            check.clean_up()
            print_figures(check.figures)
    print("demo check: passed")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except RuntimeError as error:  # before the first step
        sys.exit(f"demo check: {error}")
