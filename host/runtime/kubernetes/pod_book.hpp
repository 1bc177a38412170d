// The project's pods as the API server tells of them, kept current by watches; and what is in their way. On
// the runtime's io thread alone.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/signal.hpp"
#include "host/runtime/kubernetes/pod_view.hpp"
#include "host/runtime/pod_detail.hpp"
#include "k8s/client/api_client.hpp"
#include "k8s/cluster/pod_problem.hpp"

namespace synchost::host::kubernetes {

struct BookEvents {
    std::function<void()> on_change;  // pods() is another
    std::function<void(const std::string& subject, const Error&)> on_problem;
    std::function<void(const std::string& subject, const std::string& text)> on_note;
};

class PodBook {
  public:
    PodBook(boost::asio::any_io_executor executor, std::shared_ptr<k8s::ApiClient> client,
            std::string project, BookEvents events);

    // Follows the project's pods in this namespace from now on, until the client is closed.
    void follow(const std::string& namespace_name);
    // By uid.
    [[nodiscard]] const std::map<std::string, PodView>& pods() const { return views_; }
    [[nodiscard]] Signal& changed() { return changed_; }

    // What keeps this pod from being ready, asked of the cluster now; nothing where nothing is known to.
    boost::asio::awaitable<std::optional<k8s::PodProblem>> problem_of(std::string uid);
    // The pods of these workloads, with what the cluster tells of them until the deadline.
    boost::asio::awaitable<PodsDetail> describe(std::set<std::string> workloads,
                                                std::chrono::steady_clock::time_point deadline);
    // Tells of problems as they come and go, until the client is closed.
    boost::asio::awaitable<void> tell_problems();
    [[nodiscard]] std::size_t tasks() const { return tasks_; }

  private:
    void replace(const std::string& namespace_name, std::vector<k8s::Json> pods);
    void change(std::string_view type, k8s::Json pod);
    boost::asio::awaitable<void> tell_problem_of(std::string uid);
    boost::asio::awaitable<Result<std::vector<k8s::Json>>> events_of(std::string uid);

    boost::asio::any_io_executor executor_;
    std::shared_ptr<k8s::ApiClient> client_;
    std::string project_;
    BookEvents events_;
    Signal changed_;
    std::set<std::string> namespaces_;
    std::map<std::string, k8s::Json> objects_;
    std::map<std::string, PodView> views_;
    std::map<std::string, std::chrono::steady_clock::time_point> unready_since_;
    std::map<std::string, std::string> told_;  // by uid
    std::size_t tasks_ = 0;
};

// The sidecar's own probes fail while an app is held: no problem of the pod's.
bool concerns_the_app(const k8s::PodProblem& problem);

}  // namespace synchost::host::kubernetes
