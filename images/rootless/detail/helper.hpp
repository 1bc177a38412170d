// The process in a user namespace, as its parent has it.
#pragma once

#include <sys/types.h>

#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "images/rootless/detail/messages.hpp"

namespace synchost::images::detail {

inline constexpr int kHelperChannel = 3;

// A machine that refused one, with what to do.
Error no_namespace(int error);

class Helper {
  public:
    // unsupported, with the next step, where there is no namespace to be had.
    static Result<Helper> start(const std::vector<std::string>& program);
    Helper(Helper&& other) noexcept
        : pid_(std::exchange(other.pid_, -1)),
          channel_(std::move(other.channel_)),
          answered_(other.answered_) {}
    Helper& operator=(Helper&&) = delete;
    // Waits for its end; one that has not answered is killed.
    ~Helper();

    // The bytes of its answer. cancelled where a stop was requested. `steps` are those of a build that
    // failed; may be null.
    using Progress = std::function<void(const std::string&)>;
    Result<std::string> ask(const Question& question, const Progress& progress = {},
                            const std::stop_token& stop = {}, std::vector<ExplainedStep>* steps = nullptr);

  private:
    Helper(pid_t pid, Fd channel) : pid_(pid), channel_(std::move(channel)) {}
    Result<> let_go(Fd gate);
    Error ended_early();
    pid_t pid_ = -1;
    Fd channel_;
    bool answered_ = false;
};

}  // namespace synchost::images::detail
