// The part of the engine that notes what becomes of saves and of builds, for whoever asks why.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/rel_path.hpp"
#include "base/timestamp.hpp"
#include "host/engine/engine.hpp"

namespace synchost::host {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::milliseconds;

microseconds us(Clock::duration time) {
    return std::max(duration_cast<microseconds>(time), microseconds(0));
}

std::vector<std::string> first_of(const std::vector<std::string>& all) {
    return {all.begin(), all.begin() + static_cast<std::ptrdiff_t>(std::min(all.size(), kMaxChangePaths))};
}

// What a person waits for.
std::string_view word_of(const std::vector<AfterApply>& steps) {
    const auto has = [&](AfterKind kind) {
        return std::ranges::find(steps, kind, &AfterApply::kind) != steps.end();
    };
    if (has(AfterKind::restart)) return "restart";
    if (has(AfterKind::command)) return "command";
    return has(AfterKind::signal) ? "signal" : "nothing";
}

std::vector<BuildStepRecord> steps_of(const std::vector<images::ExplainedStep>& steps) {
    std::vector<BuildStepRecord> out;
    for (const images::ExplainedStep& step : steps) {
        if (out.size() == kMaxBuildSteps) break;
        BuildStepRecord& one =
            out.emplace_back(BuildStepRecord{.line = step.line,
                                             .text = printable(step.instruction),
                                             .stage = printable(step.stage),
                                             .cached = step.is_cached,
                                             .time = duration_cast<milliseconds>(microseconds(step.time_us)),
                                             .why = {}});
        for (const images::Reason& reason : step.reasons) {
            if (one.why.size() == kMaxStepReasons) break;
            one.why.push_back(images::sentence_of(reason));
        }
    }
    return out;
}

// app.py, or app.py and 3 more
std::string saved_in(const ChangeRecord& change) {
    if (change.sources.empty()) return "the save";
    if (change.source_count < 2) return change.sources.front();
    return fmt::format("{} and {} more", change.sources.front(), change.source_count - 1);
}

// With the line of the Dockerfile where that is known.
std::string reason_of_sync(const Service& service, const std::string& source,
                           const std::vector<std::string>& laid_at) {
    const int line =
        service.mirror.plan() ? service.mirror.plan()->rules.line_of(source, laid_at.front()) : 0;
    if (line == 0 || !service.config.from.empty()) return decide(source, laid_at, service.rules).reason;
    return fmt::format("COPY at line {} of {} lays it at {}", line,
                       printable(service.request.dockerfile.filename().native()), printable(laid_at.front()));
}

}  // namespace

ChangeRecord Engine::new_change(const Service& service, SaveKind kind, Clock::time_point first_event) const {
    ChangeRecord out{
        .time_ns = now_ns() - duration_cast<std::chrono::nanoseconds>(Clock::now() - first_event).count(),
        .image = service.name,
        .services = {},
        .kind = kind};
    for (const Workload& workload : rollout_.workloads()) {
        if (std::ranges::find(workload.images, service.name) != workload.images.end())
            out.services.push_back(workload.id);
    }
    return out;
}

std::uint64_t Engine::add_change(ChangeRecord change) {
    const std::uint64_t id = changes_.add(std::move(change));
    if (const ChangeRecord* added = changes_.find(id)) parts_.on_change(*added);
    return id;
}

void Engine::edit_change(std::uint64_t id, const std::function<void(ChangeRecord&)>& edit) {
    if (const ChangeRecord* now = changes_.update(id, edit)) parts_.on_change(*now);
}

// `files` are of a generation that the mirror does not keep one by one.
void Engine::describe_sync(const Service& service, protocol::GenerationId generation, std::uint64_t change,
                           const std::vector<std::string>& sources, std::vector<std::string> files,
                           std::size_t file_count) {
    if (const auto* touched = service.mirror.touched_by(generation)) {
        for (const Mirror::Changed& one : *touched) {
            if (files.size() == kMaxChangePaths) break;
            files.push_back(one.image_path);
        }
    }
    const ChangeRecord about = new_change(service, SaveKind::sync, Clock::now());
    edit_change(change, [&](ChangeRecord& out) {
        out.services = about.services;
        out.sources = first_of(sources);
        out.source_count = sources.size();
        out.generation = std::to_underlying(generation);
        out.file_count = file_count;
        for (std::string& path : files) {
            const auto node = service.mirror.nodes().find(path);
            const bool is_gone = node == service.mirror.nodes().end();
            out.files.push_back(
                {std::move(path), is_gone ? std::string() : std::string(node->second.source), is_gone});
        }
        if (!sources.empty()) {
            const auto laid_at = service.mirror.image_paths_of(sources.front());
            out.reason = laid_at.empty() ? "it is gone from the context"
                                         : reason_of_sync(service, sources.front(), laid_at);
        }
        const auto after = service.after.find(generation);
        if (after != service.after.end()) out.after = word_of(after->second);
    });
}

void Engine::finish_sync(const Pending& pending, std::size_t containers) {
    edit_change(pending.change, [&](ChangeRecord& out) {
        const auto total = pending.applied - pending.first_event;
        const auto seen = pending.seen - pending.first_event;
        out.outcome = SaveOutcome::done;
        out.containers = containers;
        out.total = us(total);
        out.error = pending.after ? pending.after->message : "";
        out.next_step = pending.after ? pending.after->next_step : "";
        // What is left of the time is the way there and back, and what the container was busy with before.
        out.phases = {{"detected", us(seen)},
                      {"encoded", us(pending.encode_time)},
                      {"sent", us(total - seen - pending.encode_time - pending.apply_time)},
                      {"applied", us(pending.apply_time)}};
        if (pending.slowest_restart.count() > 0) out.phases.push_back({"restarted", pending.slowest_restart});
        if (pending.slowest_listening.count() > 0) out.phases.push_back({"ready", pending.slowest_listening});
    });
}

// Of a process that a later save has ended before it listened nothing comes: those changes have no such
// phase.
void Engine::on_listening(const Listening& listening) {
    const auto found = started_.find(listening.container);
    if (found == started_.end() || found->second.start != listening.start) return;
    for (const std::uint64_t id : found->second.changes) {
        const auto open =
            std::ranges::find(pending_, id, [](const auto& item) { return item.second.change; });
        if (open != pending_.end()) {
            open->second.slowest_listening = std::max(open->second.slowest_listening, listening.time);
            continue;
        }
        edit_change(id, [&](ChangeRecord& out) {
            const auto ready = std::ranges::find(out.phases, "ready", &ChangePhase::name);
            if (ready == out.phases.end()) {
                out.phases.push_back({"ready", listening.time});
            } else {
                ready->time = std::max(ready->time, listening.time);
            }
        });
    }
    const std::uint64_t newest = found->second.changes.empty() ? 0 : found->second.changes.back();
    started_.erase(found);
    tell_serving(*listening.service, newest);
}

void Engine::tell_serving(const Service& service, std::uint64_t change) {
    const ChangeRecord* done = changes_.find(change);
    if (done == nullptr || done->outcome != SaveOutcome::done) return;  // told when it is done
    const auto waits = [&](const auto& item) {
        return std::ranges::find(item.second.changes, change) != item.second.changes.end();
    };
    const auto time_of = [&](std::string_view phase) {
        const auto found = std::ranges::find(done->phases, phase, &ChangePhase::name);
        return found == done->phases.end() ? microseconds(0) : found->time;
    };
    const auto restarted = time_of("restarted");
    const auto ready = time_of("ready");
    if (ready.count() == 0 || std::ranges::any_of(started_, waits)) return;
    parts_.reporter->line(
        Tone::good, "serving", service.name,
        fmt::format("{} -> {} in {} (synced in {}, restarted in {})", saved_in(*done),
                    counted(done->containers, "container"), human(done->total + restarted + ready),
                    human(done->total), human(restarted)));
}

void Engine::fail_sync(const SyncOutcome& outcome) {
    const Error error = Error(outcome.applied.error()).context(outcome.pod + "/" + outcome.container);
    for (const auto& [key, pending] : pending_) {
        if (key.first != outcome.service || key.second > outcome.generation) continue;
        edit_change(pending.change, [&](ChangeRecord& out) {
            out.outcome = SaveOutcome::failed;
            out.error = error.message;
            out.next_step = error.next_step;
        });
    }
}

void Engine::note_rebuild(Service& service, const std::vector<std::string>& sources, std::string reason,
                          std::optional<Clock::time_point> first_event) {
    const auto now = Clock::now();
    if (const auto before = std::exchange(service.open_rebuild, std::nullopt))
        edit_change(before->change, [](ChangeRecord& out) { out.outcome = SaveOutcome::superseded; });
    ChangeRecord change = new_change(service, SaveKind::rebuild, first_event.value_or(now));
    change.sources = first_of(sources);
    change.source_count = sources.size();
    service.build_cause = (sources.empty() ? "" : sources.front() + ": ") + reason;
    change.reason = std::move(reason);
    service.open_rebuild = OpenRebuild{add_change(std::move(change)), first_event.value_or(now), now, {}, {}};
}

void Engine::finish_rebuild(Service& service, bool is_deployed) {
    const auto open = std::exchange(service.open_rebuild, std::nullopt);
    if (!open) return;
    const auto end = is_deployed ? Clock::now() : open->built;
    edit_change(open->change, [&](ChangeRecord& out) {
        out.outcome = SaveOutcome::done;
        out.containers = containers_of(service);
        out.total = us(end - open->first_event);
        out.phases = {{"detected", us(open->seen - open->first_event)},
                      {"built", us(open->built - open->seen - open->push_time)},
                      {"pushed", us(open->push_time)}};
        if (is_deployed) out.phases.push_back({"deployed", us(end - open->built)});
    });
}

void Engine::fail_rebuild(Service& service, const Error& error) {
    const auto open = std::exchange(service.open_rebuild, std::nullopt);
    if (!open) return;
    edit_change(open->change, [&](ChangeRecord& out) {
        out.outcome = SaveOutcome::failed;
        out.total = us(Clock::now() - open->first_event);
        out.error = error.message;
        out.next_step = error.next_step;
    });
}

void Engine::settle_rebuilds(const Result<>& deployment) {
    for (const auto& service : services_) {
        const bool is_built = service->built && !service->building && !service->build_again;
        if (!service->open_rebuild || !is_built || service->undeployed) continue;
        const bool is_current = std::ranges::all_of(sessions_, [&](const auto& session) {
            return session->count_of(*service) == 0 || session->current();
        });
        if (deployment || (is_current && containers_of(*service) > 0)) {
            finish_rebuild(*service, true);
        } else {
            fail_rebuild(*service, deployment.error());
        }
    }
}

void Engine::release_held_changes(Service& service) {
    for (const std::uint64_t id : std::exchange(service.held_changes, {}))
        edit_change(id, [](ChangeRecord& out) { out.outcome = SaveOutcome::done; });
}

void Engine::give_up_changes(Service& service) {
    std::vector<std::uint64_t> ids = std::exchange(service.held_changes, {});
    std::ranges::copy(std::exchange(service.waiting_changes, {}), std::back_inserter(ids));
    if (const auto open = std::exchange(service.open_rebuild, std::nullopt)) ids.push_back(open->change);
    for (const std::uint64_t id : ids)
        edit_change(id, [](ChangeRecord& out) { out.outcome = SaveOutcome::superseded; });
}

std::uint64_t Engine::begin_build(Service& service) {
    BuildRecord build{.image = service.name, .time_ns = now_ns(), .cause = service.build_cause, .steps = {}};
    if (build.cause.empty()) build.cause = "this watch has no image of it yet";
    const std::uint64_t id = service.build = builds_.add(std::move(build));
    if (const BuildRecord* begun = builds_.update(id, [](BuildRecord&) {})) parts_.on_build(*begun);
    if (service.open_rebuild)
        edit_change(service.open_rebuild->change, [&](ChangeRecord& out) { out.build = id; });
    return id;
}

void Engine::end_build(Service& service, const Result<BuildOutcome>& outcome, bool is_unchanged) {
    const BuildRecord* ended = builds_.update(service.build, [&](BuildRecord& out) {
        if (!outcome) {
            const Error& error = outcome.error();
            const bool is_stale = error.code == Errc::cancelled;
            out.state = is_stale ? BuildState::superseded : BuildState::failed;
            out.time = milliseconds((now_ns() - out.time_ns) / 1'000'000);
            if (is_stale) return;
            out.error = error.message;
            out.next_step = error.next_step;
            return;
        }
        out.state = is_unchanged ? BuildState::unchanged : BuildState::built;
        out.time = duration_cast<milliseconds>(outcome->build_time);
        out.push_time = duration_cast<milliseconds>(outcome->push_time);
        out.layers = outcome->image.layers.size();
        out.bytes_sent = outcome->pushed.bytes_sent;
        out.steps = steps_of(outcome->image.steps);
    });
    if (ended != nullptr) parts_.on_build(*ended);
    if (!outcome) return;
    service.build_cause.clear();
    if (!service.open_rebuild) return;
    service.open_rebuild->built = Clock::now();
    service.open_rebuild->push_time = outcome->push_time;
}

}  // namespace synchost::host
