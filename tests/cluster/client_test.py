"""The client of k8s/client against a real API server: prepares a namespace, runs the program client_probe in it, and
disturbs the cluster when that asks for it (`--disturb HOW`, a second call of this script)."""

import os
import subprocess
import sys
import tempfile

import cluster
from smoke_test import container, pod_spec, workload

NAMESPACE = "client"
DISTURBANCES = {
    "cut": lambda node: node.cut_connections(),
    "restart": lambda node: node.restart("kube-apiserver"),
    "stop": lambda node: node.stop("kube-apiserver", kill=True),
    "start": lambda node: node.start("kube-apiserver"),
}


def prepare(node):
    """What the probe finds there: a ConfigMap that kubectl owns, a pod that echoes, one that writes its log on demand."""
    def apply(thing):
        node.kubectl("apply", "-n", NAMESPACE, "-f", "-", input=thing)

    apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kubectls"}, "data": {"key": "theirs"}})
    apply(workload("Pod", "probe", pod_spec(container("app", "nc", "-ll", "-p", "7000", "-e", "cat"))))
    talk = "echo one; until test -e /tmp/go; do sleep 0.1; done; echo two"
    spec = pod_spec(container("app", "sh", "-c", f"mkdir -p /tmp; {talk}"), restartPolicy="Never")
    apply(workload("Pod", "talker", spec))
    for name in ("probe", "talker"):
        node.kubectl("wait", "-n", NAMESPACE, "--for=condition=Ready", f"pod/{name}", "--timeout=60s", seconds=70)


def main(arguments):
    if arguments[0] == "--disturb":
        DISTURBANCES[arguments[1]](cluster.attach(os.environ["SYNCHOST_TEST_CLUSTER"]))
        return 0
    with tempfile.TemporaryDirectory() as folder, cluster.running(folder) as node, node.namespace(NAMESPACE):
        prepare(node)
        known = {"KUBECONFIG": str(node.kubeconfig), "SYNCHOST_TEST_CLUSTER": str(node.folder),
                 "PROBE_NAMESPACE": NAMESPACE, "PROBE_PYTHON": sys.executable, "PROBE_SCRIPT": __file__}
        try:
            return subprocess.run(arguments, env={**os.environ, **known}, check=False, timeout=500).returncode
        finally:
            # A probe that ended between `stop` and `start` leaves the node to other tests all the same.
            if node.kubectl("get", "--raw", "/readyz", check=False).returncode != 0:
                DISTURBANCES["start"](node)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
