#include "k8s/client/detail/exec_channels.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <nlohmann/json.hpp>

#include "k8s/client/api_error.hpp"
#include "k8s/detail/json_text.hpp"

namespace synchost::k8s::detail {

namespace {

constexpr char kOut = 1;
constexpr char kErr = 2;
constexpr char kStatus = 3;
constexpr char kClose = '\xFF';
constexpr std::size_t kMaxStatus = std::size_t{64} << 10;

}  // namespace

Result<int> parse_exec_status(std::string_view json) {
    const auto status = parse_json(json);
    const std::string outcome = status ? text_at(*status, {"status"}) : "";
    if (outcome == "Success") return 0;
    if (outcome != "Failure")
        return fail(Errc::protocol, "exec: not a Status: " + one_line(json.substr(0, 1000), 200));
    if (text_at(*status, {"reason"}) != "NonZeroExitCode") {
        // It says neither its kind nor always its code.
        const auto code = std::clamp<std::int64_t>(number_at(*status, {"code"}, 500), 400, 599);
        return std::unexpected(error_of_status({.http_code = static_cast<int>(code),
                                                .reason = one_line(text_at(*status, {"reason"}), 100),
                                                .message = one_line(text_at(*status, {"message"}), 1000)},
                                               "exec"));
    }
    for (const Json* cause : items_at(*status, {"details", "causes"})) {
        if (text_at(*cause, {"reason"}) != "ExitCode") continue;
        const std::string text = text_at(*cause, {"message"});
        unsigned char code = 0;
        const char* const end = text.data() + text.size();
        const auto read = std::from_chars(text.data(), end, code);
        if (read.ec == std::errc() && read.ptr == end) return code;
        return fail(Errc::protocol, "exec: not an exit code: " + one_line(text, 100));
    }
    return fail(Errc::protocol, "exec: the command failed, and its exit code is not told");
}

Result<> ExecOutput::take(std::string_view message) {
    if (message.empty()) return {};
    const char channel = message.front();
    message.remove_prefix(1);
    switch (channel) {
        case kOut:
            add(out, message);
            return {};
        case kErr:
            add(err, message);
            return {};
        case kStatus:
            if (status_.size() + message.size() > kMaxStatus)
                return fail(Errc::protocol,
                            "exec: a verdict of more than " + std::to_string(kMaxStatus) + " bytes");
            status_ += message;
            if (!status_.empty() && parse_json(status_)) verdict_ = parse_exec_status(status_);
            return {};
        case kClose:
            return {};
        default:
            return fail(Errc::protocol, "exec: a message of an unknown channel");
    }
}

Result<int> ExecOutput::final_verdict() const {
    if (verdict_) return *verdict_;
    if (!status_.empty()) return parse_exec_status(status_);
    return std::unexpected(
        Error{Errc::io, "exec: the connection ended before the command's exit code came", EPIPE, {}});
}

void ExecOutput::add(std::string& to, std::string_view bytes) {
    const std::size_t room = max_bytes_ - std::min(max_bytes_, to.size());
    cut = cut || bytes.size() > room;
    to += bytes.substr(0, room);
}

}  // namespace synchost::k8s::detail
