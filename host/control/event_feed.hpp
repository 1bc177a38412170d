// What happens in a watch, for those who follow it: the last events in a ring, each with a number, and a
// counter of the state that `GET /status` tells. A follower is a position in the ring; who is too slow for it
// is told that there is a gap.
//
// As Server-Sent Events (https://html.spec.whatwg.org/multipage/server-sent-events.html):
//
//     id: 1767225600000001          event: status              event: gap
//     event: activity               data: {"version": 7}       data: {"first": 1767225600000017}
//     data: {"id": ..., ...}
//
// Events `change` and `build` are kept like those of `activity`, and are numbered with them.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/control/http.hpp"

namespace synchost::host {

struct Event {
    std::uint64_t id = 0;
    std::int64_t time_ns = 0;  // since the epoch
    std::string kind;          // the verb of its line: "synced", "built", "failed"
    std::string tone;          // "plain", "good", "warn", "bad", "faint"
    std::string subject;
    std::string text;
    std::string next_step;
};
// One line of JSON.
std::string to_json(const Event& event);

class EventFeed {
  public:
    static constexpr std::size_t kKept = 1'000;
    static constexpr std::size_t kMaxKeptBytes = std::size_t{4} << 20;

    // `io` outlives the feed and its followers.
    explicit EventFeed(boost::asio::any_io_executor io);
    ~EventFeed();
    EventFeed(const EventFeed&) = delete;
    EventFeed& operator=(const EventFeed&) = delete;

    // Gives it its number and its time. From any thread.
    void publish(Event event);
    // Another event, by its name; `json` is one line. From any thread.
    void publish(std::string_view name, std::string json);
    // What GET /status tells may be another now. From any thread.
    void note_new_state();

    // The events of publish() that are kept, oldest first, each as JSON. From any thread.
    [[nodiscard]] std::vector<std::string> kept() const;
    // All that is kept, or what came after `last` where the client says that it has that; then what comes.
    // On the io thread, as is the use of the source. It may outlive the feed.
    std::unique_ptr<ByteSource> follow(std::optional<std::uint64_t> last);

  private:
    struct State;
    class Follower;
    std::shared_ptr<State> state_;
};

}  // namespace synchost::host
