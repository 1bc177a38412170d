"""The demo's check on podman, beside a registry of its own."""

import contextlib
import os

from demo_parts import Registry, on_podman, push_stand_ins, watch_command
from measure import summary, wait_until
from podman_pods import Podman
from tar_copy import BusyboxContainer
from todo_check import REBUILD_SECONDS, TAR_COPIES, TodoCheck
from watch_commands import WatchCommands


@contextlib.contextmanager
def prepared(options, folder):
    with Registry(folder / "registry") as registry:
        yield PodmanCheck(options, folder, registry)


class PodmanCheck(WatchCommands, TodoCheck):
    applied_median_limit_ms = 10
    remark = "* into a busybox container made for it: the app's own image has no tar"

    def __init__(self, options, folder, registry):
        super().__init__(folder)
        self.registry = registry
        self.synchost_program = options.synchost
        self.observer = Podman(self.state, registry)
        self.start(watch_command(options.synchost, on_podman(registry), push_stand_ins(registry.address),
                                 options.watch_arguments), {})

    def steps(self):
        return (self.both_services_answer, self.page_creates_a_todo_in_the_api, self.source_edits_are_synced,
                self.files_come_move_and_go, self.a_crash_is_held, self.a_broken_dockerfile_changes_nothing,
                self.logs_are_kept_and_followed, self.a_restart_keeps_the_pod, self.a_trigger_ends_in_an_event,
                self.a_change_needs_the_token, self.edits_are_fast, self.tar_is_slower, self.dependency_edit_replaces_the_pods,
                self.agent_is_small_and_unprivileged, self.interrupt_leaves_nothing,
                self.logs_outlive_the_watch)

    def both_services_answer(self):
        super().both_services_answer()
        self.observer = Podman(self.state, self.registry)  # with the configuration that watch has made by now

    def wait_for_rollout_of_both(self, old):
        gone = {replica.id for replicas in old.values() for replica in replicas}
        # Of the start one deployment is told; what two builds bring may be one or two.
        wait_until("the mended Dockerfile is built and rolled out",
                   lambda: self.told("deployed", times=2) and not gone & self.observer.running_ids(), REBUILD_SECONDS)

    def tar_is_slower(self):
        texts = [self.edited_api(f"copy {index}") for index in range(TAR_COPIES)]
        with BusyboxContainer(self.observer, f"synchost-check-{os.getpid()}") as container:
            took = container.time_copies(self.folder / "app.py", texts)
        self.figure(f"the same file by tar | podman exec tar, {TAR_COPIES} copies *", summary(took) + " ms")

    def clean_up(self):
        super().clean_up()
        podman = Podman(self.state, self.registry)
        podman.remove_pods_of(podman.containers())
