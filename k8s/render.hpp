// Folders that another program turns into manifests: kustomize where there is a kustomization, Helm where
// there is a chart. The programs are the user's own and run without a shell.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "k8s/manifest.hpp"

namespace synchost::k8s {

enum class Renderer : std::uint8_t { none, kustomize, helm };

// By the files in it; none for what is no folder. A folder that has both is kustomize's, which can render
// charts too.
Renderer renderer_of(const std::filesystem::path& folder);

// `kustomize build DIR` or, without that program, `kubectl kustomize DIR`; `helm template RELEASE DIR`,
// with the values of the options.
// unsupported, with what to install, where `is_there` says that no such program is.
using IsThere = std::function<bool(std::string_view program)>;
Result<std::vector<std::string>> render_command(const std::filesystem::path& folder, Renderer renderer,
                                                const LoadOptions& options, const IsThere& is_there);

struct Rendered {
    std::string text;
    std::string source;  // "k8s/chart (helm template)"
};
// Runs it, for a minute and 16 MiB at most. invalid_input with the program's own words where it refuses.
Result<Rendered> render(const std::filesystem::path& folder, Renderer renderer, const LoadOptions& options);

bool is_manifest_name(const std::filesystem::path& path);  // *.yaml, *.yml, *.json

// A folder whose files make manifests.
struct SourceFolder {
    std::filesystem::path folder;  // absolute, without symlinks
    std::filesystem::path file;    // the one file of it that counts; empty: all manifests in it, or
    bool rendered = false;         // all files in it and below
    bool operator==(const SourceFolder&) const = default;
};
// What load_manifests() reads for these paths: a kustomization's own folder and those that it names, for one.
std::vector<SourceFolder> source_folders(const std::vector<std::filesystem::path>& paths);
// Whether a file is one that they are about. Hidden files and backups of editors are not.
bool is_source(const std::filesystem::path& file, const std::vector<SourceFolder>& folders);
// Whether a watcher may leave out this folder and all below it.
bool is_beside(const std::filesystem::path& folder, const std::vector<SourceFolder>& folders);

}  // namespace synchost::k8s
