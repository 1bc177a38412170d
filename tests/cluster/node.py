"""Inside the cluster's namespaces: makes them a node, starts and stops what runs there. Started by sandbox.py.

`node.py prepare FOLDER PROGRAM PAUSE` once, with the machine's paths; everything else with the paths of layout.py:
`up`, `start NAME...`, `stop [--kill] NAME`, `cut`. Process numbers here are those of inside."""

import concurrent.futures
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import images
from components import COMPONENTS, healthy
from layout import (DATA, ETCD_DATA, FOLDER, INSIDE, LOG, NODE_IP, PAUSE, PROGRAM, REGISTRY_PORT, RUN, SCRIPTS,
                    SERVICE_CIDR)

READY_SECONDS = 120
STOP_SECONDS = 30
LOOK_SECONDS = 0.03
LOG_TAIL_BYTES = 3000
# The kubelet writes these for the whole machine where they differ. It is shown files that have what it wants.
MASKED = {"vm/overcommit_memory": "1", "vm/panic_on_oom": "0", "kernel/panic": "10", "kernel/panic_on_oops": "1",
          "kernel/keys/root_maxkeys": "1000000", "kernel/keys/root_maxbytes": "25000000"}
SYSCTLS = {"net/ipv4/ip_forward": "1", "net/bridge/bridge-nf-call-iptables": "1"}  # of this network namespace alone


def prepare(folder, program, pause):
    """Private mounts over every path that Kubernetes, containerd and CNI know by heart, then the network."""
    _mount("-t", "tmpfs", "tmpfs", INSIDE)
    for source, target in ((folder, FOLDER), (Path(__file__).resolve().parent, SCRIPTS)):
        target.mkdir()
        _mount("--bind", source, target)
    for source, target in ((program, PROGRAM), (pause, PAUSE)):
        target.touch()
        _mount("--bind", source, target)
    # /sys must show this network namespace; the cgroup mounts below it must stay. Before / is shared: an unmount
    # would spread.
    aside = INSIDE / "cgroup"
    aside.mkdir()
    _mount("--rbind", "/sys/fs/cgroup", aside)
    _mount("-t", "sysfs", "sysfs", "/sys")
    _mount("--rbind", aside, "/sys/fs/cgroup")
    _run("umount", "-l", aside)
    for path in ("/run", "/var"):
        _mount("-t", "tmpfs", "-o", "mode=0755", "tmpfs", path)
    for source, target in ((DATA / "kubelet", "/var/lib/kubelet"), (LOG / "pods", "/var/log/pods")):
        for path in (source, Path(target)):
            path.mkdir(parents=True)
        _mount("--bind", source, target)
    for path in ("/var/log/containers", "/var/lib/cni", "/var/tmp", "/run/containerd", "/run/netns", "/run/lock"):
        Path(path).mkdir(parents=True)
    _mask_sysctls()
    _mount("--make-rshared", "/")  # for mountPropagation of pods
    _run("ip", "link", "set", "lo", "up")
    _run("ip", "addr", "add", f"{NODE_IP}/32", "dev", "lo")
    _run("ip", "route", "add", SERVICE_CIDR, "dev", "lo", "src", NODE_IP)  # a route first, or nothing reaches DNAT
    for name, value in SYSCTLS.items():
        Path("/proc/sys", name).write_text(value)


def up():
    """Starts everything. The API server takes longest: what can wait for it meanwhile is begun beside it."""
    Path(ETCD_DATA).mkdir(mode=0o700)
    (DATA / "registry").mkdir()
    start(["etcd", "registry", "containerd", "registry-relay", "api-relay"])
    _launch("kube-apiserver")
    images.push_base_images(f"{NODE_IP}:{REGISTRY_PORT}", PAUSE)
    _wait_ready("kube-apiserver")
    start(["kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "dns"])


def start(names):
    for name in names:
        _launch(name)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for done in [pool.submit(_wait_ready, name) for name in names]:
            done.result()


def stop(name, signal_number=signal.SIGTERM):
    """Ends the component; KILL follows where TERM did not do it in time. One that does not run is stopped already."""
    try:
        process = os.pidfd_open(_pid(name))
    except (FileNotFoundError, ProcessLookupError):
        return
    for number, seconds in ((signal_number, STOP_SECONDS), (signal.SIGKILL, STOP_SECONDS)):
        signal.pidfd_send_signal(process, number)
        if select.select([process], [], [], seconds)[0]:
            (RUN / f"{name}.pid").unlink()
            return
    raise RuntimeError(f"{name} does not end")


def cut():
    """Ends every connection that runs through the relays. Prints how many; the relays go on listening."""
    connections = 0
    for name in ("api-outside", "registry-outside"):
        pid = _pid(name)
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            os.kill(int(child), signal.SIGKILL)
            connections += 1
    print(connections)


def _launch(name):
    command = COMPONENTS[name].command
    with open(LOG / f"{name}.log", "ab") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                                   cwd="/")
    (RUN / f"{name}.pid").write_text(str(process.pid))


def _wait_ready(name):
    health, began = COMPONENTS[name].health, time.monotonic()
    while health and not healthy(health):
        if not _runs(_pid(name)):
            raise RuntimeError(f"{name} ended; its last lines:\n{_log_tail(name)}")
        if time.monotonic() - began > READY_SECONDS:
            raise RuntimeError(f"{name} is not ready after {READY_SECONDS} s; its last lines:\n{_log_tail(name)}")
        time.sleep(LOOK_SECONDS)


def _pid(name):
    return int((RUN / f"{name}.pid").read_text())


def _runs(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _log_tail(name):
    return (LOG / f"{name}.log").read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace")


def _mask_sysctls():
    for name, value in MASKED.items():
        if Path("/proc/sys", name).exists():
            shown = INSIDE / name.replace("/", ".")
            shown.write_text(value + "\n")
            _mount("--bind", shown, Path("/proc/sys", name))


def _mount(*arguments):
    _run("mount", *arguments)


def _run(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.stderr.strip()}")


def main(verb, *rest):
    if verb == "prepare":
        prepare(*rest)
    elif verb == "up":
        up()
    elif verb == "start":
        start(list(rest))
    elif verb == "stop":
        kill = rest[0] == "--kill"
        stop(rest[-1], signal.SIGKILL if kill else signal.SIGTERM)
    elif verb == "cut":
        cut()


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except (RuntimeError, OSError) as error:
        sys.exit(str(error))
