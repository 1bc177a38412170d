// Container logs: any bytes, in any two pieces, give the same lines, none longer than the bound.
#include <cstdlib>

#include "host/runtime/podman/log_line.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using synchost::host::podman::LogLines;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    LogLines whole;
    LogLines pieces;
    const auto expected = whole.feed(bytes);
    auto got = pieces.feed(bytes.substr(0, size / 2));
    for (auto& line : pieces.feed(bytes.substr(size / 2))) got.push_back(std::move(line));
    if (got != expected) std::abort();
    for (const auto& line : got) {
        if (line.text.size() > synchost::host::podman::kMaxLineBytes) std::abort();
    }
    return 0;
}
