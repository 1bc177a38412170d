"""The test cluster is what the other tests take it for: a node of the version asked for that runs pods, reached as a
developer reaches k3d, and which comes back from what the tests do to it."""

import contextlib
import http.client
import io
import json
import re
import subprocess
import tarfile
import tempfile
import unittest
from pathlib import Path

import cluster
import images
import programs
from layout import NODE
from sandbox import Running

BUSYBOX = f"{cluster.Cluster.registry_inside}/busybox:1"
NAMESPACE = "smoke"


def container(name, *command, image=BUSYBOX, **fields):
    return {"name": name, "image": image, "command": list(command), **fields}


def workload(kind, name, spec):
    versions = {"Pod": "v1", "Service": "v1", "Job": "batch/v1", "StatefulSet": "apps/v1"}
    metadata = {"name": name, "labels": {"app": name}}
    return {"apiVersion": versions[kind], "kind": kind, "metadata": metadata, "spec": spec}


def pod_spec(*containers, **fields):
    return {"terminationGracePeriodSeconds": 1, "containers": list(containers), **fields}


def web_pod(name):
    """Serves /www on 8080 beside a native sidecar."""
    return workload("Pod", name, pod_spec(
        container("web", "httpd", "-f", "-p", "8080", "-h", "/www", ports=[{"containerPort": 8080}],
                  readinessProbe={"tcpSocket": {"port": 8080}, "periodSeconds": 1}),
        initContainers=[container("side", "sleep", "100000", restartPolicy="Always")]))


class Smoke(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        parts = cls.enterClassContext(contextlib.ExitStack())
        cls.node = parts.enter_context(cluster.running(parts.enter_context(tempfile.TemporaryDirectory())))
        parts.enter_context(cls.node.namespace(NAMESPACE))
        cls.apply(web_pod("web"))
        cls.apply(workload("Service", "api", {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]}))
        cls.kubectl("wait", "--for=condition=Ready", "pod/web", "--timeout=60s", seconds=70)

    @classmethod
    def kubectl(cls, verb, *arguments, **options):
        return cls.node.kubectl(verb, "-n", NAMESPACE, *arguments, **options)

    @classmethod
    def apply(cls, thing):
        cls.kubectl("apply", "-f", "-", input=thing)

    def inside(self, *command, **options):
        return self.kubectl("exec", "-i", "web", "-c", "web", "--", *command, **options)

    def pod(self, name):
        return self.node.get("pod", name, "-n", NAMESPACE)

    def finished(self, name):
        """Runs a pod to its end; its log."""
        self.node.wait(f"pod {name} succeeds", lambda: self.pod(name)["status"]["phase"] == "Succeeded", 60)
        return self.kubectl("logs", name)

    def test_node_has_the_version_that_was_asked_for(self):
        node = self.node.get("node", NODE)
        self.assertEqual(programs.version(), node["status"]["nodeInfo"]["kubeletVersion"])
        server = json.loads(self.node.kubectl("get", "--raw", "/version"))
        self.assertEqual(programs.version(), server["gitVersion"])

    def test_kubeconfig_is_like_that_of_k3d(self):
        text = self.node.kubeconfig.read_text()
        self.assertIn(f"server: https://0.0.0.0:{self.node.api_port}\n", text)
        self.assertIn("current-context: k3d-synchost-test\n", text)
        self.assertEqual(0o600, self.node.kubeconfig.stat().st_mode & 0o777)
        for host in ("127.0.0.1", "localhost"):
            server = f"--server=https://{host}:{self.node.api_port}"
            self.assertEqual("ok", self.node.kubectl("get", "--raw", "/readyz", server))

    def test_native_sidecar_runs_beside_the_app(self):
        pod = self.pod("web")
        self.assertEqual({"side": 0, "web": 0}, self.node.restarts(pod))
        side, web = (pod["status"][key][0] for key in ("initContainerStatuses", "containerStatuses"))
        self.assertTrue(side["started"])
        self.assertLessEqual(side["state"]["running"]["startedAt"], web["state"]["running"]["startedAt"])

    def test_job_with_native_sidecar_finishes(self):
        spec = pod_spec(container("work", "sh", "-c", "echo done"), restartPolicy="Never",
                        initContainers=[container("side", "sleep", "100000", restartPolicy="Always")])
        self.apply(workload("Job", "job", {"backoffLimit": 0, "template": {"spec": spec}}))
        self.kubectl("wait", "--for=condition=Complete", "job/job", "--timeout=60s", seconds=70)
        self.assertEqual("done\n", self.kubectl("logs", "job/job", "-c", "work"))

    def test_logs_of_the_container_before(self):
        count = "echo run; test -e /flag/first || { touch /flag/first; exit 7; }; sleep 100000"
        self.apply(workload("Pod", "crash", pod_spec(
            container("c", "sh", "-c", count, volumeMounts=[{"name": "flag", "mountPath": "/flag"}]),
            volumes=[{"name": "flag", "emptyDir": {}}])))
        self.node.wait("the container ran twice", lambda: self.node.restarts(self.pod("crash")) == {"c": 1}, 60)
        self.assertEqual("run\n", self.kubectl("logs", "crash", "--previous"))
        ended = self.pod("crash")["status"]["containerStatuses"][0]["lastState"]["terminated"]
        self.assertEqual(7, ended["exitCode"])

    def test_exec_gives_input_output_and_exit_code_on(self):
        self.assertEqual("hello", self.inside("cat", input="hello"))
        self.assertEqual(7, self.inside("sh", "-c", "exit 7", check=False).returncode)

    def test_tar_through_exec_is_seen_below_proc(self):
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            entry = tarfile.TarInfo("copied")
            entry.size = 5
            tar.addfile(entry, io.BytesIO(b"here\n"))
        self.inside("tar", "-x", "-C", "/www", "-f", "-", input=archive.getvalue().decode())
        pids = self.node.processes(self.node.container_ids(self.pod("web"))["web"])
        self.assertEqual("httpd", Path(f"/proc/{pids[0]}/comm").read_text().strip())
        self.assertEqual("here\n", Path(f"/proc/{pids[0]}/root/www/copied").read_text())

    def test_port_forward(self):
        command = self.node.kubectl_command("port-forward", "-n", NAMESPACE, "pod/web", ":8080", "--address=127.0.0.1")
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as forward:
            try:
                port = int(re.search(r"127\.0\.0\.1:(\d+) ->", forward.stdout.readline())[1])
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
                connection.request("GET", "/index.html")
                self.assertEqual(b"hello\n", connection.getresponse().read())
                connection.close()
            finally:
                forward.terminate()

    def test_services_have_names(self):
        for name in ("api", f"api.{NAMESPACE}", f"api.{NAMESPACE}.svc.cluster.local"):
            self.node.wait(f"{name} answers", lambda name=name: self.inside("fetch", name, "80", check=False)
                           .stdout.endswith("hello\n"), 20)
        unknown = self.inside("nslookup", f"nobody.{NAMESPACE}.svc.cluster.local", check=False)
        self.assertIn("NXDOMAIN", unknown.stdout)
        unknown_outside = self.inside("nslookup", "nobody.test", check=False)
        self.assertIn("NXDOMAIN", unknown_outside.stdout)

    def test_pods_of_a_headless_service_have_names(self):
        labels = {"app": "set"}
        self.apply(workload("Service", "set", {"clusterIP": "None", "selector": labels, "ports": [{"port": 8080}]}))
        self.apply(workload("StatefulSet", "set", {
            "serviceName": "set", "replicas": 2, "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": web_pod("set")["spec"]}}))
        self.kubectl("rollout", "status", "statefulset/set", "--timeout=60s", seconds=70)
        addresses = [self.pod(f"set-{index}")["status"]["podIP"] for index in range(2)]
        for index, address in enumerate(addresses):
            name = f"set-{index}.set.{NAMESPACE}.svc.cluster.local"
            self.node.wait(f"{name} is {address}", lambda name=name, address=address:
                           f"Address: {address}\n" in self.inside("nslookup", name, check=False).stdout, 20)
        both = self.inside("nslookup", f"set.{NAMESPACE}.svc.cluster.local").split("Name:", 1)[1]
        self.assertEqual(set(addresses), set(re.findall(r"^Address: (10\.244\.\S+)$", both, re.MULTILINE)))

    def test_registry_is_announced_and_pulled_from_by_its_other_name(self):
        hosting = self.node.get("configmap", "local-registry-hosting", "-n", "kube-public")
        fields = dict(line.split(": ", 1) for line in hosting["data"]["localRegistryHosting.v1"].splitlines())
        self.assertEqual(f"localhost:{self.node.registry.rpartition(':')[2]}", fields["host"])
        self.assertEqual("k3d-synchost-registry:5000", fields["hostFromContainerRuntime"])
        program = programs.pause().read_bytes()
        layer = images.layer_of({"pause": program, "greeting": b"from outside\n"})
        digest = images.push(fields["host"], "made-outside", "1", layer, {"Cmd": ["/pause"]})
        image = f"{fields['hostFromContainerRuntime']}/made-outside@{digest}"
        self.apply(workload("Pod", "pulled", pod_spec({"name": "c", "image": image})))
        self.kubectl("wait", "--for=condition=Ready", "pod/pulled", "--timeout=60s", seconds=70)
        pid = self.node.processes(self.node.container_ids(self.pod("pulled"))["c"])[0]
        self.assertEqual("from outside\n", Path(f"/proc/{pid}/root/greeting").read_text())

    def test_restricted_namespace_refuses_root(self):
        with self.node.namespace("smoke-restricted", {"pod-security.kubernetes.io/enforce": "restricted"}) as name:
            refused = self.node.kubectl("apply", "-n", name, "-f", "-", input=web_pod("web"), check=False)
            self.assertIn("violates PodSecurity", refused.stderr)

    def test_memory_limit_is_enforced(self):
        limits = {"limits": {"memory": "32Mi"}}
        eat = "x=$(tr '\\0' x </dev/zero | head -c 200000000)"
        self.apply(workload("Pod", "eater", pod_spec(container("c", "sh", "-c", eat, resources=limits),
                                                     restartPolicy="Never")))
        self.node.wait("the pod failed", lambda: self.pod("eater")["status"]["phase"] == "Failed", 60)
        ended = self.pod("eater")["status"]["containerStatuses"][0]["state"]["terminated"]
        self.assertEqual("OOMKilled", ended["reason"])

    def test_api_server_restarts_and_pods_do_not(self):
        before = self.node.container_ids(self.pod("web"))
        for kill in (False, True):
            self.node.stop("kube-apiserver", kill=kill)
            self.assertNotEqual(0, self.node.kubectl("get", "--raw", "/readyz", check=False).returncode)
            self.node.start("kube-apiserver")
            self.assertEqual("ok", self.node.kubectl("get", "--raw", "/readyz"))
        self.assertEqual(before, self.node.container_ids(self.pod("web")))
        self.apply(workload("Pod", "after-restart", pod_spec(container("c", "true"), restartPolicy="Never")))
        self.finished("after-restart")

    def test_kubelet_restarts_and_pods_do_not(self):
        before = self.node.container_ids(self.pod("web"))
        self.node.stop("kubelet")
        self.apply(workload("Pod", "late", pod_spec(container("c", "echo", "at last"), restartPolicy="Never")))
        self.node.start("kubelet")
        self.assertEqual("at last\n", self.finished("late"))
        self.assertEqual(before, self.node.container_ids(self.pod("web")))
        self.assertEqual({"side": 0, "web": 0}, self.node.restarts(self.pod("web")))

    def test_connections_are_cut_and_new_ones_get_through(self):
        command = self.node.kubectl_command("exec", "-n", NAMESPACE, "-i", "web", "-c", "web", "--", "cat")
        pipes = {name: subprocess.PIPE for name in ("stdin", "stdout", "stderr")}
        with subprocess.Popen(command, **pipes) as session:
            session.stdin.write(b"there\n")
            session.stdin.flush()
            self.assertEqual(b"there\n", session.stdout.readline())
            self.assertGreaterEqual(self.node.cut_connections(), 1)
            self.assertNotEqual(0, session.wait(timeout=30))
        self.assertEqual("ok", self.node.kubectl("get", "--raw", "/readyz"))

    def test_second_cluster_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            with self.assertRaisesRegex(Running, f"process {self.node.holder}, in {re.escape(str(self.node.folder))}"):
                cluster.up(folder)
            self.assertEqual([], list(Path(folder).iterdir()))


if __name__ == "__main__":
    unittest.main(verbosity=2)
