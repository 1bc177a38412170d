#include "host/steps/step_runner.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <optional>
#include <utility>

#include "base/log.hpp"
#include "base/on_pool.hpp"
#include "base/signal.hpp"
#include "host/steps/detail/step_errors.hpp"
#include "host/steps/detail/step_process.hpp"
#include "host/steps/serve_process.hpp"
#include "host/steps/step_graph.hpp"
#include "host/steps/step_inputs.hpp"
#include "host/steps/step_memory.hpp"

namespace synchost::host {
namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// One step as it stands.
struct State {
    bool stale = true;
    bool sure = true;  // of one that is stale: an input was saved by its name
    bool running = false;
    bool give_way = false;  // of one that runs: what it makes is of no use any more
    bool failed = false;
    std::uint64_t failed_at = 0;  // counts the failures of all steps
    std::optional<Error> failure;
    std::optional<Xxh3> tried;  // the inputs of its last run, whatever came of it
    std::optional<Xxh3> print;  // of the inputs of its last success; nothing where they could not be read
    std::shared_ptr<detail::StepProcess> process;  // of a command that runs
    std::unique_ptr<ServeProcess> server;
};

}  // namespace

class StepRunner::Impl : public std::enable_shared_from_this<Impl> {
  public:
    Impl(asio::any_io_executor executor, asio::thread_pool& pool, StepProject project, StepEvents events,
         std::unique_ptr<StepInputs> inputs)
        : executor_(std::move(executor)),
          pool_(pool),
          changed_(executor_),
          graph_(std::move(project.steps)),
          memory_file_(std::move(project.memory)),
          events_(std::move(events)),
          inputs_(std::move(inputs)),
          states_(graph_.steps().size()) {
        for (auto& [name, print] : load_step_memory(memory_file_)) {
            if (std::ranges::find(graph_.steps(), name, &StepConfig::name) != graph_.steps().end())
                memory_[name] = print;
        }
    }

    bool saved(const std::vector<std::string>& paths) {
        for (std::size_t at = 0; at < states_.size(); ++at) {
            StepConcern worst = StepConcern::no;
            for (const std::string& path : paths) worst = std::max(worst, graph_.concern(at, path));
            if (worst == StepConcern::no) continue;
            make_stale(at, worst);
            for (const std::size_t dependent : graph_.dependents(at)) make_stale(dependent, worst);
        }
        changed_.notify();
        return any_stale();
    }
    bool saved_anything() {
        for (std::size_t at = 0; at < states_.size(); ++at) make_stale(at, StepConcern::perhaps);
        changed_.notify();
        return any_stale();
    }

    static asio::awaitable<Result<>> run(std::shared_ptr<Impl> self) {
        const std::uint64_t before = self->failures_;
        while (!self->stopping_) {
            self->start_what_can();
            if (!self->any_running() && !self->any_stale()) break;
            co_await self->changed_.wait();
        }
        if (self->stopping_) co_return fail(Errc::cancelled, "steps: stopped");
        for (const State& state : self->states_) {
            if (state.failed && state.failed_at > before) co_return std::unexpected(*state.failure);
        }
        co_return Result<>{};
    }

    [[nodiscard]] bool holds(std::string_view path) const {
        for (std::size_t at = 0; at < states_.size(); ++at) {
            if ((states_[at].stale || states_[at].running) && graph_.writes(at, path)) return true;
        }
        return false;
    }

    static asio::awaitable<void> stop(std::shared_ptr<Impl> self) {
        self->stopping_ = true;
        self->changed_.notify();
        for (State& state : self->states_) {
            state.give_way = true;
            if (state.process) state.process->end();
        }
        for (State& state : self->states_) {
            if (state.server) co_await state.server->stop();
        }
        while (self->any_running()) co_await self->changed_.wait();
    }

    void abandon() {
        stopping_ = true;
        events_ = {};
        for (State& state : states_) {
            if (state.process) state.process->kill();
            state.server.reset();
        }
        changed_.notify();
    }

  private:
    [[nodiscard]] const StepConfig& step(std::size_t at) const { return graph_.steps()[at]; }
    [[nodiscard]] bool any_stale() const { return std::ranges::any_of(states_, &State::stale); }
    [[nodiscard]] bool any_running() const { return std::ranges::any_of(states_, &State::running); }

    // One that runs gives way to a save that is surely an input; where it is not sure, it is looked at
    // afterwards.
    void make_stale(std::size_t at, StepConcern concern) {
        State& state = states_[at];
        state.stale = true;
        if (concern == StepConcern::reads) state.sure = true;
        if (!state.running || concern != StepConcern::reads) return;
        state.give_way = true;
        if (state.process) state.process->end();
        if (state.server) state.server->end();
    }

    void start_what_can() {
        for (std::size_t at = 0; at < states_.size(); ++at) {
            State& state = states_[at];
            if (!state.stale || state.running || !may_run(at)) continue;
            if (const auto failed = failed_dependency(at)) {
                state.stale = false;
                note_failure(state,
                             Error{Errc::conflict,
                                   "step " + step(at).name + ": waits for step " + *failed + ", which failed",
                                   0, "It runs when that step has succeeded"});
                continue;
            }
            state.stale = false;
            state.give_way = false;
            state.running = true;
            asio::co_spawn(executor_, run_step(shared_from_this(), at),
                           [self = shared_from_this(), at](const std::exception_ptr& failure) {
                               self->states_[at].running = false;
                               if (failure) self->fail_by_exception(at);
                               self->changed_.notify();
                           });
        }
    }
    [[nodiscard]] bool may_run(std::size_t at) const {
        return std::ranges::none_of(graph_.depends_on(at), [&](std::size_t need) {
            return states_[need].stale || states_[need].running;
        });
    }
    [[nodiscard]] std::optional<std::string> failed_dependency(std::size_t at) const {
        for (const std::size_t need : graph_.depends_on(at)) {
            if (states_[need].failed) return step(need).name;
        }
        return std::nullopt;
    }

    void note_failure(State& state, Error why) {
        state.failed = true;
        state.failed_at = ++failures_;
        state.failure = std::move(why);
    }
    void fail_by_exception(std::size_t at) {
        note_failure(states_[at],
                     Error{Errc::io, "step " + step(at).name + ": ended by an exception", 0, {}});
    }

    static asio::awaitable<void> run_step(std::shared_ptr<Impl> self, std::size_t at) {
        State& state = self->states_[at];
        const StepConfig& step = self->step(at);
        const bool sure = std::exchange(state.sure, false);
        const auto print = co_await self->print_of(at);
        if (state.give_way || self->stopping_) co_return;
        if (print && co_await self->is_up_to_date(at, *print)) {
            state.print = print;
            state.failed = false;
            co_return;
        }
        // What it makes and removes itself may look like inputs from afar: no reason to try the same again.
        if (!sure && state.tried == print) co_return;
        state.tried = print;
        if (self->memory_.erase(step.name) > 0) co_await self->remember();
        state.print.reset();
        if (state.give_way || self->stopping_) co_return;
        if (self->events_.started) self->events_.started(step);
        const auto began = Clock::now();
        Result<> how =
            step.kind == StepKind::command ? co_await run_command(self, at) : co_await serve(self, at);
        if (state.give_way || self->stopping_) co_return;
        state.failed = false;
        if (how) {
            state.print = print;
            if (print && step.kind == StepKind::command) {
                self->memory_[step.name] = *print;
                co_await self->remember();
            }
        } else {
            self->note_failure(state, how.error());
        }
        if (self->events_.ended)
            self->events_.ended(step, how, std::chrono::duration_cast<milliseconds>(Clock::now() - began));
    }

    // Of the inputs as they are now, before the step reads them: what is saved later makes another print.
    asio::awaitable<std::optional<Xxh3>> print_of(std::size_t at) {
        std::vector<Xxh3> dependencies;
        for (const std::size_t need : graph_.depends_on(at)) {
            if (!states_[need].print) co_return std::nullopt;
            dependencies.push_back(*states_[need].print);
        }
        auto print = co_await on_pool(pool_, [&] { return inputs_->print(step(at), dependencies); });
        if (print) co_return *print;
        log(LogLevel::warn, "steps", "inputs are not known",
            {{"step", step(at).name}, {"why", print.error().message}});
        co_return std::nullopt;
    }

    asio::awaitable<bool> is_up_to_date(std::size_t at, Xxh3 print) {
        const StepConfig& step = this->step(at);
        if (step.kind == StepKind::serve) {
            const State& state = states_[at];
            co_return state.server&& state.server->running() && state.print == print;
        }
        const auto known = memory_.find(step.name);
        if (known == memory_.end() || known->second != print) co_return false;
        const Result<bool> there =
            co_await on_pool(pool_, [&]() -> Result<bool> { return inputs_->has_outputs(step); });
        co_return there.value_or(false);
    }

    // One at a time, so that the newest is what stays.
    asio::awaitable<void> remember() {
        while (saving_) co_await changed_.wait();
        saving_ = true;
        const auto saved = co_await on_pool(
            pool_, [memory = memory_, file = memory_file_] { return save_step_memory(memory, file); });
        saving_ = false;
        changed_.notify();
        if (!saved) log(LogLevel::warn, "steps", "not remembered", {{"why", saved.error().message}});
    }

    static asio::awaitable<Result<>> run_command(std::shared_ptr<Impl> self, std::size_t at) {
        State& state = self->states_[at];
        const StepConfig& step = self->step(at);
        const auto last = std::make_shared<detail::LastLines>();
        auto process =
            detail::StepProcess::start(self->executor_, {step.argv, step.folder, step.env},
                                       [weak = std::weak_ptr(self), at, last](std::string_view line) {
                                           last->add(line);
                                           if (const auto runner = weak.lock()) runner->tell_line(at, line);
                                       });
        if (!process) co_return std::unexpected(detail::start_error(step, std::move(process.error())));
        const std::shared_ptr<detail::StepProcess> running = *std::move(process);
        state.process = running;
        asio::steady_timer timeout(self->executor_, step.timeout);
        const auto timed_out = std::make_shared<bool>(false);
        timeout.async_wait([timed_out, of = std::weak_ptr(running)](boost::system::error_code error) {
            const auto late = of.lock();
            if (error || !late) return;
            *timed_out = !late->ended();
            late->end();
        });
        const detail::StepEnd end = co_await running->wait();
        timeout.cancel();
        state.process.reset();
        if (*timed_out) {
            co_return std::unexpected(
                detail::step_error(step, Errc::timeout, "no end after " + text_of(step.timeout), *last,
                                   "Give it more time with timeout, or find out what it waits for"));
        }
        if (end == detail::StepEnd{}) co_return Result<>{};
        co_return std::unexpected(detail::step_error(step, Errc::io, detail::text_of(end), *last,
                                                     "Correct the command, or what it reads; it runs again "
                                                     "when one of its inputs is saved"));
    }
    static std::string text_of(milliseconds time) {
        const auto count = time.count();
        return count % 1000 != 0 ? std::to_string(count) + " ms" : std::to_string(count / 1000) + " s";
    }

    static asio::awaitable<Result<>> serve(std::shared_ptr<Impl> self, std::size_t at) {
        State& state = self->states_[at];
        if (!state.server) {
            const auto line = [weak = std::weak_ptr(self), at](std::string_view text) {
                if (const auto runner = weak.lock()) runner->tell_line(at, text);
            };
            const auto died = [weak = std::weak_ptr(self), at](const Error& why) {
                const auto runner = weak.lock();
                if (runner && runner->events_.died) runner->events_.died(runner->step(at), why);
            };
            state.server = std::make_unique<ServeProcess>(self->executor_, self->step(at),
                                                          ServeProcess::Events{line, died});
        }
        co_return co_await state.server->start();
    }

    void tell_line(std::size_t at, std::string_view line) {
        if (events_.line) events_.line(step(at), line);
    }

    asio::any_io_executor executor_;
    asio::thread_pool& pool_;
    Signal changed_;
    StepGraph graph_;
    std::filesystem::path memory_file_;
    StepEvents events_;
    std::unique_ptr<StepInputs> inputs_;
    StepMemory memory_;
    std::vector<State> states_;  // as graph_.steps()
    std::uint64_t failures_ = 0;
    bool saving_ = false;
    bool stopping_ = false;
};

StepRunner::StepRunner(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

StepRunner::~StepRunner() {
    impl_->abandon();
}

Result<std::unique_ptr<StepRunner>> StepRunner::open(asio::any_io_executor executor, asio::thread_pool& pool,
                                                     StepProject project, StepEvents events) {
    TRY_ASSIGN(std::unique_ptr<StepInputs> inputs, StepInputs::open(project.folder));
    auto impl = std::make_shared<Impl>(std::move(executor), pool, std::move(project), std::move(events),
                                       std::move(inputs));
    return std::unique_ptr<StepRunner>(new StepRunner(std::move(impl)));
}

bool StepRunner::saved(const std::vector<std::string>& paths) {
    return impl_->saved(paths);
}

bool StepRunner::saved_anything() {
    return impl_->saved_anything();
}

asio::awaitable<Result<>> StepRunner::run() {
    return Impl::run(impl_);
}

bool StepRunner::holds(std::string_view path) const {
    return impl_->holds(path);
}

asio::awaitable<void> StepRunner::stop() {
    return Impl::stop(impl_);
}

}  // namespace synchost::host
