"""The test cluster for tests and for people: `with cluster.running(folder) as k:`, or `cluster.py up|down|status`.

One real Kubernetes node in namespaces of its own (sandbox.py). From the machine it is reached on two free ports of
127.0.0.1: the API server, for which `kubeconfig` is written as k3d writes it, and the registry, to which images are
pushed. One cluster at a time per machine."""

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import configs
import golang
import pki
import programs
import sandbox
from layout import API_SOCKET, MADE, NODE, REGISTRY_INSIDE, REGISTRY_SOCKET

DEFAULT_FOLDER = golang.cache_folder() / "running"
READY_SECONDS = 120
LOOK_SECONDS = 0.05


class Cluster:
    """A running cluster. `registry` is where the machine pushes, `registry_inside` what pods call the same registry."""

    registry_inside = REGISTRY_INSIDE

    def __init__(self, folder, holder, api_port, registry_port):
        self.folder = Path(folder)
        self.holder = holder
        self.api_port = api_port
        self.registry = f"127.0.0.1:{registry_port}"
        self.kubeconfig = self.folder / "kubeconfig"

    # --- asking it

    def kubectl_command(self, *arguments):
        """argv of our kubectl on this cluster, for a caller that starts it itself."""
        return [str(self.folder / "bin/kubectl"), f"--kubeconfig={self.kubeconfig}", *map(str, arguments)]

    def kubectl(self, *arguments, input=None, check=True, seconds=60):
        """Its stdout. `input` is text, or an object that goes as JSON. With check, a failure raises AssertionError
        with what kubectl said; without it, the whole subprocess.CompletedProcess is returned."""
        if input is not None and not isinstance(input, str):
            input = json.dumps(input)
        done = subprocess.run(self.kubectl_command(*arguments), input=input, capture_output=True, text=True,
                              timeout=seconds, check=False, stdin=None if input is not None else subprocess.DEVNULL)
        if not check:
            return done
        if done.returncode != 0:
            raise AssertionError(f"kubectl {' '.join(map(str, arguments))}: {done.stderr.strip()}")
        return done.stdout

    def get(self, *arguments):
        """What `kubectl get ... -o json` prints, as an object."""
        return json.loads(self.kubectl("get", *arguments, "-o", "json"))

    def pods(self, namespace, selector=""):
        return self.get("pods", "-n", namespace, *(["-l", selector] if selector else []))["items"]

    @contextlib.contextmanager
    def namespace(self, name, labels=None):
        """A namespace for the length of a `with`, whose default service account is there. At the end its pods are gone;
        the name itself is free a few seconds later, which the next caller of the same name waits for."""
        self.wait(f"an earlier namespace {name} is gone", lambda: not self._exists("namespace", name))
        self.kubectl("apply", "-f", "-", input={"apiVersion": "v1", "kind": "Namespace",
                                                "metadata": {"name": name, "labels": labels or {}}})
        try:
            self.wait_for_service_account(name)
            yield name
        finally:
            self.kubectl("delete", "namespace", name, "--ignore-not-found", "--wait=false")
            self.wait(f"the pods of namespace {name} are gone", lambda: not self.pods(name))

    def wait_for_service_account(self, namespace):
        """Before it is there, pods are refused."""
        self.wait(f"service account of namespace {namespace}",
                  lambda: self._exists("serviceaccount", "default", "-n", namespace))

    def _exists(self, *arguments):
        return self.kubectl("get", *arguments, check=False).returncode == 0

    @staticmethod
    def wait(what, condition, seconds=READY_SECONDS):
        """The first true value of condition()."""
        deadline = time.monotonic() + seconds
        while not (value := condition()):
            if time.monotonic() > deadline:
                raise AssertionError(f"after {seconds} s still not: {what}")
            time.sleep(LOOK_SECONDS)
        return value

    # --- disturbing it

    def stop(self, component, kill=False):
        """Stops kube-apiserver, kubelet or another of components.py; `kill` without asking it first."""
        sandbox.run(self.holder, "stop", *(["--kill"] if kill else []), component)

    def start(self, component):
        """Starts it again and waits until it is healthy."""
        sandbox.run(self.holder, "start", component)

    def restart(self, component, kill=False):
        self.stop(component, kill)
        self.start(component)

    def cut_connections(self):
        """Ends every connection from the machine to the API server and the registry; new ones get through at once.
        Returns how many there were."""
        return int(sandbox.run(self.holder, "cut"))

    # --- looking behind it

    @staticmethod
    def container_ids(pod):
        """By container name, of what runs or ran last in it. `pod` is an object as get() returns it."""
        statuses = pod["status"].get("initContainerStatuses", []) + pod["status"].get("containerStatuses", [])
        return {status["name"]: status["containerID"].rpartition("/")[2] for status in statuses
                if status.get("containerID")}

    @staticmethod
    def restarts(pod):
        """By container name."""
        statuses = pod["status"].get("initContainerStatuses", []) + pod["status"].get("containerStatuses", [])
        return {status["name"]: status["restartCount"] for status in statuses}

    @staticmethod
    def processes(container_id):
        """Pids, in the machine's own numbers, of a container's processes, the oldest first: PID 1 of the container,
        whose files are below /proc/PID/root."""
        found = []
        for entry in os.scandir("/proc"):
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    if container_id in Path(entry.path, "cgroup").read_text():
                        found.append(int(entry.name))
        return sorted(found, key=_start_time)

    # --- ending it

    def down(self):
        """Ends it. Its logs stay until the next start in the same folder."""
        sandbox.remove(self.holder)
        _remove_made(self.folder, keep=("log",))


def up(folder, say=lambda text: None):
    """Starts a cluster whose files lie in `folder`. What an earlier one left there is removed."""
    folder = Path(folder).resolve()
    program, pause = programs.kubernetes(), programs.pause()
    started = time.monotonic()
    holder = sandbox.hold(pause, folder)
    try:
        _remove_made(folder)
        for name in MADE:
            (folder / name).mkdir(parents=True)
        (folder / "bin/kubectl").symlink_to(program)
        pki.make(folder / "pki")
        configs.write(folder / "etc")
        sandbox.run(holder, "prepare", str(folder), str(program), str(pause), script=sandbox.HERE / "node.py")
        cluster = _with_relays(folder, holder)
        sandbox.run(holder, "up")
        _wait_usable(cluster)
        hosting = configs.hosting_config_map(cluster.registry.rpartition(":")[2])
        cluster.kubectl("apply", "-f", "-", input=hosting)
    except BaseException:
        sandbox.remove(holder)
        raise
    say(f"ready after {time.monotonic() - started:.1f} s")
    return cluster


def attach(folder):
    """The cluster that runs with its files in `folder`."""
    folder = Path(folder).resolve()
    try:
        state = json.loads((folder / "state.json").read_text())
    except FileNotFoundError:
        state = {}
    held = sandbox.holder_of_lock()
    if not held:
        raise RuntimeError("no test cluster runs on this machine; start one with: ./dev cluster up")
    if held != (state.get("holder"), str(folder)):
        raise RuntimeError(f"no test cluster runs in {folder}, but one in {held[1]}, held by process {held[0]}")
    return Cluster(folder, **state)


@contextlib.contextmanager
def running(folder=None, say=lambda text: None):
    """The cluster of the test run (the folder that SYNCHOST_TEST_CLUSTER names) where there is one, which goes on
    running afterwards; else one in `folder`, for the length of the `with`."""
    shared = os.environ.get("SYNCHOST_TEST_CLUSTER")
    if shared:
        yield attach(shared)
        return
    cluster = up(folder or DEFAULT_FOLDER, say)
    try:
        yield cluster
    finally:
        cluster.down()


def _with_relays(folder, holder):
    ports = {"api_port": sandbox.relay(holder, "api-outside", API_SOCKET, folder),
             "registry_port": sandbox.relay(holder, "registry-outside", REGISTRY_SOCKET, folder)}
    (folder / "kubeconfig").touch(mode=0o600)
    (folder / "kubeconfig").write_text(pki.user_kubeconfig(folder / "pki", ports["api_port"]))
    (folder / "state.json").write_text(json.dumps({"holder": holder, **ports}))
    return Cluster(folder, holder, **ports)


def _wait_usable(cluster):
    """A node that is Ready may still refuse pods: its first taints must be gone, and pods need a service account."""
    def usable():
        node = cluster.kubectl("get", "node", NODE, "-o", "json", check=False)
        if node.returncode != 0:
            return False
        node = json.loads(node.stdout)
        ready = any(one["type"] == "Ready" and one["status"] == "True" for one in node["status"].get("conditions", []))
        return ready and not node["spec"].get("taints")
    cluster.wait("the node is ready and takes pods", usable)
    for name in ("default", "kube-public"):
        cluster.wait_for_service_account(name)


def _remove_made(folder, keep=()):
    for name in MADE:
        if name not in keep and (folder / name).exists():
            shutil.rmtree(folder / name)
    for name in ("kubeconfig", "state.json"):
        (folder / name).unlink(missing_ok=True)


def _start_time(pid):
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19]), pid
    except OSError:
        return 1 << 62, pid


def _print_usage(cluster):
    print(f"A Kubernetes {programs.version()} node runs as process {cluster.holder}; its files: {cluster.folder}\n"
          f"  export KUBECONFIG={cluster.kubeconfig}\n"
          f"  export PATH={cluster.folder / 'bin'}:$PATH      (kubectl)\n"
          f"  images: push to {cluster.registry}/NAME:TAG, use as {cluster.registry_inside}/NAME:TAG in pods\n"
          f"  end it: ./dev cluster down")


def main():
    parser = argparse.ArgumentParser(description="A Kubernetes node for tests")
    parser.add_argument("verb", choices=["up", "down", "status"])
    parser.add_argument("folder", nargs="?", type=Path, default=DEFAULT_FOLDER)
    options = parser.parse_args()
    if options.verb == "up":
        _print_usage(up(options.folder, programs.say))
    elif options.verb == "status":
        _print_usage(attach(options.folder))
    elif sandbox.holder_of_lock() is None:
        programs.say("no test cluster runs on this machine")
    else:
        attach(options.folder).down()


if __name__ == "__main__":
    try:
        main()
    except (RuntimeError, AssertionError, OSError) as error:
        sys.exit(f"cluster: {error}")
