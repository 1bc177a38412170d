"""What breaks between the host and the pods, and must be as if it had not: what is saved meanwhile is in every replica
soon after, in the same containers, with nobody doing anything about it."""

import time

from container import has_text
from measure import milliseconds_since, wait_until

RECOVERY_SECONDS = 60


class Faults:
    """Steps of a check of Kubernetes."""

    def the_api_server_restarts(self):
        with Fault(self, "API server") as saves:
            self.cluster.stop("kube-apiserver")
            saves.make()
            self.cluster.start("kube-apiserver")

    def connections_are_cut(self):
        with Fault(self, "cut connections") as saves:
            cut = self.cluster.cut_connections()
            assert cut > 0, "there was no connection to cut"
            saves.make()

    def the_kubelet_restarts(self):
        with Fault(self, "kubelet") as saves:
            self.cluster.stop("kubelet")
            saves.make()
            self.cluster.start("kubelet")


class Fault:
    """A `with` over a fault, within which make() saves files. Afterwards all of them must be in every replica: the
    edited, the new and the deleted one."""

    def __init__(self, check, name):
        self._check = check
        self._mark = f"saved in the fault: {name}"
        self._figure = f"{name}: end of the fault to all replicas answering"
        self._public = check.project / "ui/public"
        self._unchanged = check.no_build_and_no_new_pod()

    def __enter__(self):
        self._apps = self._unchanged.__enter__()
        self._everywhere = [ui.root / "srv/ui/public" for ui in self._apps["ui"]]
        (self._public / "goes.txt").write_text("goes")
        wait_until("a file that will go is in the pods",
                   lambda: all((inside / "goes.txt").exists() for inside in self._everywhere))
        return self

    def make(self):
        self._check.edit_api(self._mark)
        (self._public / "comes.txt").write_text(self._mark)
        (self._public / "goes.txt").unlink()

    def __exit__(self, kind, *_):
        if kind is not None:
            return
        check, ended = self._check, time.perf_counter()
        wait_until(lambda: f"what was saved in the fault is in every replica; {', '.join(self._missing())}",
                   lambda: not list(self._missing()), RECOVERY_SECONDS)
        wait_until("every replica and the forwarded port answer with it",
                   lambda: check.api_has(self._mark, self._apps["api"]), RECOVERY_SECONDS)
        check.figure(self._figure, f"{milliseconds_since(ended) / 1000:8.1f} s")
        wait_until("the page is forwarded", lambda: check.statuses("ui", "/comes.txt", self._apps["ui"]) == {200})
        wait_until("the pods are ready", lambda: all(check.observer.ready_pods(name) for name in self._apps),
                   RECOVERY_SECONDS)
        (self._public / "comes.txt").unlink()
        wait_until("a file that came is gone",
                   lambda: not any((inside / "comes.txt").exists() for inside in self._everywhere))
        self._unchanged.__exit__(None)

    def _missing(self):
        """What is not yet as it was saved, a text each."""
        source = self._check.edited_api(self._mark)
        for app in self._apps["api"]:
            if not has_text(app.root / "srv/api/app.py", source):
                yield f"{app.name} lacks the edit"
        for ui in self._apps["ui"]:
            if not has_text(ui.root / "srv/ui/public/comes.txt", self._mark):
                yield f"{ui.name} lacks the new file"
            if (ui.root / "srv/ui/public/goes.txt").exists():
                yield f"{ui.name} still has the deleted file"
