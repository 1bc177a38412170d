#include "host/view/live_view.hpp"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "base/log.hpp"
#include "host/view/render.hpp"

namespace synchost::host {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds kBetweenDraws{100};
// From a change to its drawing: what takes less, as most saves do, is drawn as it ends.
constexpr std::chrono::milliseconds kSettles{50};

std::atomic<LiveView*> log_taker = nullptr;

void take_log(std::string_view line) {
    if (LiveView* view = log_taker.load()) view->print(line);
}

bool is_image(const Status& status, const std::string& name) {
    return std::ranges::find(status.images, name, &ImageStatus::name) != status.images.end();
}

}  // namespace

LiveView::LiveView(boost::asio::any_io_executor io, int fd, bool colour)
    : io_(std::move(io)), writer_(fd), colour_(colour), wake_(io_) {
    if (::isatty(STDERR_FILENO) == 0) return;
    log_taker = this;
    set_log_sink(take_log);
}

LiveView::~LiveView() {
    if (log_taker.load() != this) return;
    set_log_sink(nullptr);
    log_taker = nullptr;
}

void LiveView::print(std::string_view lines) {
    if (!writer_.print(lines)) changed();
}

void LiveView::note(const ToldLine& told) {
    if (told.verb.empty() || told.subject.empty() || told.verb == "output") return;
    {
        const std::lock_guard lock(mutex_);
        told_.insert_or_assign(std::string(told.subject), in_short(told.verb, told.text));
    }
    changed();
}

void LiveView::note_build_line(const std::string& image, std::string_view line) {
    bool is_other = false;
    {
        const std::lock_guard lock(mutex_);
        is_other = work_[image].take_line(line, Clock::now());
    }
    if (is_other) changed();
}

void LiveView::note_blob(const std::string& image, const registry::BlobEvent& event) {
    bool is_other = false;
    {
        const std::lock_guard lock(mutex_);
        is_other = work_[image].take_blob(event, Clock::now());
    }
    if (is_other) changed();
}

void LiveView::changed() {
    if (is_new_.exchange(true)) return;
    boost::asio::post(io_, [this] { wake_.notify(); });
}

boost::asio::awaitable<void> LiveView::run(std::function<Status()> status) {
    while (!stopped_) {
        is_new_ = false;  // from here on: what comes while it is drawn is drawn next
        const auto again = draw(status());
        const auto drawn = Clock::now();
        while (!stopped_ && !is_new_ && Clock::now() < again) co_await wake_.wait_until(again);
        const auto next = std::max(drawn + kBetweenDraws, Clock::now() + (is_new_ ? kSettles : 0ms));
        while (!stopped_ && Clock::now() < next) co_await wake_.wait_until(next);
    }
    writer_.close();
}

void LiveView::stop() {
    stopped_ = true;
    wake_.notify();
}

LiveView::Clock::time_point LiveView::draw(const Status& status) {
    auto again = Clock::time_point::max();
    LiveState state;
    {
        const std::lock_guard lock(mutex_);
        std::erase_if(told_, [&](const auto& one) { return !is_image(status, one.first); });
        for (const ImageStatus& image : status.images) {
            const auto work = work_.find(image.name);
            if (work == work_.end()) continue;
            if (!image.building) {
                work_.erase(work);
            } else if (const auto next = work->second.next_change(Clock::now())) {
                again = std::min(again, *next);
            }
        }
        state = live_state(status, told_, work_, Clock::now());
    }
    writer_.show([state = std::move(state), colour = colour_](TerminalSize size) {
        return render(state, size.width, size.height, colour);
    });
    return again;
}

}  // namespace synchost::host
