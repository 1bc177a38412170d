"""The page of `synchost watch`, used by Debian's Chromium: the example runs on podman, the page's own steps are those of
watch_page.mjs. Whether pods and images stayed what they were is asked of podman and the registry.

    page_check.py --synchost PROGRAM [--screenshots FOLDER]"""

import argparse
import contextlib
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import urlsplit

import browser
from demo_check import run
from demo_parts import Registry
from podman_check import PodmanCheck
from todo_check import INTERRUPTED, START_SECONDS, STOP_SECONDS
from watch_session import WatchSession

PAGE_SECONDS = 300


class Script:
    """watch_page.mjs, which asks for what it cannot do itself. A `with` ends it."""

    def __init__(self, arguments, errors):
        self._errors = errors
        with errors.open("w") as file:
            self._process = subprocess.Popen(["node", str(Path(__file__).with_name("watch_page.mjs")), *arguments],
                                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=file, text=True)
        self._watchdog = threading.Timer(PAGE_SECONDS, self._process.kill)

    def __enter__(self):
        self._watchdog.start()
        return self

    def __exit__(self, *_):
        self._watchdog.cancel()
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()

    def until(self, what):
        """Prints what it has seen until it asks for this."""
        for line in self._process.stdout:
            if line == f"ask {what}\n":
                return
            print(line, end="", flush=True)
        self._assert_well()
        raise AssertionError(f"the page's script ended, and never asked for {what}")

    def go_on(self):
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def finish(self):
        for line in self._process.stdout:
            print(line, end="", flush=True)
        self._assert_well()

    def _assert_well(self):
        code = self._process.wait()
        assert code == 0, f"the page: exit code {code}: {self._errors.read_text().strip()[-3000:]}"


class PageCheck(PodmanCheck):
    remark = ""

    def __init__(self, options, folder, registry):
        super().__init__(options, folder, registry)
        self.screenshots = options.screenshots

    def steps(self):
        return (self.both_services_answer, self.page_shows_and_does_what_it_should, self.interrupt_leaves_nothing)

    def start(self, command, environment):
        self._command = command
        super().start(command, environment)

    def page_shows_and_does_what_it_should(self):
        url = self.watch.url("synchost")
        arguments = [str(browser.install()), shutil.which("chromium") or "chromium", url, str(self.project),
                     str(self.folder), *([str(self.screenshots)] if self.screenshots else [])]
        with Script(arguments, self.folder / "page-errors") as script:
            with self.no_build_and_no_new_pod():
                script.until("whether anything was built until now")
            script.go_on()
            script.until("the end of the watch")
            code, _ = self.watch.interrupt(STOP_SECONDS)
            assert code == INTERRUPTED, f"exit code {code} after Ctrl-C"
            script.go_on()
            script.until("another watch")
            self.watch = WatchSession([*self._command, "--ui-port", str(urlsplit(url).port)], self.project,
                                      self.environment, self.folder / "second-watch.log")
            self.watch.wait_for_services(("api", "ui"), START_SECONDS)
            script.go_on()
            script.finish()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--synchost", required=True, type=Path, help="the program")
    parser.add_argument("--screenshots", type=Path, help="folder that pictures of the views are put into")
    options = parser.parse_args()
    options.watch_arguments = []
    return run(prepared, options)


@contextlib.contextmanager
def prepared(options, folder):
    with Registry(folder / "registry") as registry:
        yield PageCheck(options, folder, registry)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except RuntimeError as error:  # before the first step
        sys.exit(f"page check: {error}")
