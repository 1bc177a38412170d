"""What a Kubernetes node leaves on a machine that it is not isolated from: the places where each would show."""

import subprocess
from pathlib import Path

from layout import NODE_IP, POD_CIDR, SERVICE_CIDR
from node import MASKED

PATHS = ("/var/lib/kubelet", "/var/log/pods", "/var/log/containers", "/run/containerd",
         "/usr/libexec/kubernetes", "/etc/kubernetes", "/etc/cni/net.d", "/opt/cni")
OURS = ("KUBE-", "CNI-HOSTPORT", "pods0", NODE_IP, POD_CIDR.rpartition(".")[0], SERVICE_CIDR.rpartition(".")[0])
COMMANDS = (["iptables-save"], ["ip", "-o", "link"], ["ip", "-o", "addr"], ["ip", "route", "show", "table", "all"])


def find():
    """Each as a line of text. Compare with what was found before the cluster was started."""
    found = {f"{path}/{entry.name}" for path in PATHS if Path(path).is_dir() for entry in Path(path).iterdir()}
    found |= {path for path in PATHS if Path(path).exists()}
    found |= {f"sysctl {name} = {Path('/proc/sys', name).read_text().strip()}" for name in MASKED
              if Path("/proc/sys", name).exists()}
    for command in COMMANDS:
        text = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
        found |= {f"{command[0]}: {line.strip()}" for line in text.splitlines() if any(name in line for name in OURS)}
    return found | {f"mount {line.split()[1]}" for line in Path("/proc/mounts").read_text().splitlines()
                    if "kubelet" in line or "containerd" in line or "cluster/data" in line}


def members(pid_namespace):
    """Processes of a pid namespace."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "ns/pid").readlink() == pid_namespace:
                found.add(int(process.name))
        except OSError:
            continue
    return found


def describe(processes):
    """Their numbers and commands, for a message."""
    lines = []
    for pid in sorted(processes):
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            command = "gone by now"
        lines.append(f"{pid} {command[:200]}")
    return "; ".join(lines)
