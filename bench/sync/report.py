"""The table and the limits as text, and everything as JSON."""

import json
import os
import platform
import time

UNITS = {"MB/s": "{:10.1f}", "ms": "{:10.2f}", "s": "{:10.3f}", "KB": "{:10.1f}", "MB": "{:10.1f}", "%": "{:10.3f}"}
FAILED_CHARACTERS = 100


def table_lines(table):
    lines = []
    for workload, what in dict.fromkeys((row.workload, row.what) for row in table.rows if row.workload != "idle"):
        rows = [row for row in table.rows if (row.workload, row.what) == (workload, what)]
        own = next((row.median for row in rows if row.peer == "synchost" and not row.failed), None)
        lines += ["", f"{workload}: {what} ({rows[0].unit})",
                  f"  {'':<20}{'median':>10}{'p90':>10}{'p99':>10}{'max':>10}{'n':>5}"
                  f"  {'/synchost':>9}{'torn':>6}{'load':>6}"]
        lines += [_line(row, own) for row in rows]
    return lines + _idle_lines([row for row in table.rows if row.workload == "idle"])


def _idle_lines(rows):
    if not rows:
        return []
    lines = ["", "idle, with the small files in place", f"  {'':<44}{'cpu %':>8}{'MB':>8}"]
    for peer, process in dict.fromkeys((row.peer, row.what.split(":")[0]) for row in rows):
        found = {row.unit: row for row in rows if row.peer == peer and row.what.split(":")[0] == process}
        if failed := next((row.failed for row in found.values() if row.failed), ""):
            lines.append(f"  {peer:<44}failed: {failed[:FAILED_CHARACTERS]}")
        else:
            lines.append(f"  {peer + ', ' + process:<44}{found['%'].median:8.3f}{found['MB'].median:8.1f}")
    return lines


def _line(row, own):
    if row.failed:
        so_far = f" ({len(row.values)} before)" if row.values else ""
        return f"  {row.peer:<20}failed{so_far}: {row.failed[:FAILED_CHARACTERS]}"
    number = UNITS[row.unit].format
    figures = "".join(map(number, (row.median, row.percentile(0.9), row.percentile(0.99), max(row.values))))
    ratio = f"{row.median / own:9.2f}" if own else f"{'':9}"
    load = sorted(row.loads)[len(row.loads) // 2]
    return f"  {row.peer:<20}{figures}{len(row.values):>5}  {ratio}{row.torn:>6}{load:>6.1f}"


def limit_lines(limits):
    words = {True: "pass", False: "MISS", None: "none"}
    return ["", "It must show:"] + [f"  {words[limit.passed]:<5}{limit.text:<72}{limit.measured}" for limit in limits]


def facts(bench, options, seconds):
    return {"when": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "quick": options.quick, "seconds": round(seconds),
            "kernel": platform.release(), "cores": os.cpu_count(), "file_system": bench.area_kind,
            "trees": bench.tree_facts, "synchost": str(options.synchost)}


def write_json(path, facts_of_run, table, limits):
    document = {"facts": facts_of_run, "rows": [row.as_json() for row in table.rows],
                "limits": [limit.as_json() for limit in limits]}
    path.write_text(json.dumps(document, indent=1) + "\n")
