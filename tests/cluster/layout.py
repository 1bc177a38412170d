"""Names, addresses and paths of the cluster, the same in every module.

Inside, the cluster has its own network, mounts and process numbers. Its addresses exist there alone, and so do the
paths below INSIDE: the cluster's folder, these scripts and the Kubernetes program, wherever the machine has them.
Nothing there depends on how long or how odd the machine's own paths are."""

from pathlib import Path

NAME = "k3d-synchost-test"  # of the context and of the cluster: what k3d would name it
USER = f"admin@{NAME}"
NODE = f"{NAME}-server-0"

NODE_IP = "10.250.0.1"  # an alias on the loopback device: pods reach it, nobody outside; 127/8 is refused for nodes
POD_CIDR = "10.244.0.0/24"
SERVICE_CIDR = "10.96.0.0/16"
SERVICE_API_IP = "10.96.0.1"
DOMAIN = "cluster.local"
API_PORT = 6443
REGISTRY_HOST = "k3d-synchost-registry"  # by what containerd and pods know the registry
REGISTRY_PORT = 5000
REGISTRY_INSIDE = f"{REGISTRY_HOST}:{REGISTRY_PORT}"
CGROUP = "synchost-test-cluster"  # pods' cgroups are below it; a kubelet ends what it does not know below its own root
ETCD_PORT = 2379
ETCD_PEER_PORT = 2380

INSIDE = Path("/mnt")
SCRIPTS = INSIDE / "scripts"
PROGRAM = INSIDE / "kubernetes"
PAUSE = INSIDE / "pause"
FOLDER = INSIDE / "cluster"
CONFIG, PKI, DATA, LOG, RUN = (FOLDER / name for name in ("etc", "pki", "data", "log", "run"))
CONTAINERD_SOCKET = "/run/containerd/containerd.sock"
ETCD_DATA = "/run/etcd"  # in memory: etcd waits for the disk at each write, and a compiler may be at work beside it

MADE = ("etc", "pki", "data", "log", "run", "bin")  # the folders that a start makes anew in the cluster's folder
API_SOCKET = "api.sock"  # in RUN: sockets cross the border of the network namespace
REGISTRY_SOCKET = "registry.sock"
