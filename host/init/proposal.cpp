#include "host/init/proposal.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

#include "base/rel_path.hpp"
#include "host/plan/config.hpp"
#include "k8s/yaml_scalar.hpp"

namespace synchost::host {
namespace {

namespace fs = std::filesystem;

// As a value that may stand in a list in brackets too; where it is quoted, with the escapes of JSON, which
// are YAML's.
std::string in_quotes(const std::string& text) {
    const bool plain = k8s::is_safe_plain(text) && text.find_first_of(",[]{}:#") == std::string::npos;
    if (plain) return text;
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string folder_of(const std::string& path) {
    const std::string folder = fs::path(path).parent_path().generic_string();
    return folder.empty() ? "." : folder;
}

// Whether "todo-api" can mean what is called "api".
bool resembles(std::string_view image, std::string_view name) {
    const std::string_view last = image.substr(image.rfind('/') + 1);
    if (name.empty()) return false;
    if (last == name) return true;
    const auto at_edge = [&](char c) { return c == '-' || c == '_'; };
    if (last.size() <= name.size()) return false;
    return (last.ends_with(name) && at_edge(last[last.size() - name.size() - 1])) ||
           (last.starts_with(name) && at_edge(last[name.size()]));
}

bool is_image_name(const std::string& name) {
    return parse_config("images: {\"" + printable(name) + "\": }\nmanifests: [k8s]\n", "/p/synchost.yaml")
        .has_value();
}

CarriedImage image_of(const std::string& image, const FoundDockerfile& file, const std::string& target) {
    return {image, folder_of(file.path), fs::path(file.path).filename().native(), target, {}, {}};
}

std::optional<CarriedImage> choose(const std::string& image, const FolderSurvey& survey) {
    for (const FoundDockerfile& file : survey.dockerfiles) {
        for (const std::string& stage : file.stages)
            if (resembles(image, stage)) return image_of(image, file, stage);
    }
    for (const FoundDockerfile& file : survey.dockerfiles) {
        const std::string folder = fs::path(folder_of(file.path)).filename().native();
        const std::string ending = fs::path(file.path).extension().native();  // Dockerfile.api
        if (folder != "." && resembles(image, folder)) return image_of(image, file, {});
        if (ending.size() > 1 && resembles(image, ending.substr(1))) return image_of(image, file, {});
    }
    return std::nullopt;
}

std::vector<CarriedImage> choose_images(const FolderSurvey& survey, const std::string& name) {
    std::vector<CarriedImage> out;
    std::vector<std::string> left;
    for (const std::string& image : survey.images) {
        if (!is_image_name(image)) continue;
        if (auto choice = choose(image, survey))
            out.push_back(*std::move(choice));
        else
            left.push_back(image);
    }
    if (!out.empty()) return out;
    // Nothing resembles anything: one Dockerfile and one image belong together, else the project's name does.
    const std::string image = left.size() == 1 ? left[0] : name;
    return {image_of(image, survey.dockerfiles[0], {})};
}

std::string list_of(const std::vector<std::string>& items) {
    std::string out = "[";
    for (const std::string& item : items) out += (out.size() == 1 ? "" : ", ") + in_quotes(item);
    return out + "]";
}

std::string image_text(const CarriedImage& image) {
    std::string text = "  " + in_quotes(image.name) + ":\n    context: " + in_quotes(image.context) + "\n";
    if (image.dockerfile != "Dockerfile") text += "    dockerfile: " + in_quotes(image.dockerfile) + "\n";
    if (!image.target.empty()) text += "    target: " + in_quotes(image.target) + "\n";
    std::string args;
    for (const auto& [name, value] : image.args)
        args += (args.empty() ? "" : ", ") + in_quotes(name) + ": " + nlohmann::json(value).dump();
    if (!args.empty()) text += "    args: {" + args + "}\n";
    if (!image.rebuild.empty()) text += "    rebuild: " + list_of(image.rebuild) + "\n";
    return text;
}

bool can_be_written(const CarriedImage& image) {
    const std::string text = "images:\n" + image_text(image) + "manifests: [k8s]\n";
    return parse_config(text, "/p/synchost.yaml").has_value();
}

// Those of another tool's file where it names any; what cannot stand in a synchost.yaml is noted.
std::vector<CarriedImage> images_of(const FolderSurvey& survey, const Carried& carried,
                                    const std::string& name, std::vector<std::string>& notes) {
    std::vector<CarriedImage> out;
    for (CarriedImage image : carried.images) {
        image.name = image_without_tag(image.name);
        const bool twice = std::ranges::find(out, image.name, &CarriedImage::name) != out.end();
        if (!twice && can_be_written(image))
            out.push_back(std::move(image));
        else
            notes.push_back("image " + image.name +
                            (twice ? ": named twice" : ": synchost.yaml cannot hold it"));
    }
    return out.empty() && !survey.dockerfiles.empty() ? choose_images(survey, name) : out;
}

// The ports by workload: "Deployment/api" to "8080:9000". The kind is that of the one workload of the name.
std::map<std::string, std::vector<std::string>> ports_of(const FolderSurvey& survey, const Carried& carried,
                                                         std::vector<std::string>& notes) {
    std::map<std::string, std::vector<std::string>> out;
    for (const CarriedPort& port : carried.ports) {
        std::string workload = port.workload;
        for (const std::string& found : survey.workloads)
            if (!workload.contains('/') && found.ends_with("/" + workload)) workload = found;
        const std::string text = port.port + (port.local.empty() ? "" : ":" + port.local);
        const std::string config =
            "images: {a: }\nmanifests: [k8s]\nservices: {a: {workload: " + in_quotes(workload) +
            ", ports: " + list_of({text}) + "}}\n";
        if (parse_config(config, "/p/synchost.yaml"))
            out[workload].push_back(text);
        else
            notes.push_back("port " + workload + ":" + text + ": no Kind/name:port");
    }
    return out;
}

std::string services_text(const std::map<std::string, std::vector<std::string>>& ports) {
    if (ports.empty()) return {};
    std::string text =
        "\n# What holds for single workloads. ports: those of pods that lead to this machine.\nservices:\n";
    std::set<std::string> taken;
    for (const auto& [workload, numbers] : ports) {
        std::string name = make_dns_label(workload.substr(workload.find('/') + 1));
        if (!taken.insert(name).second) name = make_dns_label(workload);
        taken.insert(name);
        text += "  " + in_quotes(name) + ": {workload: " + in_quotes(workload) +
                ", ports: " + list_of(numbers) + "}\n";
    }
    return text;
}

// An overlay for development, else one that is no base, else the first.
std::string choose_kustomization(const std::vector<std::string>& folders) {
    for (const char* word : {"dev", "development", "local"}) {
        for (const std::string& folder : folders)
            if (fs::path(folder).filename() == word) return folder;
    }
    const auto no_base = [](const std::string& folder) { return fs::path(folder).filename() != "base"; };
    const auto found = std::ranges::find_if(folders, no_base);
    return found == folders.end() ? folders[0] : *found;
}

std::string comments(std::string_view title, const std::vector<std::string>& lines) {
    if (lines.empty()) return {};
    std::string out = "\n# " + std::string(title) + "\n";
    for (const std::string& line : lines) out += "#   " + printable(line) + "\n";
    return out;
}

std::string manifests_text(const FolderSurvey& survey, const std::vector<std::string>& carried) {
    const std::string before =
        "\n# Applied with the agent in their pods: files, folders, kustomizations, charts.\nmanifests: ";
    if (!carried.empty()) return before + list_of(carried) + "\n";
    std::vector<std::string> chosen = survey.manifest_folders;
    std::vector<std::string> others;
    if (!survey.kustomizations.empty()) {
        const std::string one = choose_kustomization(survey.kustomizations);
        for (const std::string& folder : survey.kustomizations)
            if (folder != one) others.push_back(folder);
        chosen.push_back(one);
    }
    chosen.insert(chosen.end(), survey.charts.begin(), survey.charts.end());
    return before + list_of(chosen) + "\n" +
           comments("Other kustomizations here, in place of that one:", others);
}

std::string cluster_text(const Carried& carried, const std::string& name) {
    const std::string why = "\n# A cluster that is not a local one is used only where it is named:\n";
    if (!carried.contexts.empty()) return why + "cluster: {contexts: " + list_of(carried.contexts) + "}\n";
    return why + "#cluster: {contexts: [team-dev], namespace: " + name + "}\n";
}

Result<> check_enough(const FolderSurvey& survey, const Carried& carried, const std::string& name) {
    if (survey.dockerfiles.empty() && carried.images.empty()) {
        return fail(Errc::not_found, "there is no Dockerfile here or in the folders below",
                    "synchost builds images from Dockerfiles: write one, then run synchost init again");
    }
    if (survey.manifest_folders.empty() && survey.kustomizations.empty() && survey.charts.empty() &&
        carried.manifests.empty()) {
        return fail(Errc::not_found, "there are no Kubernetes manifests here or in the folders below",
                    "To begin with: kubectl create deployment " + name + " --image=" + name +
                        " --dry-run=client -o yaml > k8s/app.yaml");
    }
    return {};
}

}  // namespace

Result<std::string> propose_config(const FolderSurvey& survey, const Carried& carried,
                                   const std::string& project) {
    const std::string name = make_dns_label(project);
    TRY(check_enough(survey, carried, name));
    std::vector<std::string> notes = carried.notes;
    std::string text =
        "# Written by `synchost init`; `synchost watch` reads it. All keys: synchost config schema.\nname: " +
        in_quotes(name) + "\n\n# The images to build, by the names that the manifests use.\nimages:\n";
    std::vector<std::string> elsewhere = survey.images;
    const auto images = images_of(survey, carried, name, notes);
    if (images.empty())
        return fail(Errc::not_found, "no image of the other tool's file can be built by synchost");
    for (const CarriedImage& image : images) {
        text += image_text(image);
        std::erase(elsewhere, image.name);
    }
    text += comments("Used as they are, for no Dockerfile here resembles their names:", elsewhere);
    text += manifests_text(survey, carried.manifests);
    text += services_text(ports_of(survey, carried, notes));
    text += comments("Could not be carried over:", notes);
    text += comments("Not read; carry over by hand what is missing above:", survey.other_tools);
    text += comments("Could not be read:", survey.notes);
    text +=
        "\n# What happens in a container after a save, by image: restart (the default), nothing, a signal, a "
        "command:\n#   after: [{paths: [\"templates/**\"], do: nothing}]\n";
    text += cluster_text(carried, name);
    const auto config = parse_config(text, "/p/synchost.yaml");
    if (!config) return std::unexpected(Error(config.error()).context("what was found cannot be written"));
    return text;
}

}  // namespace synchost::host
