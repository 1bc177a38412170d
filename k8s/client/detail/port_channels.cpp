#include "k8s/client/detail/port_channels.hpp"

#include <algorithm>
#include <utility>

#include "k8s/detail/json_text.hpp"

namespace synchost::k8s::detail {

namespace {

constexpr char kData = 0;
constexpr char kError = 1;
constexpr std::size_t kMostErrorBytes = 400;

}  // namespace

std::string PortChannels::data(std::string_view bytes) {
    std::string message(1, kData);
    message += bytes;
    return message;
}

Result<std::string_view> PortChannels::take(std::string_view message) {
    if (message.empty()) return std::string_view();
    const char channel = message.front();
    message.remove_prefix(1);
    if (channel != kData && channel != kError)
        return fail(Errc::protocol, "port-forward: a message of an unknown channel");
    if (!std::exchange(began_.at(static_cast<std::size_t>(channel)), true)) {
        const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(message[at]); };
        if (message.size() == 2 && byte(0) + 256 * byte(1) == port_) return std::string_view();
        return fail(Errc::protocol, "port-forward: a channel does not begin with its port");
    }
    if (channel == kData || message.empty()) return message;
    return fail(Errc::cluster,
                "port-forward: " + one_line(message.substr(0, 10 * kMostErrorBytes), kMostErrorBytes));
}

bool is_unheard(const Error& error) {
    if (error.code != Errc::cluster) return false;
    const auto says = [&](std::string_view part) { return error.message.contains(part); };
    return says("onnection refused") || says("failed to find sandbox") || says("is not running") ||
           says("network namespace for sandbox") || says("pod not found");
}

}  // namespace synchost::k8s::detail
