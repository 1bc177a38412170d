#include "agent/process/sidecar_link.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <thread>
#include <utility>

#include "base/log.hpp"

namespace synchost::agent {

namespace asio = boost::asio;
using namespace protocol;

namespace {

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::milliseconds kFirstRetry{10};
constexpr std::chrono::milliseconds kLastRetry{250};
constexpr std::size_t kReadBytes = std::size_t{64} << 10;
constexpr std::uint64_t kCopyAtOnce = std::uint64_t{16} << 20;  // then signals and exits get their turn

std::chrono::microseconds in_us(std::chrono::steady_clock::duration time) {
    return std::chrono::duration_cast<std::chrono::microseconds>(time);
}

ProcessState state_of(Phase phase) {
    switch (phase) {
        case Phase::running:
        case Phase::restarting:
            return ProcessState::running;
        case Phase::held:
            return ProcessState::held;
        case Phase::exited:
            return ProcessState::exited;
        case Phase::gated:
        case Phase::unattached:
            break;
    }
    return ProcessState::gated;
}

}  // namespace

SidecarLink::SidecarLink(asio::any_io_executor executor, std::string container, std::filesystem::path socket,
                         std::vector<std::string> roots, App& app, Events events)
    : socket_(executor),
      timer_(executor),
      container_(std::move(container)),
      path_(std::move(socket)),
      tree_(executor, container_, roots, path_.parent_path() / "kept"),
      app_(app),
      events_(std::move(events)) {}

void SidecarLink::start() {
    tree_.begin();
    // Ends with the io_context; an exception of a library is the supervisor's end, by main.
    asio::co_spawn(socket_.get_executor(), run(), [](std::exception_ptr error) {
        if (error) std::rethrow_exception(error);
    });
}

asio::awaitable<void> SidecarLink::run() {
    auto retry = kFirstRetry;
    for (;;) {
        socket_ = asio::local::stream_protocol::socket(timer_.get_executor());
        const auto [error] = co_await socket_.async_connect(path_.native(), kToken);
        if (!error) {
            retry = kFirstRetry;
            co_await serve_stream();
            drop_stream();
        }
        timer_.expires_after(retry);
        co_await timer_.async_wait(kToken);
        retry = std::min(retry * 2, kLastRetry);
    }
}

asio::awaitable<void> SidecarLink::serve_stream() {
    session_.emplace(tree_.roots(), Clock::now());
    report();
    std::vector<char> buffer(kReadBytes);
    for (;;) {
        for (;;) {
            auto event = session_->next();
            if (!event) {
                log(LogLevel::warn, "agent", "sidecar lost", {{"error", event.error().message}});
                flush();
                co_return;
            }
            if (!*event) break;
            co_await handle(*std::move(*event));
            flush();
        }
        flush();
        const auto [error, size] = co_await socket_.async_read_some(asio::buffer(buffer), kToken);
        if (error) co_return;
        session_->receive({buffer.data(), size}, Clock::now());
    }
}

void SidecarLink::drop_stream() {
    boost::system::error_code ignored;
    socket_.close(ignored);
    handle_host(false);
    session_.reset();
    sending_.reset();
    if (on_flushed_) std::exchange(on_flushed_, {})();
}

void SidecarLink::handle_host(bool present) {
    incoming_.reset();
    events_.on_host(present);
    if (present) report();
}

asio::awaitable<void> SidecarLink::handle(AgentEvent event) {
    if (auto* step = std::get_if<GenerationStep>(&event)) {
        if (auto* start = std::get_if<GenerationStart>(step)) begin(*start);
        const bool ends = std::holds_alternative<GenerationEnd>(*step);
        co_await handle_step(std::move(*step));
        if (ends) co_await finish_generation();
    } else if (auto* refused = std::get_if<GenerationRefused>(&event)) {
        incoming_.reset();
        answer(std::unexpected(std::move(refused->error)));
    } else if (std::holds_alternative<ReleaseAsked>(event)) {
        answer(app_.release());
    } else if (std::holds_alternative<RestartAsked>(event)) {
        answer(co_await app_.restart());
    } else if (std::holds_alternative<InventoryAsked>(event)) {
        co_await send_inventory();
    } else if (std::holds_alternative<DigestAsked>(event)) {
        co_await send_digest();
    } else if (std::holds_alternative<NoHostComes>(event)) {
        events_.on_no_host();
    } else {
        handle_host(std::holds_alternative<HostArrived>(event));
    }
}

void SidecarLink::begin(const GenerationStart& start) {
    incoming_.reset();
    incoming_.emplace(Incoming{start, Clock::now(), {}, tree_.start(start.id), std::nullopt});
}

asio::awaitable<void> SidecarLink::handle_step(GenerationStep step) {
    if (!incoming_ || incoming_->failure) co_return;
    const auto begun = Clock::now();
    Result<> taken;
    if (auto* range = std::get_if<CopyRange>(&step)) {
        while (taken && range->length > 0) {
            const CopyRange now{range->offset, std::min(range->length, kCopyAtOnce)};
            taken = incoming_->transaction->copy(now);
            range->offset += now.length;
            range->length -= now.length;
            if (range->length > 0) co_await asio::post(timer_.get_executor(), asio::use_awaitable);
        }
    } else {
        taken = incoming_->transaction->take(std::move(step));
    }
    if (!taken) incoming_->failure = std::move(taken).error();
    incoming_->staging += Clock::now() - begun;
}

asio::awaitable<void> SidecarLink::finish_generation() {
    if (!incoming_) co_return;
    Incoming incoming = *std::exchange(incoming_, std::nullopt);
    const auto received = Clock::now();
    Result<> result;
    if (incoming.failure) {
        result = std::unexpected(*std::move(incoming.failure));
    } else {
        result = tree_.commit(*incoming.transaction);
    }
    if (result) {
        Applied applied{incoming.start.id,
                        in_us(received - incoming.begun),
                        in_us(incoming.staging),
                        in_us(Clock::now() - received),
                        {},
                        {}};
        // Where replicas share a machine, the files of all come before the restart of any.
        if (!incoming.start.after.empty()) std::this_thread::yield();
        const auto begun = Clock::now();
        if (auto followed = co_await run_after(incoming.start.after); !followed)
            applied.after = std::move(followed).error();
        if (!incoming.start.after.empty()) applied.restarted = in_us(Clock::now() - begun);
        session_->send(FrameType::applied, encode_applied(applied));
    } else {
        answer(std::move(result));
    }
    flush();
    tree_.settle(std::move(incoming.transaction));
}

asio::awaitable<Result<>> SidecarLink::run_after(const std::vector<AfterApply>& after) {
    for (const AfterApply& step : after) {
        switch (step.kind) {
            case AfterKind::restart:
                CO_TRY(co_await app_.restart());
                break;
            case AfterKind::signal:
                // One that has no handler yet would end by it: it boots, and is made to read all anew.
                if (auto sent = app_.signal(step.number); !sent) {
                    if (sent.error().code != Errc::conflict) co_return sent;
                    CO_TRY(co_await app_.restart());
                }
                break;
            case AfterKind::command:
                CO_TRY(co_await app_.run_command(step.command));
                break;
            case AfterKind::pause: {
                asio::steady_timer timer(timer_.get_executor(), std::chrono::milliseconds(step.number));
                co_await timer.async_wait(kToken);
                break;
            }
        }
    }
    co_return Result<>{};
}

asio::awaitable<void> SidecarLink::send_inventory() {
    auto payloads = co_await tree_.inventory();
    if (payloads) {
        session_->send(FrameType::inventory_begin, encode_inventory_begin(tree_.generation(), tree_.roots()));
        for (const std::string& payload : *payloads) session_->send(FrameType::inventory_entries, payload);
        answer({});
    } else {
        answer(std::unexpected(std::move(payloads).error()));
    }
}

asio::awaitable<void> SidecarLink::send_digest() {
    const auto digest = co_await tree_.digest();
    if (digest) {
        session_->send(FrameType::digested, encode_digested(*digest));
    } else {
        answer(std::unexpected(digest.error()));
    }
}

void SidecarLink::answer(Result<> result) {
    if (result) {
        session_->send(FrameType::done, {});
    } else {
        session_->send(FrameType::failed, encode_failed(result.error()));
    }
}

void SidecarLink::tell_change() {
    if (!session_) return;
    session_->send_status(app_.phase());
    // To the host a restart is over as soon as it has begun; what is new since then comes with its end.
    if (app_.phase() != Phase::restarting) send_report();
    flush_soon();
}

void SidecarLink::report() {
    session_->send_status(app_.phase());
    send_report();
    flush();
}

void SidecarLink::send_report() {
    session_->send(FrameType::report,
                   encode_report({container_, state_of(app_.phase()), tree_.generation(), app_.starts(),
                                  app_.listening(), app_.exit_code(), app_.last_output(), tree_.roots()}));
}

// What is said until this thread is free again goes out as one write.
void SidecarLink::flush_soon() {
    if (std::exchange(flush_is_due_, true)) return;
    asio::post(timer_.get_executor(), [this] {
        flush_is_due_ = false;
        flush();
    });
}

void SidecarLink::flush() {
    if (sending_) return;
    if (!session_ || session_->output().empty()) {
        if (on_flushed_) std::exchange(on_flushed_, {})();
        return;
    }
    auto bytes = std::make_shared<std::string>(std::exchange(session_->output(), {}));
    sending_ = bytes;
    asio::async_write(socket_, asio::buffer(*bytes), [this, bytes](boost::system::error_code, std::size_t) {
        if (sending_ != bytes) return;  // of a stream that is gone
        sending_.reset();
        flush();  // after an error the reader sees the end of the stream too
    });
}

void SidecarLink::when_flushed(std::function<void()> then) {
    on_flushed_ = std::move(then);
    flush();
}

}  // namespace synchost::agent
