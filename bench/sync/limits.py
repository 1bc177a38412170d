"""What synchost must show, as measured values beside their limits."""

from typing import NamedTuple

import large_file

SYNCHOST = "synchost"
TREES = ("node_modules", "small files")
TREE_PEERS = ("rsync", "lsyncd", "tar | podman exec", "unison")
TREE_GOAL = 1.2  # of the floor; the limit is 2


class Limit(NamedTuple):
    text: str
    measured: str
    passed: bool | None  # None: there is no figure

    def as_json(self):
        return self._asdict()


def evaluate(table, pods):
    """Every limit, whether it could be measured or not."""
    out = []
    _edit_limits(table, out)
    for workload in TREES:
        _tree_limits(table, workload, out)
    for what in large_file.EDIT_NAMES:
        _large_limits(table, what, out)
    _agent_memory(table, out)
    _pod_limits(table, pods, out)
    _idle_limits(table, out)
    return out


def _add(out, text, values, show, passes):
    """`values` are what the limit is computed from."""
    if any(value is None for value in values):
        out.append(Limit(text, "no figure", None))
    else:
        out.append(Limit(text, show(*values), passes(*values)))


def _edit_limits(table, out):
    median = {peer: table.median("edit", "write to seen", peer)
              for peer in (SYNCHOST, "floor", "tar | podman exec", "rsync")}
    own = median[SYNCHOST]
    row = table.find("edit", "write to seen", SYNCHOST)
    p99 = row.percentile(0.99) if own is not None else None
    _add(out, "one 4 KB file: median at most 5 ms", [own], lambda a: f"{a:.2f} ms", lambda a: a <= 5)
    _add(out, "one 4 KB file: median at most 8 times the floor", [own, median["floor"]],
         lambda a, b: f"{a / b:.1f} times {b:.2f} ms", lambda a, b: a <= 8 * b)
    _add(out, "one 4 KB file: 10 times faster than tar | podman exec", [own, median["tar | podman exec"]],
         lambda a, b: f"{b / a:.1f} times", lambda a, b: b >= 10 * a)
    _add(out, "one 4 KB file: faster than rsync per edit", [own, median["rsync"]],
         lambda a, b: f"{a:.2f} ms against {b:.2f} ms", lambda a, b: a < b)
    _add(out, "one 4 KB file: p99 at most 25 ms", [p99], lambda a: f"{a:.2f} ms", lambda a: a <= 25)


def _tree_limits(table, workload, out):
    own = table.median(workload, "first sync", SYNCHOST)
    floor = table.median(workload, "first sync", "tar | tar")
    others = {peer: table.median(workload, "first sync", peer) for peer in TREE_PEERS}
    known = {peer: value for peer, value in others.items() if value is not None}
    best = min(known, key=known.get) if known else None
    _add(out, f"first sync of {workload}: faster than every peer", [own, known.get(best)],
         lambda a, b: f"{a:.2f} s against {b:.2f} s ({best})" + _missing(others), lambda a, b: a < b)
    _add(out, f"first sync of {workload}: at most 2 times tar | tar (goal {TREE_GOAL})", [own, floor],
         lambda a, b: f"{a / b:.2f} times {b:.2f} s", lambda a, b: a <= 2 * b)


def _missing(values):
    names = [name for name, value in values.items() if value is None]
    return f"; no figure of {', '.join(names)}" if names else ""


def _large_limits(table, what, out):
    wire = table.median("large file", f"{what}: wire", SYNCHOST)
    own, rsync = (table.median("large file", what, peer) for peer in (SYNCHOST, "rsync"))
    _add(out, f"large file, {what}: at most 32 KB on the wire", [wire], lambda a: f"{a:.1f} KB", lambda a: a <= 32.768)
    _add(out, f"large file, {what}: faster than rsync", [own, rsync],
         lambda a, b: f"{a:.3f} s against {b:.3f} s", lambda a, b: a < b)


def _agent_memory(table, out):
    peaks = {what: table.find("large file", f"{what}: peak memory", SYNCHOST) for what in ("supervisor", "sidecar")}
    values = [max(row.values) if row and row.values else None for row in peaks.values()]
    _add(out, "large file: each process of the agent under 16 MB throughout", values,
         lambda a, b: f"supervisor {a:.1f} MB, sidecar {b:.1f} MB", lambda a, b: max(a, b) < 16)


def _pod_limits(table, pods, out):
    many = table.median("pods", "write to seen", f"{SYNCHOST}, {pods} pods")
    one = table.median("pods", "write to seen", SYNCHOST)
    _add(out, f"{pods} pods: the slowest within 3 times a single pod", [many, one],
         lambda a, b: f"{a / b:.2f} times {b:.2f} ms", lambda a, b: a <= 3 * b)


def _idle_limits(table, out):
    for what, most_mb in (("host", 64), ("supervisor", 8), ("sidecar", 8)):
        cpu = table.median("idle", f"{what}: cpu", SYNCHOST)
        resident = table.median("idle", f"{what}: resident", SYNCHOST)
        _add(out, f"idle over small files: {what} at most 0.1 % of a core", [cpu], lambda a: f"{a:.3f} %",
             lambda a: a <= 0.1)
        _add(out, f"idle over small files: {what} under {most_mb} MB resident", [resident], lambda a: f"{a:.1f} MB",
             lambda a, most=most_mb: a < most)
