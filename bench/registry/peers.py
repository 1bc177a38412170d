"""Who pushes: each is given a layout and the address of an empty registry, and returns seconds and peak memory."""

import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

from machine import CellFailed, status_kb

PARALLEL = 4  # connections of synchost; skopeo takes 6
LOOK_SECONDS = 0.02
PUSH_SECONDS = 300
REPOSITORY = "bench/image"


class Push(NamedTuple):
    seconds: float
    peak_mib: float


def timed(*command):
    """(its time from fork to exit and the peak of its memory, its standard output). The peak is looked up, because rusage
    begins with the memory of this program."""
    peak = [0]
    started = time.monotonic()
    process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)

    def look():
        while process.returncode is None:
            try:
                peak[0] = max(peak[0], status_kb(process.pid, "VmHWM"))
            except (OSError, CellFailed):
                return
            time.sleep(LOOK_SECONDS)
    looking = threading.Thread(target=look)
    looking.start()
    try:
        output, errors = process.communicate(timeout=PUSH_SECONDS)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        seconds = time.monotonic() - started
        looking.join()
    if process.returncode != 0:
        raise CellFailed(f"{command[0]}: exit code {process.returncode}: {errors.strip()[-300:]}")
    return Push(seconds, peak[0] / 1024), output


class Synchost:
    name = "synchost"

    def __init__(self, program):
        self._program = program

    def push(self, layout, address):
        return timed(self._program, "copy", "--plain", f"oci:{layout.folder}", f"{address}/{REPOSITORY}:1")[0]


class Skopeo:
    name = "skopeo"

    def push(self, layout, address):
        """--preserve-digests: it changes nothing, and so compresses nothing."""
        return timed("skopeo", "copy", "-q", "--preserve-digests", "--dest-tls-verify=false", f"oci:{layout.folder}",
                     f"docker://{address}/{REPOSITORY}:1")[0]


class Floor:
    """POST and PUT of each blob by curl, on as many connections as synchost has. No HEAD, no config, no manifest."""

    name = "floor"

    def push(self, layout, address):
        with tempfile.TemporaryDirectory() as folder:
            asks = self._config(folder, "asks", [
                f'url = "http://{address}/v2/{REPOSITORY}/blobs/uploads/"\ndata = ""\noutput = "/dev/null"\n'
                'write-out = "%header{location}\\n"\n' for _ in layout.layers])
            begun, output = timed(*asks)
            places = [line for line in output.splitlines() if line.startswith("http://")]
            if len(places) != len(layout.layers):
                raise CellFailed(f"{len(places)} uploads of {len(layout.layers)} begun")
            puts = self._config(folder, "puts", [
                f'url = "{place}&digest={digest}"\nupload-file = "{layer}"\noutput = "/dev/null"\n'
                'header = "Expect:"\nheader = "Content-Type: application/octet-stream"\n'
                for place, layer, digest in zip(places, layout.layers, layout.digests)])
            sent, _ = timed(*puts)
        return Push(begun.seconds + sent.seconds, max(begun.peak_mib, sent.peak_mib))

    @staticmethod
    def _config(folder, name, requests):
        path = Path(folder) / name
        path.write_text("next\n".join("silent\nshow-error\nfail\n" + request for request in requests))
        return "curl", "--parallel", "--parallel-immediate", "--parallel-max", PARALLEL, "--config", path
