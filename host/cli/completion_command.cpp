// `synchost completion`, and the question that its scripts ask at each TAB.
#include <cstdio>
#include <cstdlib>

#include "base/file.hpp"
#include "host/cli/commands.hpp"
#include "host/cli/complete.hpp"
#include "host/plan/config.hpp"
#include "k8s/kubeconfig/kubeconfig.hpp"

namespace synchost::host {
namespace {

std::vector<std::string> contexts() {
    const auto kubeconfig =
        k8s::Kubeconfig::load(k8s::Kubeconfig::default_files(std::getenv("KUBECONFIG"), std::getenv("HOME")));
    return kubeconfig ? kubeconfig->context_names() : std::vector<std::string>();
}

std::vector<std::string> images() {
    std::vector<std::string> names;
    const auto file = find_config(".");
    if (!file) return names;
    const auto text = read_file(*file, kMaxConfigBytes);
    if (!text) return names;
    const auto config = parse_config(*text, *file);
    if (!config) return names;
    for (const ImageConfig& image : config->images) names.push_back(image.name);
    return names;
}

}  // namespace

int print_candidates(const CommandSpec& root, const std::vector<std::string>& words) {
    const auto found =
        complete(root, words, [](std::string_view kind) { return kind == "IMAGE" ? images() : contexts(); });
    std::fputs(format_candidates(found).c_str(), stdout);
    return 0;
}

Result<> run_completion(const CompletionFlags& flags) {
    const std::string_view script = completion_script(flags.shell);
    if (script.empty()) return fail(Errc::invalid_input, "no completion for the shell " + flags.shell);
    std::fwrite(script.data(), 1, script.size(), stdout);
    return {};
}

}  // namespace synchost::host
