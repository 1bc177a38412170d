// What streams of a cluster carry, of any bytes: as lines of a watch, cut in two ways, and as messages of
// exec and of port-forward, each behind a byte that says how long it is. What is gathered stays within its
// bounds, and what is shown holds no control character.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "k8s/client/detail/exec_channels.hpp"
#include "k8s/client/detail/lines.hpp"
#include "k8s/client/detail/port_channels.hpp"
#include "k8s/client/detail/watch_event.hpp"

namespace {

using namespace synchost;
using namespace synchost::k8s::detail;

constexpr std::size_t kMaxText = 32'768;
constexpr std::size_t kMaxLine = 200;
constexpr std::size_t kMaxOutput = 20;

void demand(bool holds) {
    if (!holds) std::abort();
}

void check_error(const Error& error) {
    demand(!error.message.empty() && error.message.size() < kMaxText);
    demand(std::ranges::all_of(error.message,
                               [](unsigned char c) { return (c >= 0x20 || c == '\n') && c != 0x7F; }));
}

std::vector<std::string> cut(std::string_view text, std::size_t piece) {
    std::vector<std::string> out;
    Lines lines(kMaxLine, Lines::Longer::cut);
    for (std::size_t at = 0; at < text.size(); at += piece) {
        demand(lines
                   .take(text.substr(at, piece),
                         [&](std::string_view line) -> Result<> {
                             demand(line.size() <= kMaxLine && !line.contains('\n'));
                             out.emplace_back(line);
                             return {};
                         })
                   .has_value());
    }
    out.push_back(lines.rest());
    return out;
}

void check_lines(std::string_view text) {
    demand(cut(text, 3) == cut(text, 1000));
    Lines lines(kMaxLine, Lines::Longer::refuse);
    const auto end = lines.take(text, [](std::string_view line) -> Result<> {
        demand(line.size() <= kMaxLine);
        return {};
    });
    if (!end) check_error(end.error());
}

void check_event(std::string_view line) {
    const auto event = parse_watch_event(line);
    if (!event) return check_error(event.error());
    demand(!event->version.empty() && !event->type.empty() && event->type != "ERROR" &&
           event->object.is_object());
}

void check_messages(std::string_view text) {
    ExecOutput exec(kMaxOutput);
    PortChannels port(0x1B58);
    bool port_failed = false;
    while (!text.empty()) {
        const std::string_view message = text.substr(1, static_cast<unsigned char>(text.front()));
        text.remove_prefix(1 + message.size());
        if (const auto taken = exec.take(message); !taken) check_error(taken.error());
        demand(exec.out.size() <= kMaxOutput && exec.err.size() <= kMaxOutput);
        if (port_failed) continue;
        const auto bytes = port.take(message);
        demand(!bytes || bytes->size() <= message.size());
        port_failed = !bytes;
        if (port_failed) check_error(bytes.error());
    }
    const auto code = exec.final_verdict();
    if (!code) return check_error(code.error());
    demand(*code >= 0 && *code <= 255);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    check_lines(text);
    check_event(text);
    check_messages(text);
    const auto code = parse_exec_status(text);
    if (!code) check_error(code.error());
    return 0;
}
