"""The figures of a run."""

import math
import statistics
import subprocess
import time

from machine import CellFailed, load


class Row:
    """One line of the table: what was measured, of whom, and every value."""

    def __init__(self, workload, what, peer, unit):
        self.workload, self.what, self.peer, self.unit = workload, what, peer, unit
        self.values, self.loads = [], []
        self.torn = 0  # edits during which a reader saw the file torn
        self.failed = ""

    def add(self, value):
        self.values.append(value)
        self.loads.append(load())

    def percentile(self, share):
        ordered = sorted(self.values)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]

    @property
    def median(self):
        return statistics.median(self.values) if self.values else None

    def as_json(self):
        out = {"workload": self.workload, "what": self.what, "peer": self.peer, "unit": self.unit,
               "values": self.values, "load_average": round(statistics.median(self.loads), 2) if self.loads else None,
               "torn": self.torn, "failed": self.failed}
        if self.values:
            out |= {"median": self.median, "p90": self.percentile(0.9), "p99": self.percentile(0.99),
                    "max": max(self.values)}
        return out


def why(error, peer):
    """A failure of a cell, with what the peer said of it."""
    return "; ".join(filter(None, (str(error), peer.last_failure())))


class Table:
    def __init__(self):
        self.rows = []

    def row(self, workload, what, peer, unit):
        found = self.find(workload, what, peer)
        if not found:
            found = Row(workload, what, peer, unit)
            self.rows.append(found)
        return found

    def find(self, workload, what, peer):
        return next((row for row in self.rows if (row.workload, row.what, row.peer) == (workload, what, peer)), None)

    def median(self, workload, what, peer):
        """None where there is no figure."""
        found = self.find(workload, what, peer)
        return found.median if found and not found.failed else None


def interleaved(peers, rounds, measure, say, seconds=math.inf):
    """Every peer once in each round, each round beginning with another one. measure(peer, round) sets peer.row and
    fills it; a peer whose cell fails is stopped, and that row says why. No round begins after `seconds`. Returns the
    peers that are left."""
    left, started = list(peers), time.monotonic()
    for index in range(rounds):
        if not left or time.monotonic() - started > seconds:
            break
        say(f"{peers[0].workload}: round {index + 1} of {rounds}")
        turn = index % len(left)
        for peer in left[turn:] + left[:turn]:
            try:
                measure(peer, index)
            except (CellFailed, OSError, subprocess.SubprocessError) as error:
                peer.row.failed = why(error, peer)
                left.remove(peer)
                peer.stop()  # whatever it is still busy with
                say(f"{peer.row.workload}, {peer.name}: {peer.row.failed}")
        time.sleep(0.2)
    return left
