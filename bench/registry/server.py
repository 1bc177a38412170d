"""docker-registry on loopback, for the benches that push."""

import shutil
import tempfile
import urllib.request
from pathlib import Path

from machine import free_port, start, stop, wait_until


class Registry:
    """A docker-registry with nothing in it."""

    def __init__(self, cleanup, folder):
        self.address = f"127.0.0.1:{free_port()}"
        self._folder = Path(tempfile.mkdtemp(prefix="registry-", dir=folder))
        config = self._folder / "config.yml"
        config.write_text("version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\n"
                          f"storage:\n  filesystem: {{rootdirectory: {self._folder / 'storage'}}}\n"
                          f"http:\n  addr: {self.address}\n")
        self._process = start(cleanup, "docker-registry", "serve", config)
        wait_until("docker-registry", self._answers, 20)

    def _answers(self):
        try:
            with urllib.request.urlopen(f"http://{self.address}/v2/", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def end(self):
        stop(self._process)
        shutil.rmtree(self._folder)
