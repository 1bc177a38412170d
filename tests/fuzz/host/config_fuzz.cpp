// synchost.yaml: whatever its bytes are, there is a config whose paths are absolute, or an error that names
// the file.
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

#include "host/plan/config.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto config = synchost::host::parse_config(text, "/p/synchost.yaml");
    if (!config) {
        if (!config.error().message.starts_with("synchost.yaml:")) std::abort();
        return 0;
    }
    // Each profile was checked with the file: chosen alone it is read.
    for (const std::string& profile : config->profiles) {
        if (!synchost::host::parse_config(text, "/p/synchost.yaml", std::span(&profile, 1))) std::abort();
    }
    if (config->images.empty() || config->manifests.empty() || config->name.empty()) std::abort();
    for (const auto& image : config->images) {
        if (!image.context.is_absolute() || !image.dockerfile.is_absolute()) std::abort();
        (void)image.rebuild.matches("api/requirements.txt");
        (void)image.rebuild.matches(text.substr(0, 256));
        const auto steps = synchost::host::plan_after(image.after, {"api/app.py", "nginx.conf", "a"});
        if (steps.size() > synchost::host::kMaxAfterRules + 1) std::abort();
    }
    return 0;
}
