"""The processes of the cluster: how each is called, and how it says that it is ready."""

import ssl
import urllib.error
import urllib.request
from typing import NamedTuple

from layout import (API_PORT, API_SOCKET, CONFIG, DATA, DOMAIN, ETCD_DATA, ETCD_PEER_PORT, ETCD_PORT, NODE, NODE_IP,
                    PKI, POD_CIDR, PROGRAM, REGISTRY_HOST, REGISTRY_PORT, REGISTRY_SOCKET, RUN, SERVICE_CIDR)

ETCD = f"http://127.0.0.1:{ETCD_PORT}"
PEER = f"http://127.0.0.1:{ETCD_PEER_PORT}"


class Component(NamedTuple):
    command: list
    health: str = ""  # a URL that answers 200 when it is ready; without one it is when it runs


def _kubernetes(name, *flags):
    return [str(PROGRAM), name, *flags]


def _control(name, identity, *flags):
    config = f"{PKI}/{identity}.kubeconfig"
    return _kubernetes(name, f"--kubeconfig={config}", f"--authentication-kubeconfig={config}",
                       f"--authorization-kubeconfig={config}", "--bind-address=127.0.0.1", "--leader-elect=false",
                       *flags)


def _relay(socket, port):
    return ["socat", f"UNIX-LISTEN:{RUN / socket},fork,unlink-early", f"TCP:{NODE_IP}:{port},nodelay"]


COMPONENTS = {
    # Short heartbeats: a single member elects itself after the time-out, and everything waits for that.
    "etcd": Component(
        ["etcd", "--name=it", f"--data-dir={ETCD_DATA}", f"--listen-client-urls={ETCD}",
         f"--advertise-client-urls={ETCD}", f"--listen-peer-urls={PEER}", f"--initial-advertise-peer-urls={PEER}",
         f"--initial-cluster=it={PEER}", "--heartbeat-interval=10", "--election-timeout=100", "--logger=zap",
         "--log-level=warn"], f"{ETCD}/health"),
    "registry": Component(["docker-registry", "serve", f"{CONFIG}/registry.yml"],
                          f"http://{NODE_IP}:{REGISTRY_PORT}/v2/"),
    "containerd": Component(["containerd", "--config", f"{CONFIG}/containerd.toml"]),
    "registry-relay": Component(_relay(REGISTRY_SOCKET, REGISTRY_PORT)),
    "api-relay": Component(_relay(API_SOCKET, API_PORT)),
    "kube-apiserver": Component(
        _kubernetes("kube-apiserver", f"--etcd-servers={ETCD}", f"--bind-address={NODE_IP}",
                    f"--advertise-address={NODE_IP}", f"--secure-port={API_PORT}",
                    f"--service-cluster-ip-range={SERVICE_CIDR}", "--authorization-mode=Node,RBAC",
                    "--enable-admission-plugins=NodeRestriction", "--allow-privileged=true",
                    f"--client-ca-file={PKI}/ca.crt", f"--tls-cert-file={PKI}/apiserver.crt",
                    f"--tls-private-key-file={PKI}/apiserver.key",
                    f"--kubelet-client-certificate={PKI}/apiserver-kubelet.crt",
                    f"--kubelet-client-key={PKI}/apiserver-kubelet.key",
                    f"--kubelet-certificate-authority={PKI}/ca.crt", "--kubelet-preferred-address-types=InternalIP",
                    f"--service-account-key-file={PKI}/service-account.pub",
                    f"--service-account-signing-key-file={PKI}/service-account.key",
                    f"--service-account-issuer=https://kubernetes.default.svc.{DOMAIN}",
                    "--shutdown-watch-termination-grace-period=1s"),  # or a stop waits a minute for the watches
        f"https://{NODE_IP}:{API_PORT}/readyz"),
    # Its own node-address controller is off: it would look for the node in a poll of 10 seconds.
    "kube-controller-manager": Component(
        _control("kube-controller-manager", "controller-manager", "--use-service-account-credentials=true",
                 f"--service-account-private-key-file={PKI}/service-account.key", f"--root-ca-file={PKI}/ca.crt",
                 f"--cluster-signing-cert-file={PKI}/ca.crt", f"--cluster-signing-key-file={PKI}/ca.key",
                 "--allocate-node-cidrs=false", f"--flex-volume-plugin-dir={DATA}/volume-plugins"),
        "https://127.0.0.1:10257/healthz"),
    "kube-scheduler": Component(_control("kube-scheduler", "scheduler"), "https://127.0.0.1:10259/healthz"),
    "kubelet": Component(
        _kubernetes("kubelet", f"--config={CONFIG}/kubelet.yaml", f"--kubeconfig={PKI}/kubelet.kubeconfig",
                    f"--hostname-override={NODE}", f"--node-ip={NODE_IP}", "--v=2"), "http://127.0.0.1:10248/healthz"),
    # The conntrack limits of 0 mean: leave the machine's alone.
    "kube-proxy": Component(
        _kubernetes("kube-proxy", f"--kubeconfig={PKI}/proxy.kubeconfig", f"--hostname-override={NODE}",
                    "--proxy-mode=iptables", f"--cluster-cidr={POD_CIDR}", f"--bind-address={NODE_IP}",
                    "--healthz-bind-address=127.0.0.1:10256", "--metrics-bind-address=127.0.0.1:10249",
                    "--conntrack-max-per-core=0", "--conntrack-tcp-timeout-established=0s",
                    "--conntrack-tcp-timeout-close-wait=0s", "--iptables-min-sync-period=100ms", "--oom-score-adj=0"),
        "http://127.0.0.1:10256/healthz"),
    "dns": Component(
        _kubernetes("dns", f"--kubeconfig={PKI}/admin.kubeconfig", f"--listen={NODE_IP}:53", f"--domain={DOMAIN}",
                    f"--host={REGISTRY_HOST}={NODE_IP}")),
}


def healthy(url):
    """Whether the component that answers there says that it is ready. Who it is was settled by the address."""
    try:
        with urllib.request.urlopen(url, timeout=5, context=_anyone(url)) as answer:
            return answer.status == 200
    except (OSError, urllib.error.URLError):
        return False


def _anyone(url):
    if not url.startswith("https:"):
        return None
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
