#include "host/runtime/podman/podman_cli.hpp"

#include <gmock/gmock.h>

namespace synchost::host::podman {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(PodmanErrors, KeepsTheLineThatTellsTheCause) {
    EXPECT_EQ(shorten_error(
                  "time=\"t\" level=warning msg=\"\\\"/\\\" is not a shared mount\"\nTrying to pull x...\n"
                  "Error: initializing source: connection refused\n"),
              "initializing source: connection refused");
    EXPECT_EQ(shorten_error("time=\"t\" level=error msg=\"no space\"\ntime=\"t\" level=info msg=\"failed to "
                            "connect to syslog\"\n"),
              "no space");
    EXPECT_EQ(shorten_error(""), "");
}

TEST(ContainersConf, AsksForNoMoreThanOurOwnLimits) {
    const std::string conf = containers_conf(20'000, 300, true);
    EXPECT_THAT(conf, HasSubstr(R"(default_ulimits = ["nofile=20000:20000", "nproc=300:300"])"));
    EXPECT_THAT(conf, HasSubstr("runtime = \"runc\""));
    EXPECT_THAT(containers_conf(1, 1, false), Not(HasSubstr("runc")));
}

}  // namespace
}  // namespace synchost::host::podman
