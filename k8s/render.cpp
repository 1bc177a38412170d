#include "k8s/render.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>

#include "base/file.hpp"
#include "base/rel_path.hpp"
#include "base/subprocess.hpp"
#include "k8s/detail/fields.hpp"
#include "k8s/detail/yaml_reader.hpp"

namespace synchost::k8s {
namespace {

namespace fs = std::filesystem;

constexpr std::array<const char*, 3> kKustomizations = {"kustomization.yaml", "kustomization.yml",
                                                        "Kustomization"};
constexpr std::size_t kMaxSourceFolders = 1'000;

bool has_file(const fs::path& folder, const char* name) {
    std::error_code ignored;
    return fs::is_regular_file(folder / name, ignored);
}

bool is_at_or_below(const fs::path& path, const fs::path& folder) {
    return std::ranges::mismatch(folder, path).in1 == folder.end();
}

// Local paths that a kustomization names under keys whose entries are folders or files.
std::vector<fs::path> named_paths(const fs::path& folder) {
    std::vector<fs::path> out;
    for (const char* name : kKustomizations) {
        if (!has_file(folder, name)) continue;
        const auto text = read_file(folder / name, kMaxYamlBytes);
        const auto documents = text ? read_yaml(*text, name) : std::unexpected(text.error());
        if (!documents || documents->empty()) continue;  // whoever renders it says what is wrong
        for (const char* key : {"resources", "bases", "components", "patchesStrategicMerge", "configurations",
                                "crds", "generators", "transformers"}) {
            const auto entries = words_field(documents->front().value, key);
            if (!entries) continue;
            for (const std::string& entry : *entries) out.push_back(folder / entry);
        }
    }
    return out;
}

// A rendered folder, and what it names outside of itself.
void add_rendered(const fs::path& folder, std::vector<SourceFolder>& out, std::set<fs::path>& seen) {
    if (seen.size() >= kMaxSourceFolders || !seen.insert(folder).second) return;
    out.push_back({.folder = folder, .file = {}, .rendered = true});
    for (const fs::path& path : named_paths(folder)) {
        std::error_code ignored;
        const fs::path real = fs::weakly_canonical(path, ignored);
        if (fs::is_directory(real, ignored)) {
            add_rendered(real, out, seen);
        } else if (fs::is_regular_file(real, ignored) && !is_at_or_below(real, folder)) {
            out.push_back({.folder = real.parent_path(), .file = real});
        }
    }
}

// The end of what a program said, with its lines joined for one message.
std::string last_words(std::string_view text) {
    constexpr std::size_t kMost = 2'000;
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
    if (text.size() > kMost) text.remove_prefix(text.size() - kMost);
    std::string out;
    for (const char c : text) out += c == '\n' ? std::string(": ") : std::string(1, c);
    return printable(out);
}

}  // namespace

Renderer renderer_of(const fs::path& folder) {
    for (const char* name : kKustomizations) {
        if (has_file(folder, name)) return Renderer::kustomize;
    }
    return has_file(folder, "Chart.yaml") ? Renderer::helm : Renderer::none;
}

Result<std::vector<std::string>> render_command(const fs::path& folder, Renderer renderer,
                                                const LoadOptions& options, const IsThere& is_there) {
    // A path of its own cannot be taken for an option.
    const std::string path = fs::absolute(folder);
    const std::string shown = printable(folder.native());
    if (renderer == Renderer::kustomize) {
        if (is_there("kustomize")) return std::vector<std::string>{"kustomize", "build", path};
        if (is_there("kubectl")) return std::vector<std::string>{"kubectl", "kustomize", path};
        return fail(Errc::unsupported,
                    shown + " is a kustomization, and neither kustomize nor kubectl is there",
                    "Install one of them, or name plain manifests under `manifests`.");
    }
    if (!is_there("helm")) {
        return fail(Errc::unsupported, shown + " is a Helm chart, and helm is not there",
                    "Install helm, or render the chart yourself and name the result under `manifests`.");
    }
    std::vector<std::string> out = {
        "helm", "template",       options.release.empty() ? "release" : options.release,
        path,   "--include-crds", "--skip-tests"};
    if (!options.namespace_name.empty()) out.insert(out.end(), {"--namespace", options.namespace_name});
    for (const fs::path& file : options.helm_values) out.insert(out.end(), {"--values", file.native()});
    return out;
}

Result<Rendered> render(const fs::path& folder, Renderer renderer, const LoadOptions& options) {
    TRY_ASSIGN(auto argv, render_command(folder, renderer, options, [](std::string_view program) {
                   return find_program(program).has_value();
               }));
    const std::string source = folder.native() + " (" + argv[0] + " " + argv[1] + ")";
    auto done = run_command({.argv = std::move(argv), .max_output_bytes = kMaxYamlBytes + 1});
    if (!done) return std::unexpected(std::move(done).error().context(printable(source)));
    if (done->exit_code != 0) {
        return fail(Errc::invalid_input, printable(source) + ": " + last_words(done->err),
                    "Run the command by itself, and correct what it names.");
    }
    if (done->out.size() > kMaxYamlBytes)
        return fail(Errc::invalid_input, printable(source) + ": more than 16 MiB of manifests");
    return Rendered{std::move(done->out), source};
}

bool is_manifest_name(const fs::path& path) {
    return path.extension() == ".yaml" || path.extension() == ".yml" || path.extension() == ".json";
}

std::vector<SourceFolder> source_folders(const std::vector<fs::path>& paths) {
    std::vector<SourceFolder> out;
    std::set<fs::path> seen;
    for (const fs::path& path : paths) {
        std::error_code ignored;
        const fs::path real = fs::weakly_canonical(path, ignored);
        if (renderer_of(real) != Renderer::none) {
            add_rendered(real, out, seen);
        } else if (fs::is_directory(real, ignored)) {
            out.push_back({.folder = real, .file = {}});
        } else {
            out.push_back({.folder = real.parent_path(), .file = real});
        }
    }
    return out;
}

bool is_source(const fs::path& file, const std::vector<SourceFolder>& folders) {
    const auto is_hidden = [](const fs::path& part) { return part.native().starts_with('.'); };
    return std::ranges::any_of(folders, [&](const SourceFolder& source) {
        if (!source.file.empty()) return file == source.file;
        if (!source.rendered) return file.parent_path() == source.folder && is_manifest_name(file);
        return is_at_or_below(file, source.folder) && !file.native().ends_with('~') &&
               std::ranges::none_of(file.lexically_relative(source.folder), is_hidden);
    });
}

bool is_beside(const fs::path& folder, const std::vector<SourceFolder>& folders) {
    return std::ranges::none_of(folders, [&](const SourceFolder& source) {
        return is_at_or_below(source.folder, folder) ||
               (source.rendered && is_at_or_below(folder, source.folder));
    });
}

}  // namespace synchost::k8s
