#include "host/control/event_feed.hpp"

#include <deque>
#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/timestamp.hpp"
#include "host/control/detail/doorbell.hpp"

namespace synchost::host {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kActivity = "activity";
constexpr std::size_t kPieceBytes = std::size_t{64} << 10;

}  // namespace

std::string to_json(const Event& event) {
    const Json json = {{"id", event.id},
                       {"time", format_timestamp_ns(event.time_ns)},
                       {"kind", event.kind},
                       {"tone", event.tone},
                       {"subject", event.subject},
                       {"text", event.text},
                       {"next_step", event.next_step}};
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

struct EventFeed::State {
    explicit State(boost::asio::any_io_executor io)
        : bell(std::make_shared<detail::Doorbell>(std::move(io))),
          // Numbers go on where those of an earlier watch ended, so that none stands for two events.
          next_id(static_cast<std::uint64_t>(now_ns() / 1'000)) {}

    std::shared_ptr<detail::Doorbell> bell;
    struct Kept {
        std::string name;
        std::string data;
    };
    // Under the lock.
    void keep(std::string_view name, std::string data) {
        bytes += data.size();
        ring.push_back({std::string(name), std::move(data)});
        ++next_id;
        while (ring.size() > 1 && (ring.size() > kKept || bytes > kMaxKeptBytes)) {
            bytes -= ring.front().data.size();
            ring.pop_front();
        }
        ++state_version;  // what is told was seldom without a cause
        bell->ring();
    }
    // Of the oldest that is kept; next_id where none is.
    [[nodiscard]] std::uint64_t first_id() const { return next_id - ring.size(); }

    std::mutex mutex;  // of all below
    std::deque<Kept> ring;
    std::size_t bytes = 0;
    std::uint64_t next_id;  // the ring's last is the one before
    std::uint64_t state_version = 1;
};

class EventFeed::Follower final : public ByteSource {
  public:
    Follower(std::shared_ptr<State> state, std::optional<std::uint64_t> last)
        : state_(std::move(state)), promised_(last.has_value()), last_(last.value_or(0)) {
        // One that was not given yet is of a watch whose clock was ahead: nothing is known of what followed.
        const std::lock_guard lock(state_->mutex);
        if (last_ >= state_->next_id) last_ = 0;
    }

    boost::asio::awaitable<std::optional<std::string>> next() override {
        seen_ = state_->bell->rings();
        const std::lock_guard lock(state_->mutex);
        std::string out;
        const auto& ring = state_->ring;
        const std::uint64_t first = state_->first_id();
        if (!ring.empty() && promised_ && first > last_ + 1) {
            out += "event: gap\ndata: {\"first\": " + std::to_string(first) + "}\n\n";
            last_ = first - 1;
        }
        if (!ring.empty() && last_ < first) last_ = first - 1;
        promised_ = promised_ || !ring.empty();
        while (!ring.empty() && last_ + 1 < state_->next_id && out.size() < kPieceBytes) {
            const State::Kept& event = ring[last_ + 1 - first];
            out += "id: " + std::to_string(++last_) + "\nevent: " + event.name + "\ndata: " + event.data +
                   "\n\n";
        }
        if (state_->state_version != told_version_) {
            told_version_ = state_->state_version;
            out += "event: status\ndata: {\"version\": " + std::to_string(told_version_) + "}\n\n";
        }
        co_return out;
    }
    boost::asio::awaitable<void> wait() override { return state_->bell->wait(seen_); }
    [[nodiscard]] std::string heartbeat() const override { return ":\n\n"; }

  private:
    std::shared_ptr<State> state_;
    bool promised_;  // that nothing after last_ is left out silently
    std::uint64_t last_;
    std::uint64_t told_version_ = 0;
    std::uint64_t seen_ = 0;
};

EventFeed::EventFeed(boost::asio::any_io_executor io) : state_(std::make_shared<State>(std::move(io))) {}

EventFeed::~EventFeed() = default;

void EventFeed::publish(Event event) {
    const std::lock_guard lock(state_->mutex);
    event.id = state_->next_id;
    event.time_ns = now_ns();
    state_->keep(kActivity, to_json(event));
}

void EventFeed::publish(std::string_view name, std::string json) {
    const std::lock_guard lock(state_->mutex);
    state_->keep(name, std::move(json));
}

void EventFeed::note_new_state() {
    const std::lock_guard lock(state_->mutex);
    ++state_->state_version;
    state_->bell->ring();
}

std::vector<std::string> EventFeed::kept() const {
    const std::lock_guard lock(state_->mutex);
    std::vector<std::string> out;
    for (const State::Kept& event : state_->ring) {
        if (event.name == kActivity) out.push_back(event.data);
    }
    return out;
}

std::unique_ptr<ByteSource> EventFeed::follow(std::optional<std::uint64_t> last) {
    return std::make_unique<Follower>(state_, last);
}

}  // namespace synchost::host
