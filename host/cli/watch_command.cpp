#include <fmt/format.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/signal_set.hpp>
#include <chrono>
#include <csignal>
#include <memory>
#include <optional>

#include "host/cli/cache_limit.hpp"
#include "host/cli/choose_runtime.hpp"
#include "host/cli/commands.hpp"
#include "host/cli/project_parts.hpp"
#include "host/cli/watch_page.hpp"
#include "host/control/api.hpp"
#include "host/control/event_feed.hpp"
#include "host/control/log_feed.hpp"
#include "host/control/server.hpp"
#include "host/control/token.hpp"
#include "host/engine/engine.hpp"
#include "host/view/live_view.hpp"

namespace synchost::host {
namespace {

// A group and its leader may both pass one signal on: what follows so soon is no second wish.
constexpr std::chrono::milliseconds kSameSignal{500};

// The first signal asks the engine to take everything down; a later one ends the process at once.
void stop_on_signals(boost::asio::signal_set& signals, Engine& engine, LiveView* view,
                     std::optional<std::chrono::steady_clock::time_point>& interrupted) {
    signals.async_wait([&, view](const boost::system::error_code& error, int) {
        if (error) return;
        const auto now = std::chrono::steady_clock::now();
        if (interrupted && now - *interrupted > kSameSignal) {
            if (view != nullptr) view->erase_at_once();
            std::_Exit(static_cast<int>(130));
        }
        if (!interrupted) {
            interrupted = now;
            engine.stop();
            if (view != nullptr) view->stop();  // what is taken down now is no state to look at
        }
        stop_on_signals(signals, engine, view, interrupted);
    });
}

// What the reporter tells goes by it from now on; null where standard output is no terminal that can show it.
std::unique_ptr<LiveView> open_view(boost::asio::io_context& io, Reporter& reporter, bool plain) {
    if (plain || !can_redraw(STDOUT_FILENO)) return nullptr;
    auto out = std::make_unique<LiveView>(io.get_executor(), STDOUT_FILENO, terminal_wants_colour());
    reporter.print_to([view = out.get()](std::string_view lines) { view->print(lines); });
    return out;
}

void show_builds(LiveView& view, EngineParts& parts) {
    parts.on_build_line = [&](const std::string& image, std::string_view line) {
        view.note_build_line(image, line);
    };
    parts.on_blob = [&](const std::string& image, const registry::BlobEvent& event) {
        view.note_blob(image, event);
    };
}

Event event_of(const ToldLine& told) {
    return {.kind = std::string(told.verb),
            .tone = std::string(to_string(told.tone)),
            .subject = std::string(told.subject),
            .text = std::string(told.text),
            .next_step = std::string(told.next_step)};
}

// `ui`: the page's address, which is known once it listens.
ControlBackend backend_of(Engine& engine, EventFeed& events, LogFeed& logs, const std::string& ui) {
    const auto with_ui = [&ui](Status status) {
        status.ui = ui;
        return status;
    };
    return {
        .status = [&engine, with_ui] { return with_ui(engine.status()); },
        .verified_status = [&engine, with_ui]() -> boost::asio::awaitable<Status> {
            co_return with_ui(co_await engine.verified_status());
        },
        .services = [&] { return engine.service_entries(); },
        .restart =
            [&](std::vector<std::string> workloads) { return engine.restart_services(std::move(workloads)); },
        .trigger =
            [&](std::vector<std::string> workloads) { return engine.trigger_services(std::move(workloads)); },
        .set_paused = [&](const std::vector<std::string>& workloads,
                          bool paused) { return engine.set_paused(workloads, paused); },
        .set_stopped = [&](const std::vector<std::string>& workloads,
                           bool stopped) { return engine.set_stopped(workloads, stopped); },
        .describe = [&](std::string workload) { return engine.describe(std::move(workload)); },
        .changes = [&]() -> const ChangeLog& { return engine.changes(); },
        .builds = [&]() -> const BuildLog& { return engine.builds(); },
        .events = [&](std::optional<std::uint64_t> last) { return events.follow(last); },
        .kept_events = [&] { return events.kept(); },
        .logs = [&](LogRequest request) { return logs.read(std::move(request)); }};
}

}  // namespace

Result<> run_watch(const WatchFlags& flags) {
    boost::asio::io_context io(1);
    EventFeed events(io.get_executor());
    Reporter reporter(terminal_wants_colour());
    const auto view = open_view(io, reporter, flags.plain);
    reporter.observe([&](const ToldLine& told) {
        events.publish(event_of(told));
        if (view) view->note(told);
    });
    TRY_ASSIGN(ProjectParts project,
               open_project(flags.folder, flags.profiles, flags.registry, flags.build_args));
    std::optional<ui::Listener> page_port;
    if (flags.mode == EngineMode::watch) {
        TRY_ASSIGN(page_port, open_page_port(flags.page, reporter));
    }
    TRY_ASSIGN(const protocol::PskKey key, load_or_make_key(project.folders.state));
    const std::filesystem::path store = project.folders.cache / "store";
    TRY_ASSIGN(const auto store_limit, choose_cache_limit(flags.cache_limit, store));
    const registry::Connector registries = make_connector(flags.registries);
    TRY_ASSIGN(ChosenRuntime chosen, choose_runtime(flags.runtime, project, key));
    const std::string where = chosen.runtime->description();
    const std::string name = project.config.name;
    const std::string folder = project.config.file.parent_path().native();
    TRY_ASSIGN(const auto logs, LogFeed::open(io.get_executor(), project.folders.state / kLogFolder,
                                              [&](const std::string& workload, const Error& error) {
                                                  reporter.failure(workload, error);
                                              }));
    EngineParts parts{
        .config = std::move(project.config),
        .key = key,
        .runtime = std::move(chosen.runtime),
        .namespace_name = chosen.namespace_name,
        .registries = &registries,
        .store = store,
        .store_limit = store_limit,
        .state = project.folders.state,
        .reporter = &reporter,
        .log_store = &logs->store(),
        .on_state =
            [&] {
                events.note_new_state();
                if (view) view->changed();
            },
        .on_change = [&](const ChangeRecord& change) { events.publish("change", to_json(change)); },
        .on_build = [&](const BuildRecord& build) { events.publish("build", to_json(build)); },
        .reload = [&flags]() -> Result<Config> {
            TRY_ASSIGN(ProjectParts now,
                       open_project(flags.folder, flags.profiles, flags.registry, flags.build_args));
            return std::move(now.config);
        },
        .only = flags.only,
        .parallel_builds = flags.parallel_builds,
        .mode = flags.mode};
    if (view) show_builds(*view, parts);
    Engine engine(io, std::move(parts));
    // The runtime holds the project's lock: a socket that is there was left by an earlier run.
    TRY_ASSIGN(const std::string token, make_token(project.folders.state));
    std::string page_address;
    ControlApi api(backend_of(engine, events, *logs, page_address), token);
    TRY_ASSIGN(const auto control,
               ControlServer::listen(io.get_executor(), project.folders.state / kControlSocket,
                                     [&](const HttpRequest& request) { return api.answer(request); }));
    std::optional<std::chrono::steady_clock::time_point> interrupted;
    boost::asio::signal_set signals(io, SIGINT, SIGTERM);
    stop_on_signals(signals, engine, view.get(), interrupted);
    reporter.line(Tone::plain, "synchost", name, fmt::format("{} {}, {}", SYNCHOST_VERSION, folder, where));
    for (const std::string& profile : flags.profiles) reporter.line(Tone::plain, "note", "profile", profile);
    if (!chosen.why.empty())
        reporter.line(Tone::plain, "note", "runtime", "no cluster is used: " + chosen.why);
    std::unique_ptr<ui::PageServer> page;
    if (page_port) {
        TRY_ASSIGN(page, serve_page(io.get_executor(), *std::move(page_port), flags.page, api, token, name,
                                    reporter));
        page_address = page->url();
    }
    Result<> outcome;
    boost::asio::co_spawn(io, engine.run(), [&](const std::exception_ptr& failure, Result<> result) {
        signals.cancel();
        control->stop();
        if (page) page->stop();
        if (view) view->stop();
        if (failure) std::rethrow_exception(failure);
        outcome = std::move(result);
    });
    if (view) {
        boost::asio::co_spawn(io, view->run([&] { return engine.status(); }),
                              [](const std::exception_ptr& failure) {
                                  if (failure) std::rethrow_exception(failure);
                              });
    }
    io.run();
    if (!outcome) return outcome;
    if (interrupted) return fail(Errc::cancelled, "stopped; everything that this run started was taken down");
    return {};
}

}  // namespace synchost::host
