// A line of podman's k8s-file log, the CRI format: "<time> stdout|stderr F|P <text>"; P means that the line
// goes on in the next record of the same stream. The bytes come from the container: nothing is trusted,
// everything bounded.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace synchost::host::podman {

struct ContainerLine {
    std::string text;  // at most kMaxLineBytes; a longer line comes in pieces
    bool error_stream = false;
    std::int64_t time_ns = 0;  // since the epoch, of its last record; 0 where that had none
    auto operator<=>(const ContainerLine&) const = default;
};

inline constexpr std::size_t kMaxLineBytes = std::size_t{64} << 10;

class LogLines {
  public:
    // Bytes in any pieces; the lines that became complete. Records that are not CRI are passed over.
    std::vector<ContainerLine> feed(std::string_view bytes);

  private:
    void take(std::string_view record, std::vector<ContainerLine>& out);
    std::string record_;                  // without its newline so far
    std::array<std::string, 2> partial_;  // by stream
};

}  // namespace synchost::host::podman
