"""The cluster's certificates (openssl, P-256) and the kubeconfigs of its components and of its user."""

import base64
import concurrent.futures
import json
import subprocess

from layout import API_PORT, DOMAIN, NAME, NODE, NODE_IP, PKI, SERVICE_API_IP, USER

DAYS = "3650"
API_NAMES = ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc",
             f"kubernetes.default.svc.{DOMAIN}"]
API_ADDRESSES = ["127.0.0.1", "0.0.0.0", NODE_IP, SERVICE_API_IP]
CLIENTS = {  # who each certificate says that its owner is
    "admin": "/O=system:masters/CN=system:admin",
    "apiserver-kubelet": "/O=system:masters/CN=kube-apiserver-kubelet-client",
    "controller-manager": "/CN=system:kube-controller-manager",
    "scheduler": "/CN=system:kube-scheduler",
    "proxy": "/CN=system:kube-proxy",
    "kubelet": f"/O=system:nodes/CN=system:node:{NODE}",
}


def make(folder):
    """Every key and certificate into `folder`, as NAME.key and NAME.crt, and NAME.kubeconfig for the components."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _key(folder, "ca")
    _openssl("req", "-x509", "-new", "-key", folder / "ca.key", "-subj", f"/CN={NAME}-ca", "-days", DAYS,
             "-addext", "basicConstraints=critical,CA:TRUE",
             "-addext", "keyUsage=critical,keyCertSign,digitalSignature",
             "-out", folder / "ca.crt")
    kubelet_names = f"DNS:{NODE},IP:{NODE_IP},IP:127.0.0.1"
    api_names = ",".join([f"DNS:{name}" for name in API_NAMES] + [f"IP:{address}" for address in API_ADDRESSES])
    with concurrent.futures.ThreadPoolExecutor() as pool:
        made = [pool.submit(_certificate, folder, name, subject, "clientAuth") for name, subject in CLIENTS.items()]
        made.append(pool.submit(_certificate, folder, "apiserver", "/CN=kube-apiserver", "serverAuth", api_names))
        made.append(pool.submit(_certificate, folder, "kubelet-server", f"/CN={NODE}", "serverAuth", kubelet_names))
        made.append(pool.submit(_service_account_key, folder))
        for one in made:
            one.result()
    for name in CLIENTS:
        (folder / f"{name}.kubeconfig").write_text(_component_kubeconfig(name))


def user_kubeconfig(folder, port):
    """The text that `k3d kubeconfig get` would print for this cluster, field by field and in its order."""
    files = ("ca.crt", "admin.crt", "admin.key")
    data = {name: base64.b64encode((folder / name).read_bytes()).decode() for name in files}
    return f"""apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: {data["ca.crt"]}
    server: https://0.0.0.0:{port}
  name: {NAME}
contexts:
- context:
    cluster: {NAME}
    user: {USER}
  name: {NAME}
current-context: {NAME}
kind: Config
preferences: {{}}
users:
- name: {USER}
  user:
    client-certificate-data: {data["admin.crt"]}
    client-key-data: {data["admin.key"]}
"""


def _component_kubeconfig(name):
    user = {"client-certificate": f"{PKI}/{name}.crt", "client-key": f"{PKI}/{name}.key"}
    cluster = {"server": f"https://{NODE_IP}:{API_PORT}", "certificate-authority": f"{PKI}/ca.crt"}
    return json.dumps({"apiVersion": "v1", "kind": "Config", "current-context": "it",
                       "clusters": [{"name": "it", "cluster": cluster}], "users": [{"name": "it", "user": user}],
                       "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}]})


def _certificate(folder, name, subject, usage, alternative_names=None):
    _key(folder, name)
    extensions = ["basicConstraints=critical,CA:FALSE", "keyUsage=critical,digitalSignature",
                  f"extendedKeyUsage={usage}"]
    if alternative_names:
        extensions.append(f"subjectAltName={alternative_names}")
    _openssl("req", "-x509", "-new", "-key", folder / f"{name}.key", "-CA", folder / "ca.crt",
             "-CAkey", folder / "ca.key", "-subj", subject, "-days", DAYS,
             *[word for one in extensions for word in ("-addext", one)], "-out", folder / f"{name}.crt")


def _key(folder, name):
    _openssl("ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", folder / f"{name}.key")


def _service_account_key(folder):
    _key(folder, "service-account")
    _openssl("ec", "-in", folder / "service-account.key", "-pubout", "-out", folder / "service-account.pub")


def _openssl(*arguments):
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {arguments[0]} failed: {done.stderr.strip()}")
