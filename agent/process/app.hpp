// The life of the app's process in one container: gated, running, restarting, held, exited (PROTOCOL.md,
// States), and the commands that run beside it. Knows nothing of files or streams. All on one io_context
// thread.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/process/listen_watch.hpp"
#include "agent/process/output_tap.hpp"
#include "base/error.hpp"
#include "protocol/messages.hpp"

namespace synchost::agent {

enum class WhenItDies : std::uint8_t { hold, exit };

struct AppOptions {
    std::vector<std::string> argv;
    std::chrono::milliseconds grace{2000};  // between TERM and KILL of a restart
    std::chrono::milliseconds command_deadline{60'000};
    WhenItDies when_it_dies = WhenItDies::hold;
};

class App {
  public:
    struct Events {
        std::function<void()> on_change;       // phase, starts, exit code, listening
        std::function<void(int)> on_finished;  // the supervisor is to exit with this code
    };
    App(boost::asio::any_io_executor executor, AppOptions options, OutputTap& output, Events events);

    // Starts the process where it is gated or held; nothing where it runs. An Error where it cannot be
    // started: it is held then, or finished with 127 or 126 where it may not be held.
    Result<> release();
    // Ends the process group (TERM, KILL after the grace time, for it and for what it leaves behind), and
    // starts it again; starts it where it does not run.
    boost::asio::awaitable<Result<>> restart();
    // Sends the signal to the process alone, as `kill PID` does; starts the process where it is gated or
    // held. conflict where the process would end by it: it has no handler (yet), and is left as it is.
    Result<> signal(int number);
    // Runs a command beside the process, to its end: with the process's environment, folder and output,
    // nothing on its standard input, and a process group of its own, of which nothing is left afterwards. An
    // exit code other than 0 is an Error with the last lines that it printed; timeout where it was killed at
    // its deadline, cancelled where the container stops. One at a time.
    boost::asio::awaitable<Result<>> run_command(std::vector<std::string> argv);

    // A child of this process ended, as waitpid(2) says it. Children that are neither the app nor its command
    // are orphans, and forgotten.
    void on_reaped(pid_t pid, int wait_status);
    // A signal from outside: goes to the process group. TERM is the end: also INT and QUIT where the process
    // ends by them. There is no KILL of ours here: how long a stop may take is said by the pod, and enforced
    // by its runtime.
    void on_signal(int number);

    [[nodiscard]] protocol::Phase phase() const { return phase_; }
    [[nodiscard]] std::uint32_t starts() const { return starts_; }
    // From its last start until the process took connections again; nothing before, and where that is not
    // known.
    [[nodiscard]] std::optional<std::chrono::microseconds> listening() const { return listening_; }
    [[nodiscard]] std::optional<int> exit_code() const { return exit_code_; }
    [[nodiscard]] const std::string& last_output() const { return last_output_; }  // before the last end

  private:
    using Clock = std::chrono::steady_clock;
    Result<> start();
    [[nodiscard]] bool is_stopping() const;
    void end_command(int wait_status);
    void become(protocol::Phase phase);
    void finish(int exit_code);
    [[nodiscard]] bool ends_container() const;

    AppOptions options_;
    OutputTap& output_;
    Events events_;
    boost::asio::steady_timer ended_;          // cancelled when the process has ended
    boost::asio::steady_timer command_ended_;  // cancelled when the command has ended
    ListenWatch listen_watch_;
    protocol::Phase phase_ = protocol::Phase::gated;
    pid_t pid_ = -1;
    pid_t command_pid_ = -1;
    int command_status_ = 0;  // of the last command, as waitpid(2) gave it
    std::uint32_t starts_ = 0;
    std::optional<std::chrono::microseconds> listening_;
    std::optional<int> exit_code_;
    std::string last_output_;
    bool stop_was_asked_ = false;                  // TERM came from outside
    std::optional<Clock::time_point> maybe_stop_;  // INT or QUIT came from outside
};

}  // namespace synchost::agent
