"""`./dev demo --check`: the demo without a person. Runs `synchost watch` on a copy of the example, edits it as a person
would, asserts what must follow, and prints what it measured. Exit code 0 or 1; everything that it started is stopped.

    demo_check.py --synchost PROGRAM [--runtime podman|kubernetes] [argument of watch...]

The steps are in todo_check.py; what is particular to a runtime is in podman_check.py and kubernetes_check.py."""

import argparse
import importlib
import sys
import tempfile
from pathlib import Path


def print_figures(figures, remark):
    print(f"\n{'':<58} {'median':>8} {'p90':>8} {'max':>8}")
    for name, value in figures:
        print(f"{name:<58} {value}")
    print(remark + "\n")


def run(prepared, options):
    """The exit code of a check; prepared(options, folder) is a `with` over it."""
    with tempfile.TemporaryDirectory(prefix="synchost-check-") as name, prepared(options, Path(name)) as check:
        try:
            check.run()
        except Exception as error:  # whatever stops the check, the person wants it with what watch said
            print(f"FAILED  {error or repr(error)}\n\nthe last lines of synchost watch:\n{check.watch.tail()}",
                  flush=True)
            return 1
        finally:
            check.clean_up()
            print_figures(check.figures, check.remark)
    print("the check has passed")
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--synchost", required=True, type=Path, help="the program")
    parser.add_argument("--runtime", choices=["podman", "kubernetes"], default="podman")
    options, options.watch_arguments = parser.parse_known_args()
    return run(importlib.import_module(f"{options.runtime}_check").prepared, options)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except RuntimeError as error:  # before the first step
        sys.exit(f"demo check: {error}")
