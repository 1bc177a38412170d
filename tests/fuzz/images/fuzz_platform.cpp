// Platforms and addresses of repositories: what is read is normal, and stays so when it is read again.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "images/config/platform.hpp"
#include "images/fetch/git_source.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace synchost::images;
    const std::string text(reinterpret_cast<const char*>(data), size);
    if (const auto platforms = parse_build_platforms({text})) {
        for (const auto& platform : *platforms) {
            const auto again = parse_build_platform(platform.to_string());
            if (!again || *again != platform) std::abort();
        }
    }
    if (const auto source = parse_git_source(text)) {
        if (source->ref.starts_with('-') || source->remote.starts_with('-')) std::abort();
        if (source->folder.starts_with('/') || source->folder.starts_with("../")) std::abort();
    }
    return 0;
}
