#include "host/init/survey.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>
#include <system_error>

#include "base/file.hpp"
#include "base/rel_path.hpp"
#include "images/dockerfile/parser.hpp"
#include "k8s/manifest.hpp"
#include "k8s/render.hpp"

namespace synchost::host {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxManifestBytes = std::size_t{1} << 20;
constexpr std::size_t kMostNotes = 20;
constexpr std::array<std::string_view, 7> kNotOurs{"node_modules", "vendor",      "target", "build",
                                                   "dist",         "__pycache__", "venv"};
constexpr std::array<std::string_view, 6> kOtherTools{
    "docker-compose.yml", "docker-compose.yaml", "compose.yaml", "compose.yml", "Tiltfile", "skaffold.yaml"};

bool is_dockerfile(std::string_view name) {
    return name == "Dockerfile" || name == "Containerfile" || name.starts_with("Dockerfile.") ||
           name.ends_with(".Dockerfile");
}

class Surveyor {
  public:
    explicit Surveyor(fs::path root) : root_(std::move(root)) {}

    Survey run() {
        walk(root_, 0, false);
        out_.images.assign(images_.begin(), images_.end());
        return std::move(out_);
    }

  private:
    [[nodiscard]] std::string relative(const fs::path& path) const {
        const std::string text = path.lexically_relative(root_).generic_string();
        return text.empty() ? "." : text;
    }

    void note(const std::string& text) {
        if (out_.notes.size() < kMostNotes) out_.notes.push_back(printable(text));
    }

    // `rendered`: a kustomization or a chart lies here or above.
    void walk(const fs::path& folder, int depth, bool rendered) {
        std::error_code why;
        std::vector<fs::directory_entry> entries;
        for (fs::directory_iterator at(folder, why), end; !why && at != end; at.increment(why)) {
            if (++seen_ > kMaxSurveyEntries) {
                if (seen_ == kMaxSurveyEntries + 1) note("more than 20000 files: the rest was not looked at");
                return;
            }
            entries.push_back(*at);
        }
        if (why) return note(relative(folder) + ": " + why.message());
        // A newline in a name, or bytes that are no text, cannot be written into the file.
        const auto strange = [](const fs::directory_entry& entry) {
            const std::string name = entry.path().filename().native();
            return printable(name) != name;
        };
        std::erase_if(entries, strange);
        std::ranges::sort(entries, {}, [](const fs::directory_entry& entry) { return entry.path(); });
        const k8s::Renderer renderer = k8s::renderer_of(folder);
        if (renderer == k8s::Renderer::helm) {
            // Templates are no YAML: what is in them is for helm to say.
            if (!rendered) out_.charts.push_back(relative(folder));
            return;
        }
        if (renderer == k8s::Renderer::kustomize) {
            out_.kustomizations.push_back(relative(folder));
            rendered = true;
        }
        bool manifests = false;
        for (const fs::directory_entry& entry : entries) {
            if (entry.is_regular_file(why) && !entry.is_symlink(why)) manifests |= look_at_file(entry.path());
        }
        if (manifests && !rendered) out_.manifest_folders.push_back(relative(folder));
        for (const fs::directory_entry& entry : entries) {
            const std::string name = entry.path().filename().native();
            if (entry.is_symlink(why) || !entry.is_directory(why) || name.starts_with('.')) continue;
            if (depth < kMaxSurveyDepth && std::ranges::find(kNotOurs, name) == kNotOurs.end())
                walk(entry.path(), depth + 1, rendered);
        }
    }

    // Whether it holds manifests.
    bool look_at_file(const fs::path& file) {
        const std::string name = file.filename().native();
        if (std::ranges::find(kOtherTools, name) != kOtherTools.end()) {
            out_.other_tools.push_back(relative(file));
        } else if (is_dockerfile(name)) {
            look_at_dockerfile(file);
        } else if (k8s::is_manifest_name(file) && name != "synchost.yaml" &&
                   !name.starts_with("kustomization.")) {
            return look_at_manifests(file);
        }
        return false;
    }

    void look_at_dockerfile(const fs::path& file) {
        const auto text = read_file(file, images::kMaxDockerfileBytes);
        if (!text) return note(text.error().message);
        const auto parsed = images::parse_dockerfile(*text, relative(file));
        if (!parsed) return note(parsed.error().message);
        FoundDockerfile found{relative(file), {}};
        for (const images::Instruction& instruction : parsed->instructions) {
            const auto& args = instruction.args;
            if (instruction.name == "FROM") found.stages.push_back(args.size() == 3 ? args[2] : "");
        }
        if (found.stages.empty()) return note(found.path + ": has no FROM");
        out_.dockerfiles.push_back(std::move(found));
    }

    bool look_at_manifests(const fs::path& file) {
        const auto text = read_file(file, kMaxManifestBytes);
        // Most YAML files of a project are no manifests, and nothing to be told of.
        if (!text || !text->contains("apiVersion") || !text->contains("kind")) return false;
        const auto manifests = k8s::parse_manifests(*text, relative(file));
        if (!manifests) {
            note("no manifests: " + manifests.error().message);
            return false;
        }
        for (const k8s::Manifest& manifest : *manifests) {
            const k8s::Json* spec = k8s::pod_spec(manifest);
            if (spec == nullptr) continue;
            out_.workloads.push_back(manifest.object["kind"].get<std::string>() + "/" +
                                     manifest.object["metadata"]["name"].get<std::string>());
            for (const char* list : {"containers", "initContainers"}) take_images(*spec, list);
        }
        return !manifests->empty();
    }

    void take_images(const k8s::Json& spec, const char* list) {
        const auto containers = spec.find(list);
        if (containers == spec.end() || !containers->is_array()) return;
        for (const k8s::Json& container : *containers) {
            if (!container.is_object() || !container.contains("image")) continue;
            const k8s::Json& image = container["image"];
            if (image.is_string()) images_.insert(image_without_tag(image.get<std::string>()));
        }
    }

    fs::path root_;
    Survey out_;
    std::set<std::string> images_;
    std::size_t seen_ = 0;
};

}  // namespace

std::string image_without_tag(std::string_view image) {
    image = image.substr(0, image.find('@'));
    const std::size_t colon = image.rfind(':');
    const std::size_t slash = image.rfind('/');
    if (colon != std::string_view::npos && (slash == std::string_view::npos || colon > slash))
        image = image.substr(0, colon);
    return std::string(image);
}

Result<Survey> survey_folder(const fs::path& folder) {
    std::error_code why;
    const fs::path root = fs::canonical(folder, why);
    if (why) return fail_errno(printable(folder.native()), why.value());
    if (!fs::is_directory(root, why))
        return fail(Errc::not_found, printable(folder.native()) + ": is no folder");
    return Surveyor(root).run();
}

}  // namespace synchost::host
