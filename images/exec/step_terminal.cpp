#include "images/exec/step_terminal.hpp"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <thread>

#include "base/file.hpp"

namespace synchost::images {
namespace {

class RawMode {
  public:
    RawMode() : is_set_(::tcgetattr(STDIN_FILENO, &before_) == 0) {
        termios raw = before_;
        ::cfmakeraw(&raw);
        if (is_set_) ::tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    }
    RawMode(const RawMode&) = delete;
    RawMode& operator=(const RawMode&) = delete;
    ~RawMode() {
        if (is_set_) ::tcsetattr(STDIN_FILENO, TCSADRAIN, &before_);
    }

  private:
    termios before_{};
    bool is_set_;
};

struct PseudoTerminal {
    Fd outer;
    Fd inner;
};
Result<PseudoTerminal> make_terminal() {
    PseudoTerminal out;
    out.outer = Fd(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    std::array<char, 128> name{};
    if (!out.outer || ::grantpt(out.outer.get()) != 0 || ::unlockpt(out.outer.get()) != 0 ||
        ::ptsname_r(out.outer.get(), name.data(), name.size()) != 0)
        return fail_errno("a terminal for the shell");
    TRY_ASSIGN(out.inner, open_file(name.data(), O_RDWR | O_NOCTTY));
    return out;
}

void take_size(int outer) {
    winsize size{};
    if (::ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0) ::ioctl(outer, TIOCSWINSZ, &size);
}

// False at the end of `from`.
bool pass(int from, int to) {
    std::array<char, 4096> buffer{};
    const ssize_t got = ::read(from, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) return true;
    return got > 0 && write_all(to, {buffer.data(), static_cast<std::size_t>(got)}).has_value();
}

// Until nobody has the inner end any more.
void relay(int outer) {
    std::array<pollfd, 2> ends = {{{outer, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}}};
    for (;;) {
        if (::poll(ends.data(), ends.size(), -1) < 0 && errno != EINTR) return;
        take_size(outer);
        if (ends[0].revents != 0 && !pass(outer, STDERR_FILENO)) return;
        if (ends[1].revents != 0 && !pass(STDIN_FILENO, outer)) ends[1].fd = -1;
    }
}

}  // namespace

bool has_terminal() {
    return ::isatty(STDIN_FILENO) == 1 && ::isatty(STDERR_FILENO) == 1;
}

Result<int> run_step_on_terminal(Step step, const StepFolder& folder) {
    TRY_ASSIGN(PseudoTerminal terminal, make_terminal());
    take_size(terminal.outer.get());
    step.terminal = terminal.inner.get();
    const RawMode raw;
    std::thread relaying([outer = terminal.outer.get()] { relay(outer); });
    auto code = run_step(step, folder, [](std::string_view) {});
    terminal.inner.reset();
    relaying.join();
    return code;
}

}  // namespace synchost::images
