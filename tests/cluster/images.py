"""Images that need no other registry, made of Debian's static busybox and of pause, and pushed by plain HTTP."""

import gzip
import hashlib
import http.client
import io
import json
import shutil
import subprocess
import tarfile
import urllib.parse

PASSWD = "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000:app:/home/app:/bin/sh\n"
GROUP = "root:x:0:\napp:x:1000:\n"
# Debian's static busybox crashes in its wget; nc does not.
FETCH = """#!/bin/sh
# fetch HOST PORT [PATH]: HTTP/1.0
printf 'GET %s HTTP/1.0\\r\\n\\r\\n' "${3:-/}" | nc -w 3 "$1" "$2"
"""
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"


def push_base_images(registry, pause):
    """pause:1, and busybox:1 with a shell, tar, httpd and the script fetch. `registry` is HOST:PORT."""
    push(registry, "pause", "1", layer_of({"pause": pause.read_bytes()}), {"Entrypoint": ["/pause"]})
    push(registry, "busybox", "1", _busybox(), {"Cmd": ["/bin/sh"]})


def push(registry, name, tag, layer, config):
    """An image of one uncompressed layer. Returns its digest."""
    path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    image = json.dumps({"architecture": "amd64", "os": "linux", "config": {"Env": [path], **config},
                        "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]}}).encode()
    packed = gzip.compress(layer, compresslevel=1, mtime=0)
    manifest = json.dumps({
        "schemaVersion": 2, "mediaType": MANIFEST_TYPE,
        "config": _descriptor("application/vnd.oci.image.config.v1+json", image),
        "layers": [_descriptor("application/vnd.oci.image.layer.v1.tar+gzip", packed)]}).encode()
    connection = http.client.HTTPConnection(registry, timeout=30)
    try:
        for blob in (image, packed):
            upload = _request(connection, "POST", f"/v2/{name}/blobs/uploads/", 202).getheader("Location")
            separator = "&" if urllib.parse.urlsplit(upload).query else "?"
            target = urllib.parse.urlsplit(f"{upload}{separator}digest={urllib.parse.quote(_digest(blob))}")
            _request(connection, "PUT", f"{target.path}?{target.query}", 201, blob, "application/octet-stream")
        _request(connection, "PUT", f"/v2/{name}/manifests/{tag}", 201, manifest, MANIFEST_TYPE)
    finally:
        connection.close()
    return _digest(manifest)


def layer_of(files):
    """A layer of programs and other files by name, all of them executable."""
    return _layer([_file(name, content, 0o755) for name, content in files.items()])


def _busybox():
    program = shutil.which("busybox")
    if not program:
        raise RuntimeError("there is no busybox on this machine; ./dev setup installs busybox-static")
    with open(program, "rb") as file:
        content = file.read()
    applets = subprocess.run([program, "--list"], stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    folders = ["bin", "etc", "proc", "sys", "dev", "root", "home/app", "www", "var"]
    return _layer([_folder(name, 0o755) for name in folders] + [_folder("tmp", 0o1777)]
                  + [_file("bin/busybox", content, 0o755)]
                  + [_link(f"bin/{name}", "busybox") for name in applets if name != "busybox"]
                  + [_file("etc/passwd", PASSWD.encode(), 0o644), _file("etc/group", GROUP.encode(), 0o644),
                     _file("bin/fetch", FETCH.encode(), 0o755), _file("www/index.html", b"hello\n", 0o644)])


def _file(name, content, mode):
    entry = tarfile.TarInfo(name)
    entry.mode, entry.size = mode, len(content)
    return entry, content


def _folder(name, mode):
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode = tarfile.DIRTYPE, mode
    return entry, b""


def _link(name, target):
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = tarfile.SYMTYPE, target
    return entry, b""


def _layer(entries):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for entry, content in entries:
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def _digest(content):
    return "sha256:" + hashlib.sha256(content).hexdigest()


def _descriptor(media_type, content):
    return {"mediaType": media_type, "digest": _digest(content), "size": len(content)}


def _request(connection, method, path, expected, body=b"", content_type=None):
    connection.request(method, path, body, {"Content-Type": content_type} if content_type else {})
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != expected:
        raise RuntimeError(f"registry: {method} {path}: {answer.status} {text[:300].decode(errors='replace')}")
    return answer
