// Builds one target of a Dockerfile into an OCI image, with no daemon and no container.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "images/graph/baked.hpp"
#include "images/graph/copy_rules.hpp"
#include "images/image.hpp"
#include "images/layer/upload_ahead.hpp"
#include "registry-client/client.hpp"
#include "registry-client/transfer.hpp"

namespace synchost::images {

class CacheExport;   // remote_cache/cache_export.hpp
class CacheSources;  // remote_cache/cache_sources.hpp

// The user that a dev image gives its managed paths to.
struct Owner {
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    bool operator==(const Owner&) const = default;
};

// What RUN --mount=type=secret shows to one step, and nothing else ever holds.
struct Secret {
    std::filesystem::path file;
    std::string variable;  // of this process's environment, in place of the file where not empty
    bool operator==(const Secret&) const = default;
};

struct BuildRequest {
    std::filesystem::path context;
    std::filesystem::path dockerfile;                         // context/Dockerfile where empty
    std::string target;                                       // last stage where empty
    registry::Platform platform = registry::host_platform();  // of the image, see config/platform.hpp
    std::map<std::string, std::string> build_args;  // SOURCE_DATE_EPOCH among them is source_date_epoch, too
    // Folders by name, for COPY --from=NAME and FROM NAME: a name here wins over a stage and an image of that
    // name. Each is read by its own .dockerignore. What comes from one is never synced.
    std::map<std::string, std::filesystem::path> build_contexts;
    std::map<std::string, Secret> secrets;             // by id
    std::map<std::string, std::filesystem::path> ssh;  // sockets of agents by id, for RUN --mount=type=ssh
    Compression compression = Compression::zstd;
    std::int64_t source_date_epoch = 0;  // seconds: time of every file and of the config
    // `watch` builds: what COPY lays from the context, and the folders that lead there below the COPY's
    // destination (the destination folder itself included), belongs to this user, so that the agent can
    // replace it.
    std::optional<Owner> managed_owner;
    // `watch` builds: a COPY that no RUN follows may be several layers, those of the last build and the
    // difference to them, with the same files (layer/incremental_layer.hpp). Not reproducible.
    bool incremental = false;
    bool explain = false;  // fill Image::steps
    // Image::base_configs of the last build, for a trace, which asks no registry: what WORKDIR, ENV and
    // ONBUILD of base images mean for COPY. A base image that is not here counts as empty.
    std::map<std::string, std::string> base_configs;
};

// What a build may use. All are borrowed for the length of the call.
struct BuildTools {
    std::filesystem::path
        store;  // folder for layer blobs, made where absent; files in it appear complete or not at all
    const registry::Connector* registries = nullptr;  // for base images
    // Sends the image's layers while they are made; push() to its target waits for it. May be null.
    UploadAhead* ahead = nullptr;
    std::optional<std::uint64_t> store_limit{};  // bytes; a build begins with pruning what is more than that
    bool shell_on_error = false;  // a RUN that fails opens a shell in its root, on this process's terminal
    // The program that build() starts for an ordinary user's RUN, with its words; see rootless/rootless.hpp.
    // Without one such a build is refused.
    std::vector<std::string> rootless_helper{};
    // Of a build: called by any of its threads, one at a time. May be empty.
    std::function<void(const std::string& line)> progress;
    std::function<void(const registry::BlobEvent&)> transfer_progress;  // of a push; may be empty
    // Build caches in registries (remote_cache/): asked for steps that the store does not know, and told of
    // each step. Null for none.
    CacheSources* cache_from = nullptr;
    CacheExport* cache_to = nullptr;
    // Of a build: filled as Image::steps is, and also where it fails: with the steps until then and the one
    // that failed. Empty where it did not come to any. May be null.
    std::vector<ExplainedStep>* steps = nullptr;
    // Ends build() soon, with `cancelled`; what its steps had made until then stays in the store. A push and
    // a fetch end with the stop of `registries`.
    std::stop_token stop{};
};

// Errors name the Dockerfile, the line and, where one is near, the likely word:
// "Dockerfile:7: unknown instruction COPPY" with the next step "Did you mean COPY?". Nothing half-written
// stays.
Result<Image> build(const BuildRequest& request, const BuildTools& tools);

// Image::copied and Image::managed_paths as a build of the context as it is now would give them, without
// building: names, kinds and modes are read, contents are not, and no registry is asked.
struct Trace {
    std::vector<CopiedPath> copied;
    std::vector<std::string> managed_paths;
    // What a save of which needs a build, though it may be among `copied` as well; see graph/baked.hpp.
    std::vector<BakedSource> baked;
    std::vector<std::string> baked_files;  // paths of the context as it is now that these name, sorted
    CopyRules rules;  // for what is made or removed later, while Dockerfile and ignore file stay the same
};
Result<Trace> trace(const BuildRequest& request);

// Makes `target` name the image, see registry-client/transfer.hpp. Returns what was sent.
using PushReport = registry::TransferReport;
Result<PushReport> push(const Image& image, const registry::Reference& target, const BuildTools& tools);

// A FROM scratch image of one static binary at /synchost-agent with that entrypoint: the agent image.
Result<Image> build_single_binary(std::string_view binary, std::string_view name, const BuildTools& tools);

// The run config of an image that somebody else built, by its manifest in a registry.
Result<RunConfig> fetch_run_config(const registry::Reference& image, const BuildTools& tools);

}  // namespace synchost::images
