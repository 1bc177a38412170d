#include "host/view/build_work.hpp"

#include <algorithm>
#include <cctype>
#include <utility>

namespace synchost::host {
namespace {

using registry::BlobStep;
using std::chrono::floor;
using std::chrono::seconds;

constexpr std::chrono::milliseconds kBetweenBars{100};
constexpr std::size_t kStepBytes = 200;  // no screen shows more

// "7| output"
bool is_output(std::string_view line) {
    const std::size_t end = line.find_first_not_of("0123456789");
    return end != 0 && end != std::string_view::npos && line.substr(end).starts_with("| ");
}

// "Dockerfile:7: RUN npm ci", and nothing in parentheses that says that it need not run.
bool is_run(std::string_view line) {
    const std::size_t begin = line.find(": ");
    if (begin == std::string_view::npos || begin + 6 > line.size()) return false;
    constexpr std::string_view kRun = "RUN";
    const bool runs = std::ranges::equal(line.substr(begin + 2, kRun.size()), kRun, [](char a, char b) {
        return std::toupper(static_cast<unsigned char>(a)) == b;
    });
    return runs && !line.ends_with("(from the build cache)") &&
           !line.ends_with("(kept from an earlier build)");
}

}  // namespace

bool BuildWork::take_line(std::string_view line, Time now) {
    if (is_output(line)) return false;
    const bool was_pushing = std::exchange(push_, std::nullopt).has_value();  // by a build that was ended
    const bool is_work = is_run(line) || line.starts_with("base image ");
    std::string step(is_work ? line.substr(0, std::min(line.find('\n'), kStepBytes)) : "");
    if (step == step_) return was_pushing;
    step_ = std::move(step);
    step_began_ = now;
    return true;
}

bool BuildWork::take_blob(const registry::BlobEvent& event, Time now) {
    const std::string blob = event.digest.to_string();
    switch (event.step) {
        case BlobStep::started: {
            const bool is_first = !push_;
            if (is_first) push_ = Push{.began = now, .under_way = {}};
            step_.clear();
            if (push_->under_way.emplace(blob, 0).second) push_->size += event.size;
            return is_first;
        }
        case BlobStep::moved:
            if (push_ && push_->under_way.contains(blob)) push_->under_way[blob] = event.done;
            return false;
        case BlobStep::present:
        case BlobStep::mounted:
            return false;
        case BlobStep::sent:
        case BlobStep::failed:
            if (!push_ || push_->under_way.erase(blob) == 0) return false;
            push_->done += event.size;
            if (!push_->under_way.empty()) return false;
            push_.reset();
            return true;
    }
    return false;
}

std::optional<BuildWork::Time> BuildWork::began() const {
    if (push_) return push_->began;
    if (!step_.empty()) return step_began_;
    return std::nullopt;
}

LiveWork BuildWork::at(Time now) const {
    const auto since = began();
    if (!since || now - *since < kLongWork) return {};
    const auto elapsed = floor<seconds>(now - *since);
    if (!push_) return {.what = step_, .elapsed = elapsed};
    LiveWork out{.what = "pushing", .elapsed = elapsed, .done = push_->done, .size = push_->size};
    for (const auto& [blob, done] : push_->under_way) out.done += done;
    return out;
}

std::optional<BuildWork::Time> BuildWork::next_change(Time now) const {
    const auto since = began();
    if (!since) return std::nullopt;
    if (now - *since < kLongWork) return *since + kLongWork;
    if (push_) return now + kBetweenBars;
    return *since + floor<seconds>(now - *since) + seconds(1);
}

}  // namespace synchost::host
