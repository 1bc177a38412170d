"""Configuration files of the cluster's components, written into its folder; all paths in them are those of inside."""

import json

from layout import (CGROUP, CONFIG, CONTAINERD_SOCKET, DATA, DOMAIN, NODE_IP, PKI, POD_CIDR, REGISTRY_INSIDE,
                    REGISTRY_PORT)

PAUSE_IMAGE = f"{REGISTRY_INSIDE}/pause:1"

REGISTRY = f"""version: 0.1
log: {{level: warn}}
storage: {{filesystem: {{rootdirectory: {DATA}/registry}}, delete: {{enabled: true}}}}
http: {{addr: "{NODE_IP}:{REGISTRY_PORT}"}}
"""

# What containerd does when a pod names REGISTRY_INSIDE: a name that means nothing to the machine that pushes.
HOSTS = f"""server = "http://{NODE_IP}:{REGISTRY_PORT}"
[host."http://{NODE_IP}:{REGISTRY_PORT}"]
  capabilities = ["pull", "resolve"]
"""

# restrict_oom_score_adj: a machine without CAP_SYS_RESOURCE cannot lower a score, and no pod would start.
CONTAINERD = f"""version = 2
root = "{DATA}/containerd"
state = "/run/containerd/state"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.aufs", "io.containerd.internal.v1.opt",
  "io.containerd.tracing.processor.v1.otlp", "io.containerd.internal.v1.tracing"]
[grpc]
  address = "{CONTAINERD_SOCKET}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE_IMAGE}"
  restrict_oom_score_adj = true
  disable_apparmor = true
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
        Root = "/run/containerd/runc"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{CONFIG}/cni"
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "{CONFIG}/certs.d"
"""

CNI = {
    "cniVersion": "0.4.0", "name": "pods", "plugins": [
        {"type": "bridge", "bridge": "pods0", "isGateway": True, "ipMasq": False, "hairpinMode": True,
         "ipam": {"type": "host-local", "dataDir": "/run/cni-addresses", "ranges": [[{"subnet": POD_CIDR}]],
                  "routes": [{"dst": "0.0.0.0/0"}]}},
        {"type": "portmap", "capabilities": {"portMappings": True}, "snat": True}]}

KUBELET = {
    "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
    "address": NODE_IP, "healthzBindAddress": "127.0.0.1", "readOnlyPort": 0,
    "containerRuntimeEndpoint": f"unix://{CONTAINERD_SOCKET}",
    "tlsCertFile": f"{PKI}/kubelet-server.crt", "tlsPrivateKeyFile": f"{PKI}/kubelet-server.key",
    "authentication": {"anonymous": {"enabled": False}, "webhook": {"enabled": True},
                       "x509": {"clientCAFile": f"{PKI}/ca.crt"}},
    "authorization": {"mode": "Webhook"},
    "cgroupDriver": "cgroupfs", "cgroupRoot": f"/{CGROUP}", "failCgroupV1": False,
    "failSwapOn": False, "oomScoreAdj": 0, "hairpinMode": "none",
    "clusterDNS": [NODE_IP], "clusterDomain": DOMAIN, "resolvConf": f"{CONFIG}/resolv.conf",
    "volumePluginDir": f"{DATA}/volume-plugins",
    # A disk that a compiler has nearly filled is no reason to evict pods.
    "evictionHard": {name: "0%" for name in ("memory.available", "nodefs.available", "nodefs.inodesFree",
                                             "imagefs.available", "imagefs.inodesFree")},
    "imageGCHighThresholdPercent": 100, "imageGCLowThresholdPercent": 99,
    "nodeStatusUpdateFrequency": "1s", "serializeImagePulls": False, "maxPods": 100,
    "kubeAPIQPS": 100, "kubeAPIBurst": 200, "eventRecordQPS": 50, "eventBurst": 100,
}


def write(folder):
    """Every file into `folder`, which is CONFIG as seen from outside."""
    hosts = folder / "certs.d" / REGISTRY_INSIDE
    hosts.mkdir(parents=True)
    (folder / "cni").mkdir()
    (hosts / "hosts.toml").write_text(HOSTS)
    (folder / "registry.yml").write_text(REGISTRY)
    (folder / "containerd.toml").write_text(CONTAINERD)
    (folder / "cni/10-pods.conflist").write_text(json.dumps(CNI))
    (folder / "kubelet.yaml").write_text(json.dumps(KUBELET))
    (folder / "resolv.conf").write_text("")


def hosting_config_map(port):
    """KEP-1755 as k3d writes it: where the machine pushes, and what the same registry is called in pods."""
    text = (f"host: localhost:{port}\nhostFromContainerRuntime: {REGISTRY_INSIDE}\n"
            f"hostFromClusterNetwork: {REGISTRY_INSIDE}\n"
            "help: https://k3d.io/stable/usage/registries/#using-a-local-registry\n")
    return {"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "local-registry-hosting", "namespace": "kube-public"},
            "data": {"localRegistryHosting.v1": text}}
