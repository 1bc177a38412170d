// `synchost config` and `synchost version`: what this program is, told without looking at a project.
#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "host/cli/commands.hpp"
#include "host/plan/config_schema.hpp"
#include "protocol/messages.hpp"

namespace synchost::host {

Result<> run_config_schema() {
    std::fputs(config_schema().c_str(), stdout);
    return {};
}

Result<> run_version(const VersionFlags& flags) {
    if (flags.json) {
        const nlohmann::ordered_json json = {{"version", SYNCHOST_VERSION},
                                             {"protocol", protocol::kProtocolVersion}};
        std::printf("%s\n", json.dump().c_str());
    } else {
        fmt::print("synchost {}\nprotocol {}\n", SYNCHOST_VERSION, protocol::kProtocolVersion);
    }
    return {};
}

}  // namespace synchost::host
