"""The page of `synchost watch`, used by Debian's Chromium: the example runs on podman, the page's own steps are those of
watch_page.mjs. Whether pods and images stayed what they were is asked of podman and the registry.

    page_check.py --synchost PROGRAM [--screenshots FOLDER]"""

import argparse
import contextlib
import shutil
import subprocess
import sys
from pathlib import Path

import browser
from demo_check import run
from demo_parts import Registry
from podman_check import PodmanCheck

PAGE_SECONDS = 300


class PageCheck(PodmanCheck):
    remark = ""

    def __init__(self, options, folder, registry):
        super().__init__(options, folder, registry)
        self.screenshots = options.screenshots

    def steps(self):
        return (self.both_services_answer, self.page_shows_and_does_what_it_should, self.interrupt_leaves_nothing)

    def page_shows_and_does_what_it_should(self):
        with self.no_build_and_no_new_pod():
            command = ["node", str(Path(__file__).with_name("watch_page.mjs")), str(browser.install()),
                       shutil.which("chromium") or "chromium", self.watch.url("synchost"), str(self.project),
                       str(self.folder), *([str(self.screenshots)] if self.screenshots else [])]
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=PAGE_SECONDS,
                                  check=False)
            print(done.stdout, end="", flush=True)
            assert done.returncode == 0, f"the page: {done.stderr.strip()[-3000:]}"


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
