// The live area of a `watch` on a terminal: what is told, and what changes, comes in from any thread; one
// coroutine draws it, at most ten times in a second, and only when something has changed or a bar moves.
// While nothing happens it sleeps without a time limit.
#pragma once

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

#include "base/signal.hpp"
#include "host/control/status.hpp"
#include "host/engine/reporter.hpp"
#include "host/view/live_model.hpp"
#include "host/view/terminal_writer.hpp"

namespace synchost::host {

class LiveView {
  public:
    // `fd` is a terminal's, and borrowed. Where standard error is one, too, what log() writes goes through
    // the view for as long as it is there: it would stand in the middle of the area. `io` runs on one thread,
    // and runs nothing more of it once the view is gone.
    LiveView(boost::asio::any_io_executor io, int fd, bool colour);
    ~LiveView();
    LiveView(const LiveView&) = delete;
    LiveView& operator=(const LiveView&) = delete;

    // From any thread.
    void print(std::string_view lines);  // whole ones, which stay
    void note(const ToldLine& told);
    void note_build_line(const std::string& image, std::string_view line);
    void note_blob(const std::string& image, const registry::BlobEvent& event);
    void changed();  // what `status` says

    // On the io thread: draws until stop(), then erases the area.
    boost::asio::awaitable<void> run(std::function<Status()> status);
    void stop();
    // For a process that ends now, see TerminalWriter::try_close().
    void erase_at_once() { writer_.try_close(); }

  private:
    using Clock = std::chrono::steady_clock;

    // Returns when something will change by itself.
    Clock::time_point draw(const Status& status);

    boost::asio::any_io_executor io_;
    TerminalWriter writer_;
    bool colour_;
    std::mutex mutex_;
    LastTold told_;
    WorkOfImages work_;
    std::atomic<bool> is_new_ = true;  // since it was drawn last
    bool stopped_ = false;
    Signal wake_;
};

}  // namespace synchost::host
