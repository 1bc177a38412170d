"""Clocks of the demo's check: from a write to what an independent reader sees, in milliseconds."""

import http.client
import statistics
import time
from pathlib import Path
from urllib.parse import urlsplit

READER_PAUSE_SECONDS = 0.0002  # between two looks: leaves the processor to what is being measured


def http_request(url, method="GET", body=None, seconds=5, connection_type=http.client.HTTPConnection):
    """(status, body) of one request on a connection of its own; (0, b"") where nobody answers."""
    parts = urlsplit(url)
    connection = connection_type(parts.hostname, parts.port, timeout=seconds)
    try:
        headers = {"Content-Type": "application/json"} if body else {}
        connection.request(method, parts.path or "/", body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()


def wait_until(what, condition, seconds=30, pause=0.005):
    """Returns the first true value of condition(); an AssertionError names `what` (a text, or a function that gives it
    then) where there is none in time."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"after {seconds} s still not: {what() if callable(what) else what}")
        time.sleep(pause)
    return value


def milliseconds_since(started):
    return (time.perf_counter() - started) * 1000


def time_until_visible(paths, new, started, must_be_whole=None, seconds=10):
    """From `started` to the moment at which the last of `paths` holds `new`. Where `must_be_whole` is the old content,
    each file must hold exactly that at every look until it is new."""
    waiting = list(paths)
    while waiting:
        for path in list(waiting):
            if (seen := _read(path)) == new:
                waiting.remove(path)
            elif must_be_whole is not None and seen != must_be_whole:
                state = "missing" if seen is None else f"{len(seen)} bytes, neither the old content nor the new one"
                raise AssertionError(f"a reader of {path} saw the file {state}")
        if not waiting:
            break
        if milliseconds_since(started) > seconds * 1000:
            raise AssertionError(f"{waiting[0]} does not have the new content after {seconds} s")
        time.sleep(READER_PAUSE_SECONDS)
    return milliseconds_since(started)


def time_edits(source, seen_at, texts, answered, save_beside=None, pause=0.001):
    """Writes each text to `source` and clocks it. Returns two lists in milliseconds: until all paths of `seen_at` hold
    it, and until answered(index) is true, asked every `pause` seconds. The next edit follows that answer.

    Editors save in one of two ways. With `save_beside`, a path outside the watched tree, the file is written there and
    renamed into place: the source is whole at all times, and so must be what a reader sees. Without, it is written in
    place."""
    visible, served = [], []
    for index, text in enumerate(texts):
        old, new = source.read_bytes(), text.encode()
        started = time.perf_counter()
        if save_beside:
            save_beside.write_bytes(new)
            save_beside.rename(source)
        else:
            source.write_bytes(new)
        visible.append(time_until_visible(seen_at, new, started, must_be_whole=old if save_beside else None))
        wait_until(f"edit {index} of {source.name} is served", lambda index=index: answered(index), pause=pause)
        served.append(milliseconds_since(started))
    return visible, served


def median(values):
    return statistics.median(values)


def summary(values):
    """"median  p90  max" of milliseconds, as one row of a table."""
    ordered = sorted(values)
    p90 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.9))]
    return f"{statistics.median(ordered):8.1f} {p90:8.1f} {ordered[-1]:8.1f}"


def _read(path):
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        return None
