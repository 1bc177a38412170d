// The output of every container of the project's pods, across restarts of containers, replacements of pods
// and breaks of the connection: each line once. On the runtime's io thread alone.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "host/runtime/kubernetes/pod_book.hpp"
#include "host/runtime/runtime.hpp"
#include "k8s/client/api_client.hpp"

namespace synchost::host::kubernetes {

// Tells lines that are new from those that were seen before a connection broke. The kubelet's timestamps rise
// within a container; a log can be asked for from a whole second on, so its beginning is seen twice.
class LogCursor {
  public:
    // "2026-01-02T03:04:05.123456789Z text": the text where the line is new.
    std::optional<std::string_view> take(std::string_view line);
    // What to ask for next (RFC 3339), empty at the beginning.
    [[nodiscard]] const std::string& since() const { return newest_; }
    // The next lines begin anew from since().
    void rewind() {
        again_ = 0;
        is_first_ = true;
    }
    // After take(): whether the log no longer had since() when it was asked for from there.
    [[nodiscard]] bool has_lost() const { return has_lost_; }

  private:
    std::string newest_;         // with nine digits of a second, so that text order is time order
    std::size_t at_newest_ = 0;  // lines that had this time
    std::size_t again_ = 0;      // of them, seen since rewind()
    bool is_first_ = true;       // since rewind()
    bool has_lost_ = false;
};

class Logs {
  public:
    Logs(boost::asio::any_io_executor executor, std::shared_ptr<k8s::ApiClient> client, PodBook& pods);

    void start(std::function<void(const LogLine&)> on_line);
    // Begins to follow containers that are new; called whenever the pods have changed.
    void look();

  private:
    boost::asio::awaitable<void> follow(std::string uid, std::string container);

    boost::asio::any_io_executor executor_;
    std::shared_ptr<k8s::ApiClient> client_;
    PodBook& pods_;
    std::function<void(const LogLine&)> on_line_;
    std::set<std::string> followed_;  // "uid/container"
};

}  // namespace synchost::host::kubernetes
