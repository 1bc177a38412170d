"""OCI image layouts of random layers, which every peer pushes."""

import hashlib
import json
import os
import zlib
from pathlib import Path
from typing import NamedTuple

PIECE = 1 << 20
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
CONFIG = "application/vnd.oci.image.config.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


class Layout(NamedTuple):
    folder: Path
    layers: list[Path]
    digests: list[str]
    size: int  # bytes of all layers


def make(folder, count, size):
    """`count` layers of `size` random bytes. Each is in a gzip that stores: what is no gzip skopeo would compress, and
    that is work which the others do not do."""
    blobs = folder / "blobs/sha256"
    blobs.mkdir(parents=True)
    layers = [_layer(blobs, size) for _ in range(count)]
    config = _document(blobs, CONFIG, {
        "os": "linux", "architecture": "amd64", "config": {},
        "rootfs": {"type": "layers", "diff_ids": [diff_id for _, diff_id in layers]}})
    manifest = _document(blobs, MANIFEST, {
        "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer for layer, _ in layers]})
    (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [manifest]}))
    digests = [layer["digest"] for layer, _ in layers]
    return Layout(folder, [blobs / digest.removeprefix("sha256:") for digest in digests], digests,
                  sum(layer["size"] for layer, _ in layers))


def _layer(blobs, size):
    whole, plain, total = hashlib.sha256(), hashlib.sha256(), 0
    pack = zlib.compressobj(level=0, wbits=31)
    partial = blobs / "partial"
    with partial.open("wb") as file:
        for offset in range(0, size, PIECE):
            piece = os.urandom(min(PIECE, size - offset))
            plain.update(piece)
            packed = pack.compress(piece)
            if offset + PIECE >= size:
                packed += pack.flush()
            whole.update(packed)
            total += file.write(packed)
    partial.rename(blobs / whole.hexdigest())
    return ({"mediaType": LAYER, "digest": "sha256:" + whole.hexdigest(), "size": total},
            "sha256:" + plain.hexdigest())


def _document(blobs, media_type, document):
    text = json.dumps(document).encode()
    digest = hashlib.sha256(text).hexdigest()
    (blobs / digest).write_bytes(text)
    return {"mediaType": media_type, "digest": "sha256:" + digest, "size": len(text)}
