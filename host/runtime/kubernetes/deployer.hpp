// Applies what deployment.hpp plans, remembers it, waits until it runs, and takes it away again. On the
// runtime's io thread alone.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "host/runtime/kubernetes/pod_book.hpp"
#include "host/runtime/kubernetes/record.hpp"
#include "k8s/client/api_client.hpp"

namespace synchost::host::kubernetes {

class Deployer {
  public:
    using Note = std::function<void(const std::string& subject, const std::string& text)>;

    Deployer(std::shared_ptr<k8s::ApiClient> client, PodBook& pods, std::string project,
             std::string namespace_name, std::filesystem::path record_file, Note note);

    // In this order, by server-side apply; then takes away what an earlier call applied and this one does
    // not. Jobs and Pods cannot be changed in place: they are replaced.
    boost::asio::awaitable<Result<>> apply(std::vector<k8s::Manifest> manifests);
    // Until every one of these workloads ("Deployment/api"; empty for all) of the last apply() has rolled
    // out; an Error where one cannot.
    boost::asio::awaitable<Result<>> wait_until_ready(std::set<std::string> workloads);
    // Takes away what was applied, but for what was there before, and waits until its pods are gone.
    boost::asio::awaitable<Result<>> remove_all();
    // Ends apply() and wait_until_ready() soon.
    void interrupt();

  private:
    struct Workload {
        std::string path;
        std::string shown;  // "Deployment/api"
    };

    [[nodiscard]] Result<> save() const;
    boost::asio::awaitable<Result<>> apply_one(const k8s::Manifest& manifest, std::set<std::string>& wanted);
    boost::asio::awaitable<Result<>> note_owner(const std::string& path, const std::string& kind);
    boost::asio::awaitable<Result<k8s::Json>> replace(std::string path, k8s::Json object);
    boost::asio::awaitable<Result<>> remove(std::string path);
    boost::asio::awaitable<Result<>> wait_until_gone(std::string path);
    boost::asio::awaitable<void> wait_for_end_of_pods();
    // Of a workload that is not ready: why it will not come by itself.
    boost::asio::awaitable<std::optional<Error>> hopeless(const Workload& workload, const k8s::Json& object);

    std::shared_ptr<k8s::ApiClient> client_;
    PodBook& pods_;
    std::string project_;
    std::string namespace_name_;
    std::filesystem::path record_file_;
    Note note_;
    Record record_;
    Record left_elsewhere_;  // of a run against another server
    std::vector<Workload> workloads_;
    std::uint64_t round_ = 0;  // of apply()
    bool interrupted_ = false;
};

}  // namespace synchost::host::kubernetes
