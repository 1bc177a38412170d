// The part of the engine that tells others what its builds are busy with.
#include <fmt/format.h>

#include "base/timestamp.hpp"
#include "host/engine/engine.hpp"

namespace synchost::host {

void Engine::observe_build(const Service& service, std::uint64_t build, images::BuildTools& tools) {
    if (parts_.on_build_line) parts_.on_build_line(service.name, {});  // it begins
    tools.progress = [this, image = service.name,
                      pod = fmt::format("build {}", build)](const std::string& line) {
        log_intake_.take_build_line(image, pod, line, now_ns());
        if (parts_.on_build_line) parts_.on_build_line(image, line);
    };
    if (parts_.on_blob) {
        tools.transfer_progress = [before = std::move(tools.transfer_progress), told = parts_.on_blob,
                                   image = service.name](const registry::BlobEvent& event) {
            before(event);
            told(image, event);
        };
    }
}

}  // namespace synchost::host
