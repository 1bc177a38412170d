#include "host/control/request.hpp"

#include "base/rel_path.hpp"

namespace synchost::host {

std::string to_line(ControlRequest request) {
    return request == ControlRequest::verify ? "verify\n" : "status\n";
}

Result<ControlRequest> parse_request(std::string_view line) {
    if (line == "status") return ControlRequest::status;
    if (line == "verify") return ControlRequest::verify;
    return fail(Errc::invalid_input, "unknown request \"" + printable(line.substr(0, kMaxRequestBytes)) + '"',
                "Use the synchost program that the watch was started with.");
}

}  // namespace synchost::host
