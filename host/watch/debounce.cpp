#include "host/watch/debounce.hpp"

#include <algorithm>
#include <utility>

namespace synchost::host {

void Debounce::see(Time now) {
    if (!std::exchange(any_, true)) first_ = now;
    last_ = now;
}

void Debounce::set(State& state, bool open, bool unsure) {
    if (std::exchange(state.open, open)) --open_;
    if (open) ++open_;
    if (std::exchange(state.unsure, unsure)) --unsure_;
    if (unsure) ++unsure_;
}

void Debounce::touch(PathEvent path, Touch touch, Time now) {
    see(now);
    if (rescan_) return;
    const auto [place, fresh] = paths_.try_emplace(std::move(path));
    State& state = place->second;
    const bool appears = touch == Touch::created || touch == Touch::arrived || touch == Touch::all_arrived;
    if (fresh) state.born = appears;
    if (touch == Touch::all_arrived) state.with_all_below = true;
    switch (touch) {
        case Touch::created:
        case Touch::written:
            set(state, true, false);
            break;
        case Touch::closed:
        case Touch::arrived:
        case Touch::all_arrived:
            set(state, false, false);
            break;
        case Touch::attributes:
            break;
        case Touch::removed:
            set(state, false, !state.born);
            break;
        case Touch::found:
            if (!state.open) set(state, false, true);
            break;
    }
    if (paths_.size() > times_.max_paths) lose(now);
}

void Debounce::lose(Time now) {
    see(now);
    rescan_ = true;
    paths_.clear();
    open_ = unsure_ = 0;
}

void Debounce::add_unwatched(Error error, Time now) {
    see(now);
    constexpr std::size_t kMost = 100;
    if (unwatched_.size() < kMost) unwatched_.push_back(std::move(error));
}

std::chrono::microseconds Debounce::quiet() const {
    if (open_ > 0) return times_.open;
    if (unsure_ > 0 || rescan_) return times_.unsure;
    const auto grown = times_.settled_per_path * static_cast<std::int64_t>(paths_.size());
    return std::clamp(grown, times_.settled, std::max(times_.settled, times_.unsure));
}

std::optional<Debounce::Time> Debounce::due(Outlook outlook) const {
    if (!any_) return std::nullopt;
    if (outlook == Outlook::more_comes) {
        return std::min(last_ + std::max(times_.known, quiet()), first_ + times_.longest_known);
    }
    return std::min(last_ + quiet(), first_ + times_.longest);
}

Batch Debounce::take() {
    Batch batch;
    batch.paths.reserve(paths_.size());
    while (!paths_.empty()) {
        auto node = paths_.extract(paths_.begin());
        if (node.mapped().with_all_below) batch.arrived.push_back(node.key());
        batch.paths.push_back(std::move(node.key()));
    }
    batch.rescan = std::exchange(rescan_, false);
    batch.first_event = first_;
    batch.last_event = last_;
    batch.unwatched = std::exchange(unwatched_, {});
    any_ = false;
    open_ = unsure_ = 0;
    return batch;
}

}  // namespace synchost::host
