// The images and options that the tests of inject() share.
#pragma once

#include "k8s/inject.hpp"

namespace synchost::k8s::test {

// api (user 1000), worker (user 2000), node (user 1500, group 1501) and web (root) have managed paths, shell
// has "$(" in its CMD, cmdonly no ENTRYPOINT, foreign folders to be seeded, static no managed paths.
// Deployment/waits, Job/at-once and CronJob/at-once have gates of their own.
InjectOptions options_of(SidecarForm form);

}  // namespace synchost::k8s::test
