// The page's server with a played engine behind it: many services whose states and changes move, and log
// lines at a steady rate. Server, API, events and log store are the watch's own. For bench/ui.
//
//     load_server SERVICES LINES_A_SECOND FOLDER      prints the page's address; ends with SIGTERM
#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <string>

#include "base/timestamp.hpp"
#include "host/control/api.hpp"
#include "host/control/event_feed.hpp"
#include "host/control/log_feed.hpp"
#include "host/control/token.hpp"
#include "host/ui/listener.hpp"
#include "host/ui/page_server.hpp"

namespace synchost::host {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLinePause{10};
constexpr milliseconds kChangePause{50};  // 20 saves in a second, of one service after the other

class PlayedEngine {
  public:
    explicit PlayedEngine(std::size_t services) : states_(services) {
        for (std::size_t i = 0; i < services; ++i) {
            ServiceStatus& service = states_[i];
            service.name = fmt::format("service-{:03}", i);
            service.workload = "Deployment/" + service.name;
            service.labels = {{"team", fmt::format("team-{}", i % 7)}, {"tier", i % 3 == 0 ? "web" : "back"}};
            service.images = {"image-" + service.name};
            service.state = i % 50 == 7 ? ServiceState::crashed : ServiceState::running;
            if (service.state == ServiceState::crashed)
                service.reason = "exit code 1; it starts again on the next save";
            service.since_ns = now_ns();
            service.replicas = {.wanted = 1, .there = 1, .current = 1};
            service.ports = {{.port = 80,
                              .local = static_cast<std::uint16_t>(20'000 + i),
                              .url = fmt::format("http://127.0.0.1:{}", 20'000 + i),
                              .problem = {}}};
        }
    }

    [[nodiscard]] Status status() const {
        Status out{.version = "0", .project = "load", .folder = "/load", .pid = 1, .images = {}, .pods = {}};
        out.runtime = "played";
        out.services = states_;
        for (const ServiceStatus& service : states_) {
            out.images.push_back(
                {.name = service.images[0], .digest = "sha256:0", .generation = generation_});
            ContainerStatus container{.name = "app", .image = service.images[0], .state = "running"};
            if (service.state == ServiceState::crashed) {
                container.state = "held";
                container.exit_code = 1;
                container.last_output =
                    "Traceback (most recent call last):\n  File \"app.py\", line 1\nRuntimeError: played\n";
            }
            container.generation = generation_;
            container.current = container.state == "running";
            container.starts = static_cast<std::uint32_t>(service.restarts + 1);
            out.pods.push_back({.name = service.name + "-0",
                                .workload = service.workload,
                                .connected = true,
                                .containers = {container}});
        }
        return out;
    }
    [[nodiscard]] const std::vector<ServiceStatus>& states() const { return states_; }
    [[nodiscard]] const ChangeLog& changes() const { return changes_; }

    // The next service is saved.
    void save(EventFeed& events) {
        ServiceStatus& service = states_[saved_++ % states_.size()];
        ++generation_;
        ++service.restarts;
        ChangeRecord change{.time_ns = now_ns(), .image = service.images[0], .services = {service.workload}};
        change.outcome = SaveOutcome::done;
        change.sources = {"src/app.py"};
        change.source_count = 1;
        change.reason = "COPY at line 7 of Dockerfile lays it at /app/app.py";
        change.generation = generation_;
        change.containers = 1;
        change.phases = {{"detected", std::chrono::microseconds(2'000)},
                         {"sent", std::chrono::microseconds(900)},
                         {"applied", std::chrono::microseconds(700)},
                         {"restarted", std::chrono::microseconds(4'000)},
                         {"ready", std::chrono::microseconds(100'000)}};
        change.total = std::chrono::microseconds(3'600);
        service.last_change = changes_.add(change);
        events.publish("change", to_json(*changes_.find(*service.last_change)));
        events.publish({.kind = "synced",
                        .tone = "good",
                        .subject = service.name,
                        .text = "src/app.py",
                        .next_step = {}});
        events.note_new_state();
    }
    // Each service in its turn writes a line.
    void write(LogStore& store, std::size_t lines) {
        for (std::size_t i = 0; i < lines; ++i, ++line_) {
            const ServiceStatus& service = states_[line_ % states_.size()];
            store.append(service.workload,
                         {.time_ns = now_ns(),
                          .pod = service.name + "-0",
                          .container = "app",
                          .text = fmt::format("\x1b[32mINFO\x1b[0m request {} GET /api/items/{} 200 in {} ms",
                                              line_, line_ * 7919 % 100'000, line_ % 97),
                          .error_stream = line_ % 10 == 0});
        }
    }

  private:
    std::vector<ServiceStatus> states_;
    ChangeLog changes_;
    std::uint64_t generation_ = 0;
    std::size_t saved_ = 0;
    std::size_t line_ = 0;
};

ControlBackend backend_of(PlayedEngine& engine, const BuildLog& builds, EventFeed& events, LogFeed& logs) {
    ControlBackend out;
    out.status = [&] { return engine.status(); };
    out.verified_status = [&]() -> boost::asio::awaitable<Status> { co_return engine.status(); };
    out.services = [&] {
        std::vector<ServiceEntry> entries;
        for (const ServiceStatus& service : engine.states())
            entries.push_back({.workload = service.workload, .name = service.name, .images = service.images});
        return entries;
    };
    out.changes = [&]() -> const ChangeLog& { return engine.changes(); };
    out.builds = [&]() -> const BuildLog& { return builds; };
    out.events = [&](std::optional<std::uint64_t> last) { return events.follow(last); };
    out.logs = [&](LogRequest request) { return logs.read(std::move(request)); };
    return out;
}

void repeat(boost::asio::steady_timer& timer, milliseconds pause, const std::function<void()>& work) {
    timer.expires_at(timer.expiry() + pause);
    timer.async_wait([&timer, pause, work](const boost::system::error_code& error) {
        if (error) return;
        work();
        repeat(timer, pause, work);
    });
}

Result<> serve(std::size_t services, std::size_t rate, const std::string& folder) {
    boost::asio::io_context io(1);
    PlayedEngine engine(services);
    EventFeed events(io.get_executor());
    BuildLog builds;
    TRY_ASSIGN(const auto logs, LogFeed::open(io.get_executor(), folder + "/logs",
                                              [](const std::string& workload, const Error& error) {
                                                  std::fprintf(stderr, "%s: %s\n", workload.c_str(),
                                                               error.message.c_str());
                                              }));
    TRY_ASSIGN(const std::string token, make_token(folder));
    ControlApi api(backend_of(engine, builds, events, *logs), token);
    TRY_ASSIGN(auto listener, ui::listen_on("127.0.0.1", std::uint16_t{0}));
    TRY_ASSIGN(const auto page,
               ui::PageServer::start(io.get_executor(), std::move(listener),
                                     {.files = ui::embedded_page(),
                                      .api = [&](const HttpRequest& request) { return api.answer(request); },
                                      .token = token,
                                      .project = "load"}));
    std::printf("%s\n", page->url().c_str());
    std::fflush(stdout);
    boost::asio::steady_timer lines(io, std::chrono::steady_clock::now());
    boost::asio::steady_timer changes(io, std::chrono::steady_clock::now());
    repeat(lines, kLinePause, [&] { engine.write(logs->store(), rate * kLinePause.count() / 1'000); });
    repeat(changes, kChangePause, [&] { engine.save(events); });
    boost::asio::signal_set signals(io, SIGINT, SIGTERM);
    signals.async_wait([&](const boost::system::error_code&, int) { io.stop(); });
    io.run();
    return {};
}

std::size_t number_of(std::string_view text) {
    std::size_t out = 0;
    std::from_chars(text.data(), text.data() + text.size(), out);
    return out;
}

}  // namespace
}  // namespace synchost::host

int main(int argc, char** argv) {
    if (argc != 4) {
        std::fputs("usage: load_server SERVICES LINES_A_SECOND FOLDER\n", stderr);
        return 2;
    }
    const std::size_t services = synchost::host::number_of(argv[1]);
    const std::size_t rate = synchost::host::number_of(argv[2]);
    if (services == 0 || services > 10'000) {
        std::fputs("load_server: between 1 and 10,000 services\n", stderr);
        return 2;
    }
    const auto served = synchost::host::serve(services, rate, argv[3]);
    if (served) return 0;
    std::fprintf(stderr, "load_server: %s\n", served.error().message.c_str());
    return 1;
}
