// The commands of `synchost`. Each takes its parsed options, does its work, prints results to standard
// output, and returns an Error for main() to print and to turn into an exit code.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "host/engine/engine_mode.hpp"
#include "images/builder.hpp"
#include "k8s/inject.hpp"

namespace synchost::host {

struct RegistryFlags {
    std::vector<std::string> insecure;  // hosts that speak plain http
    std::filesystem::path ca_file;
    std::filesystem::path client_certificate;
    std::filesystem::path client_key;
};

// Where pods are to run. `automatic`: in the cluster of the kubeconfig's context where there is one that may
// be used, else on podman.
enum class RuntimeChoice : std::uint8_t { automatic, kubernetes, podman };

struct RuntimeFlags {
    RuntimeChoice choice = RuntimeChoice::automatic;
    std::filesystem::path kubeconfig;  // KUBECONFIG or ~/.kube/config where empty
    std::string context;               // the current one where empty
    std::string namespace_name;        // wins over synchost.yaml's
};

// Where a watch serves its page.
struct PageFlags {
    bool none = false;
    std::string address = "127.0.0.1";
    std::optional<std::uint16_t> port;  // the first free one of ui::kFirstPort to kLastPort; 0 for any
    bool open = false;                  // in a browser
};

struct WatchFlags {
    EngineMode mode = EngineMode::watch;
    std::filesystem::path folder = ".";  // where the search for synchost.yaml begins
    std::vector<std::string> profiles;   // of synchost.yaml, merged in this order
    std::vector<std::string> only;       // services, and what they depend on; empty for all
    std::uint32_t parallel_builds = 2;
    std::string registry;                 // wins over synchost.yaml's
    std::vector<std::string> build_args;  // NAME=value, for every image; win over synchost.yaml's
    std::string cache_limit;              // see CacheFlags
    bool plain = false;                   // lines alone, on a terminal too
    PageFlags page;                       // of `watch` without --once alone
    RuntimeFlags runtime;
    RegistryFlags registries;
};
// `watch`, `watch --once` and `run`. cancelled after Ctrl-C.
Result<> run_watch(const WatchFlags& flags);

struct StatusFlags {
    std::filesystem::path folder = ".";
    bool verify = false;  // hash every managed path in the pods anew
    bool json = false;
    std::uint32_t wait = 0;  // seconds that it may take until all is well
};
// conflict where a container is not current, or not equal to the tree; not_found where no watch runs.
Result<> run_status(const StatusFlags& flags);

struct ServiceFlags {
    std::vector<std::string> services;  // names as GET /services/{name} of the API takes them
    std::filesystem::path folder = ".";
    bool json = false;
};
// Each returns when it is done. not_found where no watch runs, invalid_input for a service that it has not.
Result<> run_restart(const ServiceFlags& flags);
// conflict where a build failed.
Result<> run_trigger(const ServiceFlags& flags);
Result<> run_pause(const ServiceFlags& flags);
Result<> run_resume(const ServiceFlags& flags);
Result<> run_stop(const ServiceFlags& flags);
Result<> run_start(const ServiceFlags& flags);

struct LogFlags {
    std::vector<std::string> services;  // all where empty
    std::filesystem::path folder = ".";
    bool follow = false;
    std::string since;  // these five as GET /logs of the API takes them
    std::string until;
    std::string source;
    std::string tail;
    std::string grep;
    std::string container;
    bool timestamps = false;
    bool json = false;
};
// Returns early, without an error, where nobody reads the output any more.
Result<> run_logs(const LogFlags& flags);

struct SnapshotFlags {
    std::filesystem::path file;  // named after the project and the time, in this folder, where it is empty
    std::filesystem::path folder = ".";
    bool json = false;   // the data alone, not the page around it
    bool force = false;  // overwrite a file
};
// Nothing is written where the watch does not answer, or breaks off. conflict where the file is there.
Result<> run_snapshot(const SnapshotFlags& flags);

struct DownFlags {
    std::filesystem::path folder = ".";
    std::vector<std::string> profiles;  // of synchost.yaml, merged in this order
    RuntimeFlags runtime;
};
Result<> run_down(const DownFlags& flags);

struct BuildFlags {
    std::filesystem::path context = ".";
    std::filesystem::path dockerfile;
    std::string target;
    std::vector<std::string> build_args;
    std::vector<std::string> build_contexts;  // NAME=FOLDER
    std::vector<std::string> platforms;   // lists, see images/config/platform.hpp; this machine's where empty
    std::vector<std::string> secrets;     // id=NAME,src=FILE or env=VARIABLE
    std::vector<std::string> ssh;         // ID or ID=SOCKET
    std::vector<std::string> tags;        // registry references; the names for `synchost push`
    std::vector<std::string> outputs;     // see images/output/output.hpp
    std::vector<std::string> cache_from;  // see images/remote_cache/cache_flags.hpp
    std::vector<std::string> cache_to;
    bool push = false;
    images::Compression compression = images::Compression::zstd;
    std::filesystem::path metadata_file;
    std::filesystem::path id_file;
    std::string cache_limit;  // see CacheFlags
    bool shell_on_error = false;
    bool explain = false;  // tell why each step was made
    bool quiet = false;
    bool json = false;
    RegistryFlags registries;
};
Result<> run_build(const BuildFlags& flags);

struct PushFlags {
    std::string image;        // as it was named by `synchost build --tag`
    std::string destination;  // the same where empty
    bool json = false;
    RegistryFlags registries;
};
Result<> run_push(const PushFlags& flags);

// The limit of the store: "20 GB", or "none"; SYNCHOST_CACHE_LIMIT, and then the default, where it is empty.
struct CacheFlags {
    std::string limit;
    bool json = false;
};
Result<> run_cache(const CacheFlags& flags);

struct CachePruneFlags {
    std::string keep;  // the limit where empty
    bool all = false;  // cache mounts, too
    bool json = false;
};
Result<> run_cache_prune(const CachePruneFlags& flags);

struct CopyFlags {
    std::string source;  // a reference, or "oci:FOLDER[:NAME]"
    std::string destination;
    bool all = false;      // an index with all its platforms
    std::string platform;  // this machine's where empty
    bool json = false;
    bool plain = false;
    RegistryFlags registries;
};
Result<> run_copy(const CopyFlags& flags);

struct InjectFlags {
    std::vector<std::filesystem::path> files;  // synchost.yaml's manifests where empty; "-" is standard input
    std::filesystem::path folder = ".";
    std::vector<std::string> profiles;  // of synchost.yaml, merged in this order
    std::string registry;
    std::vector<std::string> build_args;
    k8s::SidecarForm form = k8s::SidecarForm::native;
    RegistryFlags registries;
};
Result<> run_inject(const InjectFlags& flags);

struct KeyFlags {
    std::filesystem::path folder = ".";
    std::string namespace_name = "default";
};
Result<> run_key(const KeyFlags& flags);

struct InitFlags {
    std::filesystem::path folder = ".";
    bool force = false;  // overwrite a synchost.yaml
    bool print = false;  // to standard output, and write nothing
};
// conflict where there is a synchost.yaml already.
Result<> run_init(const InitFlags& flags);

struct DoctorFlags {
    std::filesystem::path folder = ".";
    std::vector<std::string> profiles;  // of synchost.yaml, merged in this order
    std::string registry;
    bool json = false;
    RuntimeFlags runtime;  // context and kubeconfig of it
    RegistryFlags registries;
};
// conflict where a part of the machine has a problem.
Result<> run_doctor(const DoctorFlags& flags);

// One image alone where `image` is not empty.
struct PlanFlags {
    std::string folder = ".";
    std::vector<std::string> profiles;  // of synchost.yaml, merged in this order
    std::string image;
    bool json = false;
};
struct ExplainFlags {
    std::vector<std::string> files;
    std::string folder = ".";
    std::vector<std::string> profiles;  // of synchost.yaml, merged in this order
    bool json = false;
};

Result<> run_plan(const PlanFlags& flags);
Result<> run_explain(const ExplainFlags& flags);

struct VersionFlags {
    bool json = false;
};
Result<> run_version(const VersionFlags& flags);

struct CompletionFlags {
    std::string shell;  // bash, zsh or fish
};
Result<> run_completion(const CompletionFlags& flags);

// Prints the JSON Schema of synchost.yaml.
Result<> run_config_schema();

// "NAME=FOLDER" pairs of --build-context. invalid_input where one has no name or is no folder.
Result<std::map<std::string, std::filesystem::path>> parse_build_contexts(
    const std::vector<std::string>& pairs);

// "id=NAME,src=FILE" and "id=NAME,env=VARIABLE" of --secret. Whether the file is there the build says.
Result<std::map<std::string, images::Secret>> parse_secrets(const std::vector<std::string>& texts);

// "ID=SOCKET" of --ssh, and "ID" for this process's own agent. invalid_input where there is no such socket.
Result<std::map<std::string, std::filesystem::path>> parse_ssh(const std::vector<std::string>& texts);

// "NAME=value" pairs. invalid_input where one has no name.
Result<std::map<std::string, std::string>> parse_build_args(const std::vector<std::string>& pairs);

}  // namespace synchost::host
