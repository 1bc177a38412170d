// Manifests and error answers: JSON that a registry holds.
#include <cstdint>

#include "registry-client/detail/answer.hpp"
#include "registry-client/manifest.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    using namespace synchost::registry;
    for (const std::string_view type : {kOciManifest, kOciArtifact}) {
        const auto parsed = parse_manifest(bytes, type);
        if (!parsed) continue;
        if (const auto* index = std::get_if<Index>(&*parsed))
            (void)choose_platform(*index, {"linux", "arm", "v7", "1"});
    }
    (void)detail::error_of_answer(400, bytes);
    return 0;
}
