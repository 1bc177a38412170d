// The part of the engine that tells others, while it goes on, that something has changed.
#include "host/engine/engine.hpp"

namespace synchost::host {

boost::asio::awaitable<void> Engine::tell_state_changes() {
    while (!stop_) {
        parts_.on_state();
        co_await changed_.wait();
    }
}

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
