// The part of the engine that tells others what its builds are busy with.
#include "host/engine/engine.hpp"

namespace synchost::host {

void Engine::observe_build(const Service& service, images::BuildTools& tools) const {
    if (parts_.on_build_line) {
        parts_.on_build_line(service.name, {});  // it begins
        tools.progress = [told = parts_.on_build_line, image = service.name](const std::string& line) {
            told(image, line);
        };
    }
    if (parts_.on_blob) {
        tools.transfer_progress = [before = std::move(tools.transfer_progress), told = parts_.on_blob,
                                   image = service.name](const registry::BlobEvent& event) {
            before(event);
            told(image, event);
        };
    }
}

}  // namespace synchost::host
