// Local ports that lead into the project's pods, and stay open across their restarts and replacements. On the
// runtime's io thread alone.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "host/runtime/kubernetes/pod_book.hpp"
#include "host/runtime/local_ports.hpp"
#include "host/runtime/runtime.hpp"
#include "k8s/client/port_forward.hpp"

namespace synchost::host::kubernetes {

// What is forwarded: a port of a Service, or of a workload's container that no Service leads to.
struct ForwardPlan {
    std::string key;      // "default/api:8080": the same target in the next deployment
    std::string subject;  // "api", "Deployment/worker"
    std::string namespace_name;
    std::uint16_t port = 0;                       // of the Service or the container
    std::uint16_t local = 0;                      // the one to open where it is free; 0: the same number
    k8s::Json target;                             // a number, or the name of a container's port
    std::map<std::string, std::string> selector;  // of the Service's pods
    std::string workload;                         // where there is no Service

    [[nodiscard]] bool leads_to(const PodView& pod) const;
};

// TCP ports of the Services with a selector, then containerPorts of workloads that none of these reaches,
// then what was asked for beside them. Pure. not_found for a workload that no manifest has.
Result<std::vector<ForwardPlan>> plan_forwards(const std::vector<k8s::Manifest>& manifests,
                                               const std::string& default_namespace,
                                               const std::vector<ExtraPort>& extra);

class Forwards {
  public:
    Forwards(boost::asio::any_io_executor executor, std::shared_ptr<k8s::ApiClient> client, PodBook& pods,
             std::function<void(const std::string&, const Error&)> on_problem);

    // Opens what is new, keeps what stays, closes what has gone.
    Result<> open(const std::vector<ForwardPlan>& plans);
    [[nodiscard]] std::vector<ForwardedPort> ports() const;
    void close();

  private:
    struct Open {
        ForwardPlan plan;
        std::unique_ptr<k8s::PortForward> forward;
    };
    boost::asio::awaitable<Result<k8s::PortTarget>> choose(std::string key);
    // A browser asks many times a second: the same is told once in a while.
    void tell(const std::string& subject, const Error& error);

    boost::asio::any_io_executor executor_;
    std::shared_ptr<k8s::ApiClient> client_;
    PodBook& pods_;
    std::function<void(const std::string&, const Error&)> on_problem_;
    LocalPorts local_;
    std::map<std::string, Open> open_;
    std::vector<std::string> order_;                                     // as planned
    std::map<std::string, std::chrono::steady_clock::time_point> told_;  // by subject and text
    std::uint64_t turn_ = 0;
};

}  // namespace synchost::host::kubernetes
