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

struct WatchFlags {
    std::filesystem::path folder = ".";   // where the search for synchost.yaml begins
    std::string registry;                 // wins over synchost.yaml's
    std::vector<std::string> build_args;  // NAME=value, for every image; win over synchost.yaml's
    RuntimeFlags runtime;
    RegistryFlags registries;
};
Result<> run_watch(const WatchFlags& flags);

struct StatusFlags {
    std::filesystem::path folder = ".";
    bool verify = false;  // hash every managed path in the pods anew
    bool json = false;
};
// conflict where a container is not current, or not equal to the tree; not_found where no watch runs.
Result<> run_status(const StatusFlags& flags);

struct DownFlags {
    std::filesystem::path folder = ".";
    RuntimeFlags runtime;
};
Result<> run_down(const DownFlags& flags);

struct BuildFlags {
    std::filesystem::path context = ".";
    std::filesystem::path dockerfile;
    std::string target;
    std::vector<std::string> build_args;
    std::vector<std::string> build_contexts;  // NAME=FOLDER
    std::string tag;                          // name for `synchost push`; a registry reference
    bool push = false;
    images::Compression compression = images::Compression::zstd;
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
    std::string registry;
    bool json = false;
    RuntimeFlags runtime;  // context and kubeconfig of it
    RegistryFlags registries;
};
// conflict where a part of the machine has a problem.
Result<> run_doctor(const DoctorFlags& flags);

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

// "NAME=value" pairs. invalid_input where one has no name.
Result<std::map<std::string, std::string>> parse_build_args(const std::vector<std::string>& pairs);

}  // namespace synchost::host
