#include "host/steps/serve_process.hpp"

#include <boost/asio/co_spawn.hpp>
#include <optional>
#include <string>
#include <utility>

#include "base/log.hpp"
#include "base/signal.hpp"
#include "host/steps/detail/local_ports.hpp"
#include "host/steps/detail/step_errors.hpp"
#include "host/steps/detail/step_process.hpp"

namespace synchost::host {
namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;
using Kind = StepReady::Kind;
using std::chrono::milliseconds;

constexpr milliseconds kAnswer{5'000};  // for one answer
constexpr int kFirstBadStatus = 500;

// One life of the process.
struct Run {
    std::unique_ptr<detail::StepProcess> process;
    detail::LastLines last;
    bool seen = false;  // the text that its output is to have
    bool ready = false;
    bool ending = false;  // by our own hand
    std::optional<detail::StepEnd> end;
};

std::string waited_for(const StepReady& ready) {
    const std::string at = ready.host + " port " + std::to_string(ready.port);
    if (ready.kind == Kind::http) return "no status below 500 comes for " + ready.text + " from " + at;
    if (ready.kind == Kind::port) return "nothing takes a connection on " + at;
    return "no line of its output has \"" + printable(ready.text) + "\" in it";
}

}  // namespace

class ServeProcess::Impl : public std::enable_shared_from_this<Impl> {
  public:
    Impl(asio::any_io_executor executor, StepConfig step, Events events, Limits limits)
        : executor_(std::move(executor)),
          changed_(executor_),
          step_(std::move(step)),
          events_(std::move(events)),
          limits_(limits) {}

    static asio::awaitable<Result<>> start(std::shared_ptr<Impl> self) {
        const std::uint64_t turn = ++self->turn_;
        co_await end_current(self);
        if (turn != self->turn_) co_return self->cancelled();
        const StepReady& ready = self->step_.ready;
        const bool asks = ready.kind == Kind::http || ready.kind == Kind::port;
        if (asks && co_await detail::takes_connection(ready.host, ready.port, kAnswer))
            co_return self->port_taken();
        if (turn != self->turn_) co_return self->cancelled();
        CO_TRY_ASSIGN(const std::shared_ptr<Run> run, self->launch());
        Result<> result = co_await until_ready(self, run, turn);
        if (result) {
            run->ready = true;
        } else {
            co_await end_run(self, run);
        }
        co_return result;
    }

    void end() {
        ++turn_;
        if (run_) end(*run_);
        changed_.notify();
    }
    static asio::awaitable<void> stop(std::shared_ptr<Impl> self) {
        self->end();
        co_await end_current(self);
    }

    void abandon() {
        ++turn_;
        silent_ = true;
        if (const auto run = std::exchange(run_, nullptr)) {
            run->ending = true;
            run->process.reset();
        }
        changed_.notify();
    }

    [[nodiscard]] bool running() const { return run_ != nullptr; }

  private:
    [[nodiscard]] std::unexpected<Error> cancelled() const {
        return fail(Errc::cancelled, "step " + step_.name + ": stopped");
    }
    [[nodiscard]] std::unexpected<Error> port_taken() const {
        return fail(
            Errc::conflict,
            "step " + step_.name + ": another program answers on port " + std::to_string(step_.ready.port),
            "End that program, or give the step another port");
    }

    Result<std::shared_ptr<Run>> launch() {
        const auto run = std::make_shared<Run>();
        const auto take = [weak = weak_from_this(), of = std::weak_ptr(run)](std::string_view line) {
            const auto self = weak.lock();
            const auto life = of.lock();
            if (self && life) self->take_line(*life, line);
        };
        auto process = detail::StepProcess::start(executor_, {step_.argv, step_.folder, step_.env}, take);
        if (!process) return std::unexpected(detail::start_error(step_, std::move(process.error())));
        run->process = *std::move(process);
        run_ = run;
        asio::co_spawn(executor_, watch(shared_from_this(), run), [](const std::exception_ptr& failure) {
            if (failure) log(LogLevel::error, "steps", "the watch over a process ended by an exception");
        });
        return run;
    }

    void take_line(Run& run, std::string_view line) {
        if (silent_) return;
        run.last.add(line);
        if (step_.ready.kind == Kind::output && !run.seen && line.contains(step_.ready.text)) {
            run.seen = true;
            changed_.notify();
        }
        if (events_.line) events_.line(line);
    }

    static asio::awaitable<void> watch(std::shared_ptr<Impl> self, std::shared_ptr<Run> run) {
        run->end = co_await run->process->wait();
        if (self->run_ == run) self->run_.reset();
        self->changed_.notify();
        if (!run->ready || run->ending || self->silent_ || !self->events_.died) co_return;
        self->events_.died(detail::step_error(self->step_, Errc::io, detail::text_of(*run->end), run->last,
                                              self->step_.inputs.empty()
                                                  ? "It has no inputs; start synchost again to start it"
                                                  : "It starts again when one of its inputs is saved"));
    }

    static void end(Run& run) {
        run.ending = true;
        if (run.process) run.process->end();
    }
    static asio::awaitable<void> end_run(std::shared_ptr<Impl> self, std::shared_ptr<Run> run) {
        end(*run);
        while (!run->end) co_await self->changed_.wait();
    }
    static asio::awaitable<void> end_current(std::shared_ptr<Impl> self) {
        while (const auto run = self->run_) co_await end_run(self, run);
    }

    static asio::awaitable<Result<>> until_ready(std::shared_ptr<Impl> self, std::shared_ptr<Run> run,
                                                 std::uint64_t turn) {
        const StepConfig& step = self->step_;
        const auto deadline = Clock::now() + self->limits_.ready;
        for (;;) {
            const bool ready = co_await self->is_ready(*run);
            if (turn != self->turn_) co_return self->cancelled();
            if (run->end) {
                co_return std::unexpected(
                    detail::step_error(step, Errc::io, detail::text_of(*run->end) + " before it was ready",
                                       run->last, "Correct the command, or what it reads"));
            }
            if (ready) co_return Result<>{};
            if (Clock::now() >= deadline) break;
            co_await self->changed_.wait_until(std::min(deadline, Clock::now() + self->limits_.ask));
        }
        const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(self->limits_.ready).count();
        co_return std::unexpected(
            detail::step_error(step, Errc::timeout,
                               "not ready after " + std::to_string(seconds) + " s: " + waited_for(step.ready),
                               run->last, "Correct the process, or what ready asks for"));
    }

    asio::awaitable<bool> is_ready(const Run& run) const {
        const StepReady& ready = step_.ready;
        const auto limit = std::min(kAnswer, limits_.ready);
        switch (ready.kind) {
            case Kind::started:
                co_return true;
            case Kind::output:
                co_return run.seen;
            case Kind::port:
                co_return co_await detail::takes_connection(ready.host, ready.port, limit);
            case Kind::http: {
                const auto status = co_await detail::http_status(ready.host, ready.port, ready.text, limit);
                co_return status && *status < kFirstBadStatus;
            }
        }
        co_return false;
    }

    asio::any_io_executor executor_;
    Signal changed_;
    StepConfig step_;
    Events events_;
    Limits limits_;
    std::shared_ptr<Run> run_;  // the process that runs, or ends
    std::uint64_t turn_ = 0;    // of the last call of start() or stop(), which every earlier one gives way to
    bool silent_ = false;
};

ServeProcess::ServeProcess(asio::any_io_executor executor, StepConfig step, Events events, Limits limits)
    : impl_(std::make_shared<Impl>(std::move(executor), std::move(step), std::move(events), limits)) {}

ServeProcess::~ServeProcess() {
    impl_->abandon();
}

asio::awaitable<Result<>> ServeProcess::start() {
    return Impl::start(impl_);
}

void ServeProcess::end() {
    impl_->end();
}

asio::awaitable<void> ServeProcess::stop() {
    return Impl::stop(impl_);
}

bool ServeProcess::running() const {
    return impl_->running();
}

}  // namespace synchost::host
