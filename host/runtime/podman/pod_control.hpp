// The operations on podman's pods, each one podman command or two. Pods are named by id wherever they exist,
// so a pod of somebody else that has the same name is never touched.
#pragma once

#include <chrono>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "host/runtime/podman/network_plan.hpp"
#include "host/runtime/podman/podman_cli.hpp"
#include "host/runtime/podman/translate.hpp"

namespace synchost::host::podman {

struct ContainerState {
    std::string name;    // without the pod's name in front
    std::string status;  // podman's word: running, exited, ...
    int exit_code = 0;
    int restarts = 0;
    std::filesystem::path log;
    // Its process is gone, or was, before podman started it again.
    [[nodiscard]] bool has_ended() const;
};

// Plays the pod on `network` at `address`; its id. After a failure nothing of it is left.
Result<std::string> play_pod(const Cli& cli, const PodPlan& plan, const std::string& podman_name,
                             const std::string& network, const std::string& address,
                             const std::string& label);
// Gives the pod's own network namespace these tables (services.hpp) in place of those that it had.
Result<> set_service_rules(const Cli& cli, const std::string& id, const std::string& rules);
// TERM, KILL after `grace`, removed. A pod that is gone already is no error.
Result<> remove_pod(const Cli& cli, const std::string& id, std::chrono::seconds grace);
// The id of the pod of this name if it carries our label; else empty.
std::string own_pod(const Cli& cli, const std::string& podman_name, const std::string& label);
Result<std::set<std::string>> existing_pods(const Cli& cli);  // ids

Result<std::vector<ContainerState>> container_states(const Cli& cli, const std::string& podman_name,
                                                     const std::vector<std::string>& containers);
// "container web: exited with code 1: last line | last line"
std::string describe(const ContainerState& state);

// Makes a network of our own on a free subnet, without podman's DNS; the first three numbers of its
// addresses.
Result<std::string> make_network(const Cli& cli, const std::string& name, const std::string& label);
// invalid_input where the image's user is root or a name (which may be root's); pulls the image where it is
// missing.
Result<> check_non_root(const Cli& cli, const NonRootImage& image);

}  // namespace synchost::host::podman
