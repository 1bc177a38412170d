// A kubeconfig of any bytes: an error that names the file, or contexts of which none passes the guard that
// has not both a local name and a local address, and none holds what could end a header.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "k8s/kubeconfig/guard.hpp"
#include "k8s/kubeconfig/kubeconfig.hpp"
#include "k8s/kubeconfig/server_address.hpp"

namespace {

using namespace synchost;

bool is_safe(const k8s::UserEntry& user) {
    const auto safe = [](const std::string& text) {
        return std::ranges::all_of(text, [](unsigned char c) { return c >= 0x20 && c != 0x7F; });
    };
    return safe(user.token) && safe(user.username) &&
           std::ranges::all_of(user.headers, [&](const auto& header) {
               return safe(header.first) && safe(header.second) && !header.first.contains(' ') &&
                      !header.first.contains(':');
           });
}

void check_context(const k8s::Kubeconfig& config, const std::string& name) {
    const auto context = config.context(name);
    if (!context) return;
    if (context->name != name || context->namespace_name.empty() || !is_safe(context->user)) std::abort();
    const auto passed = k8s::guard_context(*context, {});
    const auto address = k8s::parse_server_address(context->cluster.server);
    const bool local = address && k8s::is_local_host(address->host) && k8s::is_local_context_name(name);
    if (passed && !local) std::abort();
    if (address && !name.empty() && !k8s::guard_context(*context, {name})) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto config = k8s::Kubeconfig::parse(text, "/nowhere/config");
    if (!config) {
        if (!config.error().message.starts_with("/nowhere/config")) std::abort();
        return 0;
    }
    // Files that a context names are read: not those that never end.
    if (text.contains("dev") || text.contains("proc")) return 0;
    std::vector<std::string> names = config->context_names();
    names.resize(std::min<std::size_t>(names.size(), 20));
    for (const std::string& name : names) {
        if (!name.empty()) check_context(*config, name);
    }
    return 0;
}
