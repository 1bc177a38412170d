// The mounts of one RUN step: the part of its key that they are, and the mounts themselves.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/xxh3.hpp"
#include "images/builder.hpp"
#include "images/exec/layer_folders.hpp"
#include "images/exec/run_step.hpp"
#include "images/explain/step_inputs.hpp"
#include "images/graph/run_mounts.hpp"
#include "images/tree/file_tree.hpp"

namespace synchost::images {

class RunMounting {
  public:
    RunMounting(const BuildRequest& request, const BuildTools& tools, std::string script)
        : request_(request), tools_(tools), script_(std::move(script)) {}

    // What a mount with a source shows, in the order of the mounts that have one.
    Result<> add_source(const RunMount& mount, const FileTree& tree);
    // invalid_input for a required secret that was not given, say.
    Result<Digest> key(const std::vector<Layer>& layers, const RunFlags& flags, const Step& step) const;
    // What the sources show, for a key that did not hold.
    void add_inputs(StepInputs& step) const;
    // Adds the mounts to the step, with their targets and those of every step among the stubs. Locks of cache
    // mounts are held until this ends.
    Result<> make(const StepFolder& folder, const RunFlags& flags, const FileTree& tree, Step& step);

  private:
    struct Source {
        NodeMap nodes;
        Digest digest;
        std::string place;  // what stands before the paths in messages
        std::map<std::string, Xxh3> hashes;
    };
    Result<> make_mount(const StepFolder& folder, const RunMount& mount, const FileTree& tree, Step& step);
    Result<> make_bind(const StepFolder& folder, const RunMount& mount, StepMount& out);
    Result<> make_cache(const RunMount& mount, StepMount& out);
    Result<bool> make_secret(const RunMount& mount, StepMount& out, Step& step) const;
    Result<bool> make_ssh(const RunMount& mount, StepMount& out, Step& step);
    Result<> add_files(const FileTree& tree, Step& step) const;
    // Resolves the target in the image and makes its stub where it is not there.
    Result<std::string> target(const FileTree& tree, const std::string& path, FileKind kind) const;

    const BuildRequest& request_;
    const BuildTools& tools_;
    std::string script_;
    std::vector<Source> sources_;
    std::size_t next_source_ = 0;
    std::size_t ssh_mounts_ = 0;
    std::filesystem::path stubs_;
    std::vector<Fd> locks_;
};

}  // namespace synchost::images
