#include "agent/process/listen_watch.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/sock_diag.hpp"

namespace synchost::agent {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using Ports = std::vector<std::uint16_t>;

constexpr std::chrono::minutes kPatience{1};
// A sixteenth of the time that has passed: so exact is what is told, and a slow start costs few looks.
constexpr int kParts = 16;
constexpr milliseconds kShortest{1};
constexpr milliseconds kLongest{250};

Ports together(const Ports& left, const Ports& right) {
    Ports out;
    std::ranges::set_union(left, right, std::back_inserter(out));
    return out;
}

Ports without(const Ports& all, const Ports& taken) {
    Ports out;
    std::ranges::set_difference(all, taken, std::back_inserter(out));
    return out;
}

}  // namespace

ListenWatch::ListenWatch(boost::asio::any_io_executor executor,
                         std::function<void(microseconds)> on_listening)
    : timer_(std::move(executor)), on_listening_(std::move(on_listening)) {}

void ListenWatch::before_end() {
    timer_.cancel();
    // One that was still starting has not shown where it listens: it is what was awaited of it.
    if (!std::exchange(is_awaited_, false)) {
        before_.clear();
        own_.clear();
    }
    if (const auto now = listening_tcp_ports()) before_ = together(before_, *now);
}

void ListenWatch::started() {
    if (before_.empty()) return;
    is_awaited_ = true;
    begun_ = Clock::now();
    look_after({});  // before it can listen: what is gone now was the one before it
}

void ListenWatch::ended() {
    timer_.cancel();
}

void ListenWatch::look_after(milliseconds time) {
    timer_.expires_after(time);
    timer_.async_wait([this](boost::system::error_code error) {
        if (!error) look();
    });
}

void ListenWatch::look() {
    const auto passed = Clock::now() - begun_;
    const auto now = listening_tcp_ports();
    if (!now || passed > kPatience) {
        is_awaited_ = false;
        return;
    }
    // What it left behind may hold a port for a moment longer than it lived.
    own_ = together(own_, without(before_, *now));
    if (own_.empty() || !without(own_, *now).empty()) {
        const auto part = std::chrono::duration_cast<milliseconds>(passed) / kParts;
        return look_after(std::clamp(part, kShortest, kLongest));
    }
    is_awaited_ = false;
    on_listening_(std::chrono::duration_cast<microseconds>(passed));
}

}  // namespace synchost::agent
