// Passes the app's output through unchanged, and keeps its last bytes. Each of the two streams has a pipe of
// its own, made once: both restarts of the app and what it left in the background write into the same. A
// stream that is a terminal is handed to the app as it is (and nothing of it is kept), because programs
// behave otherwise on a pipe.
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

namespace synchost::agent {

class OutputTap {
  public:
    static Result<std::unique_ptr<OutputTap>> make(boost::asio::any_io_executor executor);

    [[nodiscard]] ChildStdio stdio() const;  // for start_child
    void start();
    void stop();
    // Reads and passes on what is in the pipes now; a reader of ours that is stuck may cost 200 ms.
    void drain();
    [[nodiscard]] std::string last() const { return ring_.last(); }
    void clear() { ring_.clear(); }

  private:
    struct Stream {
        Fd write_end;  // the app's
        std::unique_ptr<boost::asio::posix::stream_descriptor>
            read_end;  // none where the app has our descriptor
        std::unique_ptr<boost::asio::posix::stream_descriptor>
            target;  // ours; none where it cannot be polled
        int target_fd = -1;
        std::string held_back;  // read, and not yet taken by the target
    };
    explicit OutputTap(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {}
    Result<> open(Stream& stream, int target_fd);
    void wait_readable(Stream& stream);
    void wait_writable(Stream& stream);
    bool read_some(Stream& stream);
    void write_some(Stream& stream, int timeout_ms);

    boost::asio::any_io_executor executor_;
    std::array<Stream, 2> streams_;
    OutputRing ring_{std::size_t{16} << 10};
};

}  // namespace synchost::agent
