"""`./dev demo`: synchost watch on examples/todo until Ctrl-C, with what it needs at its side: base images, and on
podman a registry. On Kubernetes it runs in the cluster of `./dev cluster up`, or else in that of your kubeconfig."""

import argparse
import contextlib
import json
import os
import re
import signal
import subprocess
import sys

from demo_parts import EXAMPLE, ROOT, demo_registry, on_podman, push_stand_ins, watch_command


@contextlib.contextmanager
def podman():
    with demo_registry() as registry:
        yield on_podman(registry), registry.address, {}


@contextlib.contextmanager
def kubernetes():
    kubeconfig, registry = _test_cluster() or (None, _announced_registry())
    yield ["--runtime", "kubernetes"], registry, {"KUBECONFIG": kubeconfig} if kubeconfig else {}


def _test_cluster():
    """(kubeconfig, registry) of the one that runs."""
    sys.path.insert(0, str(ROOT / "tests/cluster"))
    import cluster
    try:
        running = cluster.attach(cluster.DEFAULT_FOLDER)
    except RuntimeError:
        return None
    return str(running.kubeconfig), running.registry


def _announced_registry():
    """Where the cluster of the user's current context has images pushed to (KEP-1755)."""
    command = ["kubectl", "get", "configmap", "local-registry-hosting", "-n", "kube-public", "-o", "json"]
    try:
        asked = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except FileNotFoundError:
        raise RuntimeError("there is no kubectl to find your cluster's registry with; ./dev cluster up starts a "
                           "cluster that needs none") from None
    if asked.returncode != 0:
        raise RuntimeError(f"your cluster announces no registry: {asked.stderr.strip()}\n"
                           "Make it with one (k3d cluster create --registry-create registry), or: ./dev cluster up")
    hosting = json.loads(asked.stdout).get("data", {}).get("localRegistryHosting.v1", "")
    found = re.search(r"""^host:\s*["']?([^"'\s]+)""", hosting, re.MULTILINE)
    if not found:
        raise RuntimeError(f"the ConfigMap kube-public/local-registry-hosting names no host: {hosting!r}")
    return found[1]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--synchost", required=True, help="the program")
    parser.add_argument("--runtime", choices=["podman", "kubernetes"], default="podman")
    options, extra = parser.parse_known_args()
    with {"podman": podman, "kubernetes": kubernetes}[options.runtime]() as (where, registry, environment):
        command = watch_command(options.synchost, where, push_stand_ins(registry), extra)
        print(f"demo: edit files in {EXAMPLE} and see them live; Ctrl-C ends it", flush=True)
        # The terminal gives Ctrl-C to us and to watch, which takes down what it started; we wait for that. A TERM for
        # us is passed on. (A handler, not SIG_IGN: the child would inherit that.)
        signal.signal(signal.SIGINT, lambda *_: None)
        watch = subprocess.Popen(command, cwd=EXAMPLE, env={**os.environ, **environment})
        signal.signal(signal.SIGTERM, lambda *_: watch.terminate())
        return watch.wait()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
    except RuntimeError as error:
        sys.exit(f"demo: {error}")
