"""The base image of RUN steps: Debian's static busybox with a link for each applet, as one layer in zstd."""

import hashlib
import io
import json
import subprocess
import tarfile

from machine import run

BUSYBOX = "/bin/busybox"
REPOSITORY = "bench/base"
IMAGE = "application/vnd.oci.image."
FOLDERS = ("bin", "dev", "etc", "proc", "root", "run", "srv", "sys", "tmp", "var")
FILES = {"etc/passwd": "root:x:0:0:root:/root:/bin/sh\n", "etc/group": "root:x:0:\n", "etc/hosts": "", "etc/hostname": "",
         "etc/resolv.conf": ""}  # the last three because buildah leaves stubs where they are missing


def push(folder, address):
    """Makes an OCI layout in `folder` and pushes it; returns the reference for FROM."""
    blobs = folder / "blobs/sha256"
    blobs.mkdir(parents=True)
    plain = _tar()
    packed = subprocess.run(["zstd", "-q", "-3", "-c"], input=plain, stdout=subprocess.PIPE, check=True).stdout
    layer = _blob(blobs, IMAGE + "layer.v1.tar+zstd", packed)
    config = _document(blobs, IMAGE + "config.v1+json", {
        "os": "linux", "architecture": run("dpkg", "--print-architecture").strip(),
        "config": {"Env": ["PATH=/bin"], "Cmd": ["/bin/sh"]},
        "history": [{"created_by": "busybox"}],
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(plain).hexdigest()]}})
    manifest = _document(blobs, IMAGE + "manifest.v1+json", {
        "schemaVersion": 2, "mediaType": IMAGE + "manifest.v1+json", "config": config, "layers": [layer]})
    (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [manifest]}))
    reference = f"{address}/{REPOSITORY}:1"
    run("skopeo", "copy", "-q", "--preserve-digests", "--dest-tls-verify=false", f"oci:{folder}",
        f"docker://{reference}")
    return reference


def _tar():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        def add(name, kind, mode, content=b"", link=""):
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode, entry.size, entry.linkname = kind, mode, len(content), link
            tar.addfile(entry, io.BytesIO(content))
        for name in FOLDERS:
            add(name, tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755)
        with open(BUSYBOX, "rb") as busybox:
            add("bin/busybox", tarfile.REGTYPE, 0o755, busybox.read())
        for applet in sorted(set(run(BUSYBOX, "--list").split()) - {"busybox"}):
            add(f"bin/{applet}", tarfile.SYMTYPE, 0o777, link="busybox")
        for name, text in FILES.items():
            add(name, tarfile.REGTYPE, 0o644, text.encode())
    return out.getvalue()


def _document(blobs, media_type, document):
    return _blob(blobs, media_type, json.dumps(document).encode())


def _blob(blobs, media_type, content):
    digest = hashlib.sha256(content).hexdigest()
    (blobs / digest).write_bytes(content)
    return {"mediaType": media_type, "digest": "sha256:" + digest, "size": len(content)}
