"""`./dev demo`: synchost watch on examples/todo, with a registry and base images at its side, until Ctrl-C."""

import argparse
import signal
import subprocess
import sys

from demo_parts import EXAMPLE, demo_registry, push_stand_ins, watch_command


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--synchost", required=True, help="the program")
    options, extra = parser.parse_known_args()
    with demo_registry() as registry:
        command = watch_command(options.synchost, registry, push_stand_ins(registry), extra)
        print(f"demo: edit files in {EXAMPLE} and see them live; Ctrl-C ends it", flush=True)
        # The terminal gives Ctrl-C to us and to watch, which takes down what it started; we wait for that. A TERM for
        # us is passed on. (A handler, not SIG_IGN: the child would inherit that.)
        signal.signal(signal.SIGINT, lambda *_: None)
        watch = subprocess.Popen(command, cwd=EXAMPLE)
        signal.signal(signal.SIGTERM, lambda *_: watch.terminate())
        return watch.wait()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
    except RuntimeError as error:
        sys.exit(f"demo: {error}")
