"""The pods as kubectl and the kernel see them: an observer that has no part of synchost's own."""

import ctypes
import hashlib
import http.client
import json
import os
import socket
import threading
from pathlib import Path

from container import Container, runs_app, runs_sidecar
from demo_parts import blobs_in
from measure import http_request

LIST_TRIES = 10
CLONE_NEWNET = 0x40000000  # sched.h
PROJECT_LABEL = "synchost.dev/project=todo"
# What a cluster changes by itself.
RESTLESS = {"events", "events.events.k8s.io", "leases.coordination.k8s.io", "endpoints",
            "endpointslices.discovery.k8s.io", "componentstatuses"}


class ClusterPods:
    """One namespace of a test cluster, in which each service of the example is a Deployment of its name."""

    def __init__(self, cluster, namespace, replicas):
        self.cluster = cluster
        self.namespace = namespace
        self.expected = dict(replicas)  # by service

    def kubectl(self, *arguments, **options):
        return self.cluster.kubectl("-n", self.namespace, *arguments, **options)

    # --- pods

    def pods(self, service):
        """The pods of a service that are not on their way out."""
        found = self.cluster.pods(self.namespace, f"app.kubernetes.io/name={service}")
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def ready_pods(self, service):
        """All of them, once they are as many as must be and each is ready; nothing until then."""
        pods = self.pods(service)
        return pods if len(pods) == self.expected[service] and all(is_ready(pod) for pod in pods) else []

    def replicas(self, service):
        """The app containers, in the order of their pods' names."""
        for _ in range(LIST_TRIES):
            pods = self.pods(service)
            if len(pods) != self.expected[service]:
                raise AssertionError(f"{len(pods)} pods of {service}; there must be {self.expected[service]}")
            found = [self._container(pod, service) for pod in sorted(pods, key=lambda pod: pod["metadata"]["name"])]
            if all(found):
                break
        for container in found:
            if not container:
                raise AssertionError(f"a pod of {service} has no running container {service}")
            if not runs_app(container.argv, service):
                raise AssertionError(f"{container.name}: its first process is {container.argv}, not its supervisor")
        return found

    def all_replicas(self):
        return {service: self.replicas(service) for service in self.expected}

    def sidecars(self):
        """Of every pod of the project that runs, whatever its containers are called."""
        found = [self._container(pod, name) for pod in self.cluster.pods(self.namespace, PROJECT_LABEL)
                 for name in self.cluster.container_ids(pod)]
        return [container for container in found if container and runs_sidecar(container.argv)]

    def running_ids(self):
        return {status["containerID"].rpartition("/")[2] for pod in self.cluster.pods(self.namespace)
                for status in statuses(pod) if "running" in status.get("state", {})}

    def processes_of(self, pod):
        """Pids of everything that runs in a pod's containers, by the kernel's word."""
        return [pid for id in self.cluster.container_ids(pod).values() for pid in self.cluster.processes(id)]

    def _container(self, pod, name):
        status = next((one for one in statuses(pod) if one["name"] == name), {})
        running = status.get("state", {}).get("running")
        pids = self.cluster.processes(status["containerID"].rpartition("/")[2]) if running else []
        if not pids:
            return None
        argv = Path(f"/proc/{pids[0]}/cmdline").read_bytes().decode().split("\0")[:-1]
        return Container(id=status["containerID"].rpartition("/")[2], name=pod["metadata"]["name"],
                         pod=pod["metadata"]["uid"], image=status["imageID"], pid=pids[0],
                         started_at=running["startedAt"], argv=argv, running=True,
                         restarts=tuple(sorted(self.cluster.restarts(pod).items())))

    def log_lines(self, pod_name, container, previous=False):
        """All that a container wrote since its start."""
        text = self.kubectl("logs", pod_name, "-c", container, *(["--previous"] if previous else []))
        return text.splitlines()

    # --- the rest of the cluster

    def blobs(self):
        return blobs_in(self.cluster.folder / "data/registry")

    def leftovers(self):
        """Every object of the cluster, with a digest of what it says, without its status and what counts changes."""
        found = set()
        for namespaced in ("true", "false"):
            listed = self.cluster.kubectl("api-resources", "--verbs=list", f"--namespaced={namespaced}", "-o", "name")
            kinds = sorted(set(listed.split()) - RESTLESS)
            arguments = ["-A"] if namespaced == "true" else []
            for item in self.cluster.get(",".join(kinds), *arguments)["items"]:
                found.add(_described(item))
        return found


class Inside(http.client.HTTPConnection):
    """A connection to the loopback of a process's network; `pid` is set by ask()."""

    pid = 0

    def connect(self):
        self.sock = _connect_inside(self.pid, self.port, self.timeout)


def ask(pid, port, path, seconds=5):
    """(status, body) of a GET to a port of the pod in which `pid` runs; nothing of Kubernetes or synchost between."""
    connection_type = type("Inside", (Inside,), {"pid": pid})
    return http_request(f"http://127.0.0.1:{port}{path}", seconds=seconds, connection_type=connection_type)


def _connect_inside(pid, port, seconds):
    """The network namespace is a thread's, and a socket keeps that of its making: so a thread of its own makes it."""
    made = []

    def connect():
        try:
            namespace = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
            try:
                if ctypes.CDLL(None, use_errno=True).setns(namespace, CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), "setns")
            finally:
                os.close(namespace)
            made.append(socket.create_connection(("127.0.0.1", port), timeout=seconds))
        except OSError as error:
            made.append(error)

    thread = threading.Thread(target=connect)
    thread.start()
    thread.join()
    if isinstance(made[0], OSError):
        raise made[0]
    return made[0]


def is_ready(pod):
    return any(one["type"] == "Ready" and one["status"] == "True" for one in pod["status"].get("conditions", []))


def statuses(pod):
    """Of all its containers, those that ran before the others included."""
    return pod["status"].get("initContainerStatuses", []) + pod["status"].get("containerStatuses", [])


def _described(item):
    metadata = {name: value for name, value in item["metadata"].items()
                if name not in ("resourceVersion", "managedFields", "generation")}
    content = {name: value for name, value in item.items() if name not in ("metadata", "status")}
    digest = hashlib.sha256(json.dumps([metadata, content], sort_keys=True).encode()).hexdigest()[:12]
    return f"{item['kind']} {metadata.get('namespace', '')}/{metadata['name']} {digest}"
