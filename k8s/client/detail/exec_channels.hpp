// What the other end of an exec sends, put together: outputs within bounds, and the verdict. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace synchost::k8s::detail {

inline constexpr std::string_view kExecV5 = "v5.channel.k8s.io";
inline constexpr std::string_view kExecV4 = "v4.channel.k8s.io";

// The Status of the error channel: the exit code, 0 for Success, `message` of details.causes for the reason
// NonZeroExitCode. cluster with the message of any other failure; protocol for what is no such Status.
Result<int> parse_exec_status(std::string_view json);

class ExecOutput {
  public:
    explicit ExecOutput(std::size_t max_bytes) : max_bytes_(max_bytes) {}

    // protocol for a message of an unknown channel, or a verdict of more than 64 KiB.
    Result<> take(std::string_view message);
    // The exit code, or why there is none, once all of the verdict has come.
    [[nodiscard]] const std::optional<Result<int>>& verdict() const { return verdict_; }
    // The same at the end of the connection, when nothing more can come.
    [[nodiscard]] Result<int> final_verdict() const;

    std::string out;
    std::string err;
    bool cut = false;

  private:
    void add(std::string& to, std::string_view bytes);

    std::size_t max_bytes_;
    std::string status_;
    std::optional<Result<int>> verdict_;
};

}  // namespace synchost::k8s::detail
