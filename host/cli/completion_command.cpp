// `synchost completion`, and the question that its scripts ask at each TAB.
#include <cstdio>
#include <cstdlib>
#include <optional>

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

// Of the folder where the shell is; what it names need not be there.
std::optional<Config> config_here() {
    const auto file = find_config(".");
    if (!file) return std::nullopt;
    const auto text = read_file(*file, kMaxConfigBytes);
    if (!text) return std::nullopt;
    auto config = parse_config(*text, *file);
    return config ? std::optional(*std::move(config)) : std::nullopt;
}

std::vector<std::string> words_of(std::string_view kind) {
    if (kind == "CONTEXT") return contexts();
    const auto config = config_here();
    if (!config) return {};
    if (kind == "PROFILE") return config->profiles;
    std::vector<std::string> names;
    for (const ImageConfig& image : config->images) names.push_back(image.name);
    return names;
}

}  // namespace

int print_candidates(const CommandSpec& root, const std::vector<std::string>& words) {
    const auto found = complete(root, words, words_of);
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
