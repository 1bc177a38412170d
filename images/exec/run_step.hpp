// Runs one command in the file system of an image, without a container runtime: overlay over the layers'
// folders, namespaces of its own for mounts, processes, IPC, host name and, where asked for, the network.
//
// The command is not the namespace's first process: a tiny init is, which reaps orphans, is killed with this
// process (PDEATHSIG, which an exec of a setuid program would lose), and takes every process of the step with
// it when the command ends. Mounts are the mount namespace's own and go with it.
//
// What the command may do is what docker's default allows: root with the capabilities a80425fb, no device
// nodes but a few of /dev, /proc/sys and its like read-only. It is no sandbox against a hostile kernel
// exploit: there is no seccomp filter. Needs root, of the machine or
// of a user namespace, and Linux 6.5 for `lowerdir+` of overlayfs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "images/exec/step_folder.hpp"

namespace synchost::images {

inline constexpr std::size_t kMaxStepLayers = 127;

enum class StepNetwork : std::uint8_t { host, none };

struct StepMount {
    enum class Kind : std::uint8_t {
        bind,   // `source`, a file, a folder or a socket of this machine
        tmpfs,  // empty
        file,   // `bytes`
    };
    Kind kind = Kind::bind;
    std::string target;  // relative to the root, without symlinks; it is there in the layers or the stubs
    std::filesystem::path source;
    bool read_only = false;
    std::uint64_t size_bytes = 0;  // of a tmpfs; 0 is half of the memory
    std::string bytes;
    std::uint32_t mode = 0644;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
};

struct Step {
    std::vector<std::string> layers;  // bottom first: folders relative to the store
    std::vector<StepMount> mounts;    // in the order in which they are made
    std::vector<std::string> argv;
    std::vector<std::string> env;  // NAME=value
    std::string working_dir;       // absolute
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::vector<std::uint32_t> groups;
    StepNetwork network = StepNetwork::host;
    int stop = -1;      // once it is readable, the command is killed; borrowed
    int terminal = -1;  // the command's three streams and its controlling terminal, in place of its output
};

// What a step prints, in pieces, both of its streams in the order of their writing.
using StepOutput = std::function<void(std::string_view)>;

// The command's exit code, 128 + N where signal N ended it. cancelled where it was stopped. An error where it
// was not started: unsupported where this kernel or this user cannot, invalid_input where the command is not
// there.
Result<int> run_step(const Step& step, const StepFolder& folder, const StepOutput& output);

// Paths that must be there in the root for every step; files end without '/', folders with it.
std::vector<std::string> standard_targets();

}  // namespace synchost::images
