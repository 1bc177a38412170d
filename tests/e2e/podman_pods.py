"""The pods as podman and the kernel see them: an observer that has no part of synchost's own."""

import json
import os
import subprocess
from pathlib import Path

from container import Container, runs_app, runs_sidecar

LIST_TRIES = 10


class Podman:
    """podman with the configuration that `synchost watch` made in its state folder."""

    def __init__(self, state_folder, registry):
        self._registry = registry
        self.environment = dict(os.environ)
        for name, variable in (("containers.conf", "CONTAINERS_CONF"), ("storage.conf", "CONTAINERS_STORAGE_CONF")):
            for file in Path(state_folder).glob(f"synchost/*/**/{name}"):
                self.environment[variable] = str(file)

    def run(self, *arguments, **options):
        options = {"check": True, "capture_output": True, **options}
        return subprocess.run(["podman", *arguments], env=self.environment, timeout=120, **options).stdout

    def containers(self):
        """Those that run an image of the registry of this check."""
        for _ in range(LIST_TRIES):
            listed = json.loads(self.run("ps", "-a", "--no-trunc", "--format", "json") or "[]")
            ids = [entry["Id"] for entry in listed or [] if entry["Image"].startswith(self._registry.address + "/")]
            try:
                found = json.loads(self.run("container", "inspect", *ids)) if ids else []
            except subprocess.CalledProcessError:
                continue  # one of them went away between the two questions
            return [Container(id=item["Id"], name=item["Name"], pod=item["Pod"], image=item["Image"],
                              pid=item["State"]["Pid"], started_at=item["State"]["StartedAt"],
                              argv=[item["Path"], *item["Args"]], running=item["State"]["Running"])
                    for item in found]
        raise AssertionError(f"podman could not inspect the containers that it lists, {LIST_TRIES} times in a row")

    def replicas(self, name):
        """The running container whose supervisor was given this name, as the one element of a list."""
        found = [c for c in self.containers() if c.running and runs_app(c.argv, name)]
        if len(found) != 1:
            raise AssertionError(f"{len(found)} containers run the app {name}; there must be one")
        return found

    def all_replicas(self):
        return {service: self.replicas(service) for service in ("api", "ui")}

    def running_ids(self):
        return {c.id for c in self.containers() if c.running}

    def sidecars(self):
        return [c for c in self.containers() if c.running and runs_sidecar(c.argv)]

    def blobs(self):
        return self._registry.blobs()

    def leftovers(self):
        """Names of every pod, container, network and volume of this machine's podman."""
        asked = {"pod": ("pod", "ls"), "container": ("ps", "-a"), "network": ("network", "ls"),
                 "volume": ("volume", "ls")}
        key = {"pod": "{{.Id}} {{.Name}}", "container": "{{.ID}} {{.Names}}"}
        return {f"{kind} {line}" for kind, command in asked.items()
                for line in self.run(*command, "--format", key.get(kind, "{{.Name}}"), text=True).splitlines()}

    def remove_pods_of(self, containers):
        for pod in {c.pod for c in containers if c.pod}:
            self.run("pod", "rm", "-f", "-t", "0", pod, check=False)

