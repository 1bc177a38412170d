// What a stage has become so far: config, layers, files, and the variables that its next instruction sees.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "images/base_image/base_image.hpp"
#include "images/config/image_config.hpp"
#include "images/config/users.hpp"
#include "images/dockerfile/expand.hpp"
#include "images/dockerfile/parser.hpp"
#include "images/graph/baked.hpp"
#include "images/graph/copy.hpp"
#include "images/tree/file_tree.hpp"

namespace synchost::images {

struct StageState {
    std::size_t stage = 0;  // its number in the plan
    ImageConfig config;
    std::vector<Layer> layers;
    FileTree tree;  // what is known: all of it for scratch, and once `base_listed`
    ManagedPaths managed;
    CopyRules rules;
    BakedSources baked;
    std::map<std::string, std::string> args;
    // What RUN removed of a base image whose files are not listed yet, with all below.
    std::set<std::string, std::less<>> hidden;
    std::shared_ptr<BaseImage> base;  // null for scratch, and in a trace
    bool base_listed = false;
    bool cmd_is_own = false;  // CMD was set in this stage, so ENTRYPOINT leaves it

    // ENV before ARG. Borrows this state.
    [[nodiscard]] Variables variables() const;
    // NAME=value of ENV, and of the ARGs that ENV does not hide: what RUN's process sees, but for the proxies
    // (StagePlan::proxy_args).
    [[nodiscard]] std::vector<std::string> run_environment() const;
};

// Adds the base's files beneath those of the stage, once; its layers are fetched for it.
Result<> list_base(StageState& state);

// Makes known what a COPY or WORKDIR to this path must know of the folders above it
// (graph/known_folders.hpp).
Result<> prepare_folders(StageState& state, std::string_view path);

// The numbers of "user[:group]" in this image. Its /etc/passwd and /etc/group are read for names alone.
// `scratch` is a folder for a nameless temporary file.
Result<Owner> resolve_in_image(const StageState& state, std::string_view user, ImpliedGroup implied,
                               const std::filesystem::path& context, const std::filesystem::path& scratch);

// The bytes of a file of the image, "" where it has none; for files like /etc/passwd, of at most 1 MiB.
Result<std::string> read_image_file(const StageState& state, const std::string& path,
                                    const std::filesystem::path& context,
                                    const std::filesystem::path& scratch);

// An instruction that changes the config and no file: ENV, LABEL, USER, EXPOSE, VOLUME, CMD, ENTRYPOINT,
// STOPSIGNAL, SHELL, HEALTHCHECK, ONBUILD, MAINTAINER. False where it is another. Errors come without the
// line.
Result<bool> apply_to_config(const Instruction& instruction, char escape, StageState& state);

}  // namespace synchost::images
