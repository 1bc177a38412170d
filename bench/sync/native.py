"""The C programs of native/, compiled once for each state of their sources."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

SOURCES = Path(__file__).resolve().parent / "native"
FLAGS = ["-std=c17", "-D_GNU_SOURCE", "-O2", "-static", "-pthread"]


def cache_folder():
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "synchost-bench"


def compile_all():
    """The folder of the programs: reader, treecheck, floor, relay, pause, unison-fsmonitor."""
    sources = sorted(SOURCES.glob("*.c"))
    state = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:16]
    folder = cache_folder() / f"native-{state}"
    compiler = next((name for name in ("clang-19", "cc") if shutil.which(name)), None)
    if not compiler:
        raise RuntimeError("no C compiler is installed (clang-19 or cc); ./dev setup installs one")
    folder.mkdir(parents=True, exist_ok=True)
    for source in sources:
        program = folder / (source.stem if source.stem != "fsmonitor" else "unison-fsmonitor")
        if program.exists():
            continue
        temporary = program.with_suffix(f".{os.getpid()}")
        done = subprocess.run([compiler, *FLAGS, "-o", str(temporary), str(source), "-lz"], capture_output=True, text=True,
                              check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{source.name} does not compile:\n{done.stderr}")
        temporary.rename(program)
    return folder
