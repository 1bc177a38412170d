"""A running `synchost watch`: started, read line by line, and stopped as Ctrl-C does it."""

import re
import signal
import subprocess
import threading
import time

READY = re.compile(r"\bready\s+(?P<service>\S+)\s+(?P<url>http://127\.0\.0\.1:\d+)")
ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


class WatchSession:
    def __init__(self, command, folder, environment, log_path):
        self._lines = []
        self._urls = {}
        self._changed = threading.Condition()
        self._process = subprocess.Popen(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        self._reader = threading.Thread(target=self._read, args=(log_path,), daemon=True)
        self._reader.start()

    def _read(self, log_path):
        with open(log_path, "w", encoding="utf-8") as log:
            for line in self._process.stdout:
                log.write(line)
                log.flush()
                with self._changed:
                    self._lines.append(ESCAPES.sub("", line.rstrip("\n")))
                    found = READY.search(self._lines[-1])
                    if found:
                        self._urls[found["service"]] = found["url"]
                    self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    @property
    def pid(self):
        return self._process.pid

    def wait_for_services(self, names, seconds):
        """Until each of the services was announced."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while not set(names) <= self._urls.keys():
                if not self._reader.is_alive():
                    raise AssertionError(f"synchost watch ended with exit code {self._process.wait()}")
                if not self._changed.wait(max(0.0, deadline - time.monotonic())) and time.monotonic() > deadline:
                    raise AssertionError(f"no `ready` line for {set(names) - self._urls.keys()} in {seconds} s")

    def url(self, service):
        """Where the service was last announced: a replaced pod may have moved it."""
        with self._changed:
            return self._urls[service]

    def lines(self):
        with self._changed:
            return list(self._lines)

    def tail(self, count=60):
        return "\n".join(self.lines()[-count:])

    def interrupt(self, seconds):
        """Ctrl-C. Returns the exit code and how many seconds the end took."""
        started = time.monotonic()
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        try:
            code = self._process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"synchost watch still runs {seconds} s after Ctrl-C") from None
        return code, time.monotonic() - started

    def kill(self):
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        self._process.stdout.close()
