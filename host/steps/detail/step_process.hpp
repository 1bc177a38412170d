// One program of this machine, beside the io thread: started without a shell in a process group of its own,
// with nothing to read, a clean signal mask and none of our descriptors. What it writes, to standard output
// and error alike, comes as lines in the order in which it was written: both are one pipe.
//
// Its end is that of the program that was started; whatever else is in its group is killed then. The kernel
// kills the program when the thread that started it ends (PDEATHSIG), so that a host that is killed leaves
// none behind: start it from the io thread, which lives as long as the host. What the program itself started
// is not reached by that; it loses its output.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "host/steps/detail/output_lines.hpp"

namespace synchost::host::detail {

inline constexpr std::chrono::seconds kStepGrace{2};  // between TERM and KILL

struct StepEnd {
    int exit_code = 0;
    int signal = 0;  // that ended it; 0 where it exited
    auto operator<=>(const StepEnd&) const = default;
};

struct StepProgram {
    std::vector<std::string> argv;  // argv[0] without '/' is looked up in PATH, else relative to `folder`
    std::filesystem::path folder;
    std::map<std::string, std::string> env;  // added to ours
};

class StepProcess {
  public:
    // `lines` is called on the executor, one line at a time, and never after wait() has returned. not_found
    // where there is no such program, io where it cannot be started.
    static Result<std::unique_ptr<StepProcess>> start(boost::asio::any_io_executor executor,
                                                      const StepProgram& program, OutputLines::Sink lines);
    ~StepProcess();  // kill()
    StepProcess(const StepProcess&) = delete;
    StepProcess& operator=(const StepProcess&) = delete;

    // Until it has ended and all that it wrote has been told.
    [[nodiscard]] boost::asio::awaitable<StepEnd> wait();
    // TERM to its group now, KILL after kStepGrace; a second call changes nothing.
    void end();
    // KILL, at once; its lines come to nobody any more.
    void kill();
    [[nodiscard]] bool ended() const;

  private:
    class Impl;
    explicit StepProcess(std::shared_ptr<Impl> impl);
    std::shared_ptr<Impl> impl_;
};

}  // namespace synchost::host::detail
