// The Kubernetes API of one cluster as this program uses it: objects by server-side apply, get, list, watch
// and delete, logs, port-forward, exec. Errors are those of Status objects (k8s/client/api_error.hpp).
//
// Coroutines of one executor, as Transport; close() ends all that is under way. It outlives them.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "k8s/client/transport.hpp"
#include "k8s/cluster/resource_names.hpp"
#include "k8s/manifest.hpp"

namespace synchost::k8s {

inline constexpr std::string_view kFieldManager = "synchost";

enum class Propagation : std::uint8_t { background, foreground };

struct LogOptions {
    std::string container;
    bool previous = false;
    bool follow = false;
    bool timestamps = false;
    std::string since_time;  // RFC 3339; empty: from the beginning
};

struct ServerVersion {
    int major = 0;
    int minor = 0;
    std::string git_version;  // "v1.34.4+k3s1"
};

// What a watch tells. `listed` comes first, and again where the server has forgotten what we had seen: it
// replaces everything known.
struct WatchHandler {
    std::function<void(std::vector<Json> objects)> listed;
    std::function<void(std::string_view type, Json object)> changed;  // ADDED, MODIFIED, DELETED
    std::function<void(const Error&)> trouble;  // told once per interruption; the watch goes on by itself
};

class ApiClient {
  public:
    ApiClient(boost::asio::any_io_executor executor, KubeContext context, Reach reach);
    ~ApiClient();
    ApiClient(const ApiClient&) = delete;
    ApiClient& operator=(const ApiClient&) = delete;

    boost::asio::awaitable<Result<ServerVersion>> version();
    // How the server names objects of this apiVersion and kind (asked once per apiVersion). not_found where
    // it does not know them, with the next step.
    boost::asio::awaitable<Result<ResourceType>> resource(std::string api_version, std::string kind);

    boost::asio::awaitable<Result<Json>> get(std::string path);
    // Server-side apply as kFieldManager. conflict where another manager owns a field with another value.
    boost::asio::awaitable<Result<Json>> apply(std::string path, Json object, bool dry_run = false);
    boost::asio::awaitable<Result<Json>> create(std::string collection, Json object);
    // Only the object of this uid (conflict where the name is another's meanwhile). An object that is gone is
    // no error.
    boost::asio::awaitable<Result<>> remove(std::string path, std::string uid, Propagation propagation);
    // Lists, then follows, until the client is closed. `query` as "labelSelector=a%3Db" or empty. Events of
    // 8 MiB and lists of 100,000 objects are as much as it takes.
    boost::asio::awaitable<void> watch(std::string collection, std::string query, WatchHandler handler);

    // Lines without their newline, as they come, longer ones in pieces of 64 KiB; returns when the
    // container's log ends.
    boost::asio::awaitable<Result<>> logs(std::string pod_path, LogOptions options,
                                          std::function<void(std::string_view line)> on_line);
    // A stream to a port of the pod's loopback by `v4.channel.k8s.io`: the bytes of one connection.
    boost::asio::awaitable<Result<std::unique_ptr<WebSocket>>> open_port(std::string pod_path,
                                                                         std::uint16_t port);

    void close();
    [[nodiscard]] Transport& transport() { return transport_; }

  private:
    // What the server is too busy for is asked again a few times, when it says.
    boost::asio::awaitable<Result<Json>> json(HttpRequest request, std::string what);
    boost::asio::awaitable<Result<std::string>> list_for_watch(const std::string& collection,
                                                               const std::string& query,
                                                               const WatchHandler& handler);
    struct Following {
        std::string version;    // seen last; empty: nothing was listed yet, or the server has forgotten it
        bool began = false;     // the stream was answered
        bool progress = false;  // and had something new
    };
    boost::asio::awaitable<Result<>> follow(const std::string& collection, const std::string& query,
                                            Following& at, const WatchHandler& handler);

    Transport transport_;
    std::map<std::string, std::vector<ResourceType>> discovered_;  // by apiVersion
};

}  // namespace synchost::k8s
