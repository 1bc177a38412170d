"""The page test's browser: Debian's Chromium driven by playwright-core, which npm installs into the user's cache."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def cache_folder():
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "synchost"


def install():
    """Returns the node_modules folder that package-lock.json describes, made where it is not there yet."""
    lock = (HERE / "package-lock.json").read_bytes()
    folder = cache_folder() / f"e2e-{hashlib.sha256(lock).hexdigest()[:16]}"
    if not (folder / "complete").exists():
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, folder)
        done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
                              cwd=folder, stdout=sys.stderr, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"npm could not install {HERE / 'package-lock.json'}, which the page test needs")
        (folder / "complete").touch()
    return folder / "node_modules"


def add_todo(url, title):
    """Adds a todo of high priority through the page; returns what the page then shows of it."""
    command = ["node", str(HERE / "page.mjs"), str(install()), shutil.which("chromium") or "chromium", url, title]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if result.returncode != 0:
        raise AssertionError(f"the page test failed:\n{result.stderr.strip()}")
    return json.loads(result.stdout)


if __name__ == "__main__":
    try:
        install()
    except RuntimeError as error:
        sys.exit(str(error))
