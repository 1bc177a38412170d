// Passes the output of the app, and of commands that run beside it, through unchanged, and keeps its last
// lines. Each stream has a pipe of its own, made once: both restarts of the app and what it left in the
// background write into the same. A stream that is a terminal is handed to the app as it is (and nothing of
// it is kept), because programs behave otherwise on a pipe; what a command says is always kept, for the error
// that names it.
#pragma once

#include <array>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "agent/process/child.hpp"
#include "agent/process/output_ring.hpp"
#include "base/error.hpp"
#include "base/fd.hpp"
#include "protocol/messages.hpp"

namespace synchost::agent {

class OutputTap {
  public:
    static Result<std::unique_ptr<OutputTap>> make(boost::asio::any_io_executor executor);

    [[nodiscard]] ChildStdio stdio() const;  // for start_child
    void start();
    void stop();
    // Reads and passes on what is in the app's pipes now; a reader of ours that is stuck may cost 200 ms.
    void drain();
    // The last 100 lines of the app and of the commands beside it.
    [[nodiscard]] std::string last() const { return ring_.last(); }
    void clear() { ring_.clear(); }

    // The same for one command at a time.
    [[nodiscard]] ChildStdio command_stdio() const;  // its standard input is the caller's to say
    void begin_command() { command_ring_.clear(); }
    // Drains its pipes, and returns its last lines.
    std::string end_command();

  private:
    struct Stream {
        Fd write_end;  // the app's
        std::unique_ptr<boost::asio::posix::stream_descriptor>
            read_end;  // none where the app has our descriptor
        std::unique_ptr<boost::asio::posix::stream_descriptor>
            target;  // ours; none where it cannot be polled
        int target_fd = -1;
        std::string held_back;       // read, and not yet taken by the target
        OutputRing* also = nullptr;  // keeps this stream's output as well
    };
    explicit OutputTap(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {}
    Result<> open(Stream& stream, int target_fd);
    Result<> open_command(Stream& stream, int target_fd);
    Result<> open_pipe(Stream& stream);
    void drain(Stream& stream);
    void wait_readable(Stream& stream);
    void wait_writable(Stream& stream);
    bool read_some(Stream& stream);
    void write_some(Stream& stream, int timeout_ms);

    boost::asio::any_io_executor executor_;
    std::array<Stream, 2> app_;
    std::array<Stream, 2> command_;
    OutputRing ring_{protocol::kMaxOutputBytes, 100};
    OutputRing command_ring_{std::size_t{3} << 10, 20};
};

}  // namespace synchost::agent
