// The supervisor's stream to its sidecar, and through it to the host: reports go out, generations and
// requests come in and are carried out one after the other. Connects again for as long as it lives.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/apply/managed_tree.hpp"
#include "agent/process/app.hpp"
#include "protocol/agent_session.hpp"

namespace synchost::agent {

class SidecarLink {
  public:
    struct Events {
        std::function<void(bool present)> on_host;  // came or left
        std::function<void()> on_no_host;           // none will come
    };
    SidecarLink(boost::asio::any_io_executor executor, std::string container, std::filesystem::path socket,
                std::vector<std::string> roots, App& app, Events events);

    void start();
    // The app's phase, starts, exit code or listening is another: to sidecar and host.
    void tell_change();
    // Calls `then` once nothing is left to send, be it because the stream broke: the last words of a
    // supervisor.
    void when_flushed(std::function<void()> then);

  private:
    using Clock = std::chrono::steady_clock;
    boost::asio::awaitable<void> run();
    boost::asio::awaitable<void> serve_stream();
    boost::asio::awaitable<void> handle(protocol::AgentEvent event);
    void handle_host(bool present);
    boost::asio::awaitable<void> handle_step(protocol::GenerationStep step);
    void begin(const protocol::GenerationStart& start);
    boost::asio::awaitable<void> finish_generation();
    boost::asio::awaitable<Result<>> run_after(const std::vector<protocol::AfterApply>& after);
    boost::asio::awaitable<void> send_inventory();
    boost::asio::awaitable<void> send_digest();
    void answer(Result<> result);
    void report();
    void send_report();
    void flush();
    void flush_soon();
    void drop_stream();

    boost::asio::local::stream_protocol::socket socket_;
    boost::asio::steady_timer timer_;
    std::string container_;
    std::filesystem::path path_;
    ManagedTree tree_;
    App& app_;
    Events events_;
    std::optional<protocol::AgentSession> session_;
    std::shared_ptr<const std::string> sending_;
    bool flush_is_due_ = false;
    std::function<void()> on_flushed_;

    struct Incoming {
        protocol::GenerationStart start;
        Clock::time_point begun;
        Clock::duration staging{};
        std::unique_ptr<Transaction> transaction;
        std::optional<Error> failure;
    };
    std::optional<Incoming> incoming_;
};

}  // namespace synchost::agent
