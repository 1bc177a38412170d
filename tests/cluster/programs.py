"""The two programs that the cluster is made of beside Debian's: Kubernetes, compiled from the Go module proxy once per
version, and pause. `python3 -B programs.py` makes them and prints where they are; progress goes to stderr."""

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import golang

HERE = Path(__file__).resolve().parent
SOURCE = HERE / "kubernetes"
PROGRESS_SECONDS = 20
KEPT_ERROR_LINES = 30
COMPILERS = ("clang-19", "cc", "gcc", "clang")


def say(text):
    print(f"cluster: {text}", file=sys.stderr, flush=True)


def kubernetes():
    """Path of the program that is every component of Kubernetes by name."""
    sources = [SOURCE / "go.mod", SOURCE / "go.sum", *sorted(SOURCE.glob("*.go"))]
    return _made(f"kubernetes-{version()}", sources, _build)


def pause():
    """Path of the program that does nothing: PID 1 of every pod, and of the whole cluster."""
    return _made("pause", [HERE / "pause.c"], _compile_pause)


def version():
    found = re.search(r"^\s*k8s\.io/kubernetes (v\d+\.\d+\.\d+)$", (SOURCE / "go.mod").read_text(), re.MULTILINE)
    if not found:
        raise RuntimeError(f"{SOURCE / 'go.mod'} requires no k8s.io/kubernetes")
    return found[1]


def _made(name, sources, make):
    """The program that was made of exactly these sources, from the cache or made now. It appears there by rename, so
    what is there is whole; a second caller waits for the first."""
    digest = hashlib.sha256()
    for source in sources:
        digest.update(source.name.encode() + b"\0" + source.read_bytes() + b"\0")
    program = golang.cache_folder() / f"{name}-{digest.hexdigest()[:16]}"
    if program.exists():
        return program
    program.parent.mkdir(parents=True, exist_ok=True)
    with _exclusive(program.parent / f"{name}.lock"):
        if not program.exists():
            unfinished = program.with_name(f".{program.name}.{os.getpid()}")
            try:
                make(unfinished)
                unfinished.rename(program)
            finally:
                unfinished.unlink(missing_ok=True)
    return program


@contextlib.contextmanager
def _exclusive(path):
    with open(path, "w", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another process that makes the same ({path})")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _build(target):
    release = version()
    major, minor = release[1:].split(".")[:2]
    values = {"k8s.io/component-base/version.gitVersion": release, "k8s.io/component-base/version.gitMajor": major,
              "k8s.io/component-base/version.gitMinor": minor, "k8s.io/client-go/pkg/version.gitVersion": release}
    flags = "-s -w " + " ".join(f"-X {name}={value}" for name, value in values.items())
    say(f"compiling Kubernetes {release}, once per version; ten minutes of two cores where Go's cache has none of it")
    command = ["nice", "-n", "10", golang.find(say), "build", "-v", "-trimpath", "-ldflags", flags, "-o", str(target),
               "."]
    started = told = time.monotonic()
    packages, last = 0, []
    process = subprocess.Popen(command, cwd=SOURCE, env=golang.environment(), stderr=subprocess.PIPE, text=True,
                               errors="replace")
    for line in process.stderr:
        packages += 1
        last = [*last[1 - KEPT_ERROR_LINES:], line.rstrip()]
        if time.monotonic() - told > PROGRESS_SECONDS:
            told = time.monotonic()
            say(f"{told - started:5.0f} s, {packages} packages, now {last[-1]}")
    if process.wait() != 0:
        raise RuntimeError("go build failed in {}; its last lines:\n{}".format(SOURCE, "\n".join(last)))
    say(f"compiled in {time.monotonic() - started:.0f} s, {target.stat().st_size / 1e6:.0f} MB")


def _compile_pause(target):
    compiler = next(filter(None, map(shutil.which, COMPILERS)), None)
    if not compiler:
        raise RuntimeError(f"no C compiler ({', '.join(COMPILERS)}); ./dev setup installs one")
    done = subprocess.run([compiler, "-Os", "-static", "-Wall", "-o", str(target), str(HERE / "pause.c")],
                          stdout=sys.stderr, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{compiler} could not compile {HERE / 'pause.c'}")


if __name__ == "__main__":
    try:
        print(kubernetes(), pause(), sep="\n")
    except (RuntimeError, OSError) as error:
        sys.exit(f"cluster: {error}")
