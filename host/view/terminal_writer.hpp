// A terminal whose last rows are an area that is drawn again and again, below lines that scroll and stay.
//
// The cursor rests at the beginning of the row below the area. A line that is to stay erases the area, is
// written in its place, and the area follows: all in one write, so that nothing flickers. An area that has
// changed is corrected line by line. The rows to go up are those that the drawn lines fill on the screen as
// wide as it is now: when a window is made narrower, terminals break lines that no longer fit into several
// rows. Those that cut them off instead (xterm, the console of Linux) lose some of the lines above at that
// moment.
//
// It never hides the cursor, changes no mode of the terminal, and reads nothing from it.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace synchost::host {

struct TerminalSize {
    std::size_t width = 80;
    std::size_t height = 24;
    bool operator==(const TerminalSize&) const = default;
};
// Of the terminal, or the usual 80 x 24 where it does not say.
[[nodiscard]] TerminalSize terminal_size(int fd);

// A terminal that understands cursor movement, by TERM.
[[nodiscard]] bool can_redraw(int fd);

// Functions may be called from any thread.
class TerminalWriter {
  public:
    // The lines of an area, each at most width - 1 columns, without a line's end. Called under a lock.
    using Area = std::function<std::vector<std::string>(TerminalSize size)>;

    // `fd` is borrowed, and written to with nothing in between.
    explicit TerminalWriter(int fd) : fd_(fd) {}
    ~TerminalWriter() { close(); }
    TerminalWriter(const TerminalWriter&) = delete;
    TerminalWriter& operator=(const TerminalWriter&) = delete;

    // Whole lines, each with its end. False where lines come so fast that the area was left out: the next
    // show() brings it back.
    bool print(std::string_view lines);
    // The area from now on; writes what differs from what is drawn, which is often nothing.
    void show(Area area);
    // Erases the area; lines may follow.
    void close();
    // The same for a process that ends now: does nothing where another thread is writing, to a terminal that
    // was stopped perhaps.
    void try_close();

  private:
    [[nodiscard]] std::string erase(std::size_t width);
    [[nodiscard]] std::string draw(std::vector<std::string> lines);
    [[nodiscard]] std::string correct(std::vector<std::string> lines);
    [[nodiscard]] bool may_repaint();
    void erase_for_good();
    void write(std::string_view bytes) const;

    int fd_;
    std::mutex mutex_;
    Area area_;
    TerminalSize size_;               // that the drawn lines were made for
    std::vector<std::string> drawn_;  // on the screen now
    std::chrono::steady_clock::time_point window_{};
    std::size_t repaints_ = 0;  // since then
};

}  // namespace synchost::host
