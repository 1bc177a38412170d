// The part of host/plan/config.hpp that looks at the disk.
#include <system_error>

#include "base/file.hpp"
#include "base/rel_path.hpp"
#include "host/plan/config.hpp"

namespace synchost::host {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kCreate = "Create one; README.md shows an example";

bool is_there(const fs::path& path) {
    std::error_code ignored;
    return fs::exists(path, ignored);
}

// By a step, before the images are.
bool is_made(const fs::path& path, const Config& config) {
    for (const StepConfig& step : config.steps) {
        for (const RelPath& output : step.outputs) {
            const std::string made = (config.file.parent_path() / output.str()).native();
            if (path == made || made.starts_with(path.native() + "/") ||
                path.native().starts_with(made + "/"))
                return true;
        }
    }
    return false;
}

Result<> look_at(const Config& config) {
    const auto missing = [&](const std::string& key, std::string_view what, const fs::path& path) {
        return fail(Errc::not_found, config.where(key) + ": there is no " + std::string(what) + " " +
                                         printable(path.native()));
    };
    std::error_code ignored;
    for (const ImageConfig& image : config.images) {
        const std::string key = "images > " + image.name;
        const auto nearest = [&](std::string_view name) {
            const std::string full = key + " > " + std::string(name);
            return config.lines.contains(full) ? full : key;
        };
        if (!fs::is_directory(image.context, ignored))
            return missing(nearest("context"), "folder", image.context);
        if (image.from.empty() && !fs::is_regular_file(image.dockerfile, ignored))
            return missing(nearest("dockerfile"), "Dockerfile", image.dockerfile);
    }
    for (const ImageConfig& image : config.images) {
        for (const SyncEntry& entry : image.sync) {
            const fs::path source = image.context / entry.source;
            if (!is_there(source) && !is_made(source, config))
                return missing("images > " + image.name + " > sync", "file or folder", source);
        }
    }
    for (const StepConfig& step : config.steps) {
        if (!fs::is_directory(step.folder, ignored))
            return missing("steps > " + step.name + " > folder", "folder", step.folder);
    }
    for (const fs::path& manifest : config.manifests) {
        if (!is_there(manifest)) return missing("manifests", "file or folder", manifest);
    }
    for (const fs::path& file : config.helm_values) {
        if (!fs::is_regular_file(file, ignored)) return missing("helm_values", "file", file);
    }
    return {};
}

}  // namespace

Result<Config> load_config(const fs::path& file, std::span<const std::string> profiles) {
    std::error_code why;
    const fs::path path = fs::absolute(file, why);
    if (why) return fail_errno(printable(file.native()), why.value());
    auto text = read_file(path, kMaxConfigBytes);
    if (!text && text.error().code == Errc::not_found)
        return std::unexpected(std::move(text.error()).hint(kCreate));
    if (!text) return std::unexpected(std::move(text).error());
    TRY_ASSIGN(Config config, parse_config(*text, path, profiles));
    TRY(look_at(config));
    return config;
}

Result<fs::path> find_config(const fs::path& start) {
    std::error_code why;
    const fs::path first = fs::canonical(start, why);
    if (why) return fail_errno(printable(start.native()), why.value());
    for (fs::path folder = first;; folder = folder.parent_path()) {
        if (is_there(folder / kConfigName)) return folder / kConfigName;
        const bool top_of_git = is_there(folder / ".git");  // a folder, or a file in a worktree
        if (!top_of_git && folder != folder.root_path()) continue;
        std::string where = "no " + std::string(kConfigName) + " in " + printable(first.native());
        if (folder != first) where += " or the folders above it up to " + printable(folder.native());
        if (top_of_git) where += ", the top of the git repository";
        return fail(Errc::not_found, std::move(where), std::string(kCreate));
    }
}

}  // namespace synchost::host
