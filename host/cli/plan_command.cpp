// `synchost plan` and `synchost explain`: what a save would do, and why. No image is built, no network asked.
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/rel_path.hpp"
#include "host/cli/commands.hpp"
#include "host/cli/project_parts.hpp"
#include "host/engine/kept_image.hpp"
#include "host/engine/workshop.hpp"
#include "host/plan/explain.hpp"
#include "host/steps/step_graph.hpp"

namespace synchost::host {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::size_t kMaxFiles = 1'000'000;
constexpr std::size_t kPathColumn = 36;

// What an image's saves are told by.
struct ImagePlan {
    const ImageConfig* image = nullptr;
    std::unique_ptr<DecisionRules> rules;
    std::unique_ptr<Explainer> explainer;
};

// A step that has not run yet is why a COPY finds nothing.
Error with_missing_outputs(Error error, const Config& config) {
    for (const StepConfig& step : config.steps) {
        for (const RelPath& output : step.outputs) {
            std::error_code ignored;
            if (fs::exists(fs::symlink_status(config.file.parent_path() / output.str(), ignored))) continue;
            error.next_step = "Step " + step.name + " makes " + printable(output.str()) +
                              ", and has not run yet: `synchost watch` runs it.";
            return error;
        }
    }
    return error;
}

Result<ImagePlan> plan_of(const ImageConfig& image, const ProjectParts& project) {
    images::BuildRequest request = build_request(image);
    // What base images set (WORKDIR, ONBUILD), as a running watch knows it.
    if (auto kept = KeptImage::load(kept_image_file(project.folders.state, image.name)))
        request.base_configs = std::move(kept->base_configs);
    auto traced = images::trace(request);
    if (!traced) return std::unexpected(with_missing_outputs(std::move(traced.error()), project.config));
    images::Trace trace = *std::move(traced);
    ImagePlan out{.image = &image, .rules = nullptr, .explainer = nullptr};
    TRY_ASSIGN(DecisionRules rules, decision_rules(image));
    out.rules = std::make_unique<DecisionRules>(std::move(rules));
    out.rules->baked = trace.baked;
    out.explainer = std::make_unique<Explainer>(
        std::move(trace), *out.rules, image.after,
        image.from.empty() ? printable(image.dockerfile.filename().native()) : "");
    return out;
}

// Files below context/folder, sorted; a folder that the ignore file hides with all below is one entry with a
// '/' at its end.
Result<std::vector<std::string>> files_below(const ImagePlan& plan, const std::string& folder) {
    std::vector<std::string> out;
    std::vector<std::string> todo = {folder};
    while (!todo.empty()) {
        const std::string at = std::move(todo.back());
        todo.pop_back();
        std::error_code error;
        for (fs::directory_iterator entry(plan.image->context / at, error), end; !error && entry != end;
             entry.increment(error)) {
            std::string path = (at.empty() ? "" : at + "/") + entry->path().filename().native();
            struct stat info{};
            if (::lstat(entry->path().c_str(), &info) != 0) continue;  // gone meanwhile
            if (!S_ISDIR(info.st_mode)) {
                out.push_back(std::move(path));
            } else if (plan.rules->ignore.excluded(path) && !plan.rules->ignore.may_include_below(path)) {
                out.push_back(path + "/");
            } else {
                todo.push_back(std::move(path));
            }
            if (out.size() > kMaxFiles)
                return fail(Errc::unsupported, "more than a million files in the build context",
                            "Hide what no image needs by a .dockerignore.");
        }
        if (error) return fail_errno(printable((plan.image->context / at).native()), error.value());
    }
    std::ranges::sort(out);
    return out;
}

Result<std::vector<Explained>> explain_below(const ImagePlan& plan, const std::string& folder) {
    TRY_ASSIGN(const std::vector<std::string> files, files_below(plan, folder));
    std::vector<Explained> out;
    out.reserve(files.size());
    for (const std::string& file : files) {
        if (!file.ends_with('/')) {
            out.push_back(plan.explainer->explain(file));
            continue;
        }
        out.push_back(plan.explainer->explain(file.substr(0, file.size() - 1)));
        out.back().path = file;
    }
    return out;
}

std::string title_of(const ImageConfig& image) {
    if (!image.from.empty()) return printable(image.name) + " (from " + printable(image.from) + ")";
    const std::string target = image.target.empty() ? "" : ", target " + image.target;
    return printable(image.name) + " (" + printable(image.dockerfile.filename().native()) + target + ")";
}

std::string counted_files(const PlanLine& line) {
    if (!line.path.ends_with('/') || line.files == 1) return {};
    return fmt::format("{} files: ", line.files);
}

Json json_of(const Explained& file) {
    Json targets = Json::array();
    for (const SyncTarget& target : file.targets)
        targets.push_back({{"path", printable(target.image_path)}, {"line", target.line}});
    Json out = {{"path", printable(file.path)},
                {"action", to_string(file.action)},
                {"reason", file.reason},
                {"targets", std::move(targets)}};
    if (!file.after.empty()) out["after"] = file.after;
    return out;
}

void print_lines(const std::vector<PlanLine>& lines, std::string_view indent) {
    for (const PlanLine& line : lines) {
        fmt::print("{}{:<7}  {:<{}}  {}{}\n", indent, to_string(line.action), printable(line.path),
                   kPathColumn, counted_files(line), line.reason);
    }
}

// The path below the context, nothing where it is not below.
std::optional<std::string> below(const fs::path& context, const fs::path& file) {
    const fs::path relative = file.lexically_relative(context);
    if (relative.empty() || *relative.begin() == "..") return std::nullopt;
    std::string out = relative.native();
    if (out == ".") return std::string();
    if (out.ends_with('/')) out.pop_back();
    return out;
}

// Absolute and normal, with its folder's symlinks followed: the file itself need not be there.
fs::path place_of(const std::string& file) {
    std::error_code ignored;
    fs::path out = fs::absolute(file, ignored).lexically_normal();
    if (!out.has_filename()) out = out.parent_path();
    return fs::weakly_canonical(out.parent_path(), ignored) / out.filename();
}

Result<Json> explain_in(const ImagePlan& plan, const std::string& path, bool json) {
    std::error_code ignored;
    if (fs::is_directory(fs::symlink_status(plan.image->context / path, ignored))) {
        TRY_ASSIGN(const auto files, explain_below(plan, path));
        if (!json) {
            fmt::print("  {}:\n", printable(plan.image->name));
            print_lines(summarize(files), "    ");
        }
        Json list = Json::array();
        for (const Explained& file : files) list.push_back(json_of(file));
        return Json{{"image", printable(plan.image->name)}, {"files", std::move(list)}};
    }
    const Explained file = plan.explainer->explain(path);
    if (!json) {
        fmt::print("  {}: {}, because {}\n", printable(plan.image->name), to_string(file.action),
                   file.reason);
        if (file.action == Action::sync) fmt::print("    in the container then: {}\n", file.after);
    }
    return Json{{"image", printable(plan.image->name)}, {"files", Json::array({json_of(file)})}};
}

std::string words_of(const std::vector<RelPath>& outputs) {
    std::vector<std::string> out;
    for (const RelPath& output : outputs) out.push_back(printable(output.str()));
    return fmt::format("{}", fmt::join(out, ", "));
}

// What the steps of this machine make of a save, whatever the images do with the file itself.
Json explain_steps(const Config& config, const fs::path& place, bool json) {
    Json out = Json::array();
    std::error_code ignored;
    const auto path = below(fs::weakly_canonical(config.file.parent_path(), ignored), place);
    if (!path) return out;
    for (const StepConfig& step : config.steps) {
        const bool reads = is_input(step, *path) && !is_output(step, *path);
        if (!reads && !is_output(step, *path)) continue;
        Json outputs = Json::array();
        for (const RelPath& output : step.outputs) outputs.push_back(printable(output.str()));
        out.push_back(
            {{"step", step.name}, {"action", reads ? "runs" : "makes"}, {"outputs", std::move(outputs)}});
        if (json) continue;
        const std::string makes = step.outputs.empty() ? "" : ", and makes " + words_of(step.outputs);
        fmt::print("  step {}: {}\n", step.name,
                   reads ? "runs" + makes : "makes it, and writes it anew when it runs");
    }
    return out;
}

}  // namespace

Result<> run_plan(const PlanFlags& flags) {
    TRY_ASSIGN(const ProjectParts project, open_project(flags.folder, flags.profiles));
    Json images = Json::array();
    bool found = false;
    for (const ImageConfig& image : project.config.images) {
        if (!flags.image.empty() && image.name != flags.image) continue;
        TRY_ASSIGN(const ImagePlan plan, plan_of(image, project));
        TRY_ASSIGN(const auto files, explain_below(plan, {}));
        if (flags.json) {
            Json list = Json::array();
            for (const Explained& file : files) list.push_back(json_of(file));
            images.push_back({{"image", printable(image.name)}, {"files", std::move(list)}});
        } else {
            fmt::print("{}{}\n", std::exchange(found, true) ? "\n" : "", title_of(image));
            print_lines(summarize(files), "  ");
        }
        found = true;
    }
    if (!found) {
        std::vector<std::string> names;
        for (const ImageConfig& image : project.config.images) names.push_back(printable(image.name));
        return fail(Errc::not_found, "synchost.yaml has no image " + printable(flags.image),
                    fmt::format("It has: {}", fmt::join(names, ", ")));
    }
    if (flags.json) fmt::print("{}\n", Json{{"images", std::move(images)}}.dump());
    return {};
}

Result<> run_explain(const ExplainFlags& flags) {
    TRY_ASSIGN(const ProjectParts project, open_project(flags.folder, flags.profiles));
    std::vector<ImagePlan> plans;
    for (const ImageConfig& image : project.config.images) {
        TRY_ASSIGN(plans.emplace_back(), plan_of(image, project));
    }
    Json files = Json::array();
    for (const std::string& file : flags.files) {
        const fs::path place = place_of(file);
        std::error_code ignored;
        const bool is_there = fs::exists(fs::symlink_status(place, ignored));
        if (!flags.json)
            fmt::print("{}{}\n", printable(file), is_there ? "" : " (there is no such file now)");
        Json steps = explain_steps(project.config, place, flags.json);
        Json answers = Json::array();
        for (const ImagePlan& plan : plans) {
            const auto path = below(fs::weakly_canonical(plan.image->context, ignored), place);
            if (!path) continue;
            TRY_ASSIGN(Json answer, explain_in(plan, *path, flags.json));
            answers.push_back(std::move(answer));
        }
        if (answers.empty() && !flags.json) fmt::print("  ignore, because it lies in no build context\n");
        files.push_back({{"path", printable(file)},
                         {"exists", is_there},
                         {"steps", std::move(steps)},
                         {"images", std::move(answers)}});
    }
    if (flags.json) fmt::print("{}\n", Json{{"files", std::move(files)}}.dump());
    return {};
}

}  // namespace synchost::host
