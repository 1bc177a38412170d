#include "host/view/live_model.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace synchost::host {
namespace {

struct Tally {
    std::size_t containers = 0;
    std::size_t current = 0;
    std::size_t ended = 0;
    const ContainerStatus* held = nullptr;
    const ContainerStatus* failed = nullptr;
};

Tally tally_of(const Status& status, const std::string& image) {
    Tally out;
    for (const PodStatus& pod : status.pods) {
        for (const ContainerStatus& container : pod.containers) {
            if (container.image != image) continue;
            ++out.containers;
            if (container.current) ++out.current;
            if (container.state == "exited") ++out.ended;
            if (container.state == "held") out.held = &container;
            if (!container.last_error.empty()) out.failed = &container;
        }
    }
    return out;
}

LiveStage stage_of(const Status& status, const ImageStatus& image, const Tally& tally) {
    if (image.building) return LiveStage::building;
    if (image.build_failed || tally.failed != nullptr) return LiveStage::failed;
    if (tally.held != nullptr) return LiveStage::held;
    const bool all_current = tally.containers > 0 && tally.current == tally.containers;
    if (status.deploying && !all_current && !image.digest.empty()) return LiveStage::deploying;
    if (tally.containers == 0) return LiveStage::waiting;
    return tally.ended == tally.containers ? LiveStage::ended : LiveStage::running;
}

std::string_view first_line(std::string_view text) {
    return text.substr(0, text.find('\n'));
}

std::string last_of(const ImageStatus& image, const Tally& tally, LiveStage stage, const LastTold& told) {
    if (stage == LiveStage::held)
        return fmt::format("exit code {}; it starts again on the next save",
                           tally.held->exit_code.value_or(-1));
    if (stage == LiveStage::failed && tally.failed != nullptr)
        return std::string(first_line(tally.failed->last_error));
    const auto found = told.find(image.name);
    return found == told.end() ? std::string() : found->second;
}

}  // namespace

std::string in_short(std::string_view verb, std::string_view text) {
    text = first_line(text);
    if (verb == "failed") return std::string(text);
    // The names of files come first, and may hold anything.
    const bool is_serving = verb == "serving";
    const std::size_t result = verb == "synced" || is_serving ? text.rfind(" -> ") : 0;
    const std::size_t in = text.find(" in ", result);
    if ((verb == "synced" || verb == "built" || is_serving) && in != std::string_view::npos) {
        const std::string_view time = text.substr(in, text.find_first_of(",(", in) - in);
        std::string out = fmt::format("{}{}", verb, time.substr(0, time.find_last_not_of(' ') + 1));
        const std::size_t synced = text.rfind(" (synced in ");
        if (is_serving && synced != std::string_view::npos && synced > in) {
            const std::string_view before = text.substr(synced + 2);
            return fmt::format("{}, {}", before.substr(0, before.find_first_of(",)")), out);
        }
        const std::size_t restarted = text.rfind(", restarted in ");
        if (restarted != std::string_view::npos && restarted > in) out += text.substr(restarted);
        return out;
    }
    return fmt::format("{}: {}", verb, text);
}

LiveState live_state(const Status& status, const LastTold& told, const WorkOfImages& work,
                     BuildWork::Time now) {
    LiveState out{.project = status.project, .images = {}};
    for (const ImageStatus& image : status.images) {
        const Tally tally = tally_of(status, image.name);
        const LiveStage stage = stage_of(status, image, tally);
        LiveImage live{.name = image.name,
                       .stage = stage,
                       .current = tally.current,
                       .containers = tally.containers,
                       .generation = image.generation,
                       .last = last_of(image, tally, stage, told)};
        const auto found = work.find(image.name);
        if (image.building && found != work.end()) live.work = found->second.at(now);
        out.images.push_back(std::move(live));
    }
    return out;
}

}  // namespace synchost::host
