#include "agent/cli/arguments.hpp"

#include <charconv>

#include "base/rel_path.hpp"

namespace synchost::agent {
namespace {

template <typename T>
bool parse_all(std::string_view text, T& value) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

std::optional<std::string_view> Arguments::next() {
    if (at_ == words_.size()) return std::nullopt;
    const std::string_view word = words_[at_];
    if (word == "--") return std::nullopt;
    ++at_;
    return word;
}

Result<std::string> Arguments::value_of(std::string_view name) {
    if (const auto value = next()) return std::string(*value);
    return fail(Errc::invalid_input, std::string(name) + " needs a value", "See synchost-agent --help.");
}

std::vector<std::string> Arguments::rest() const {
    std::vector<std::string> rest;
    for (std::size_t i = at_ + 1; i < words_.size(); ++i) rest.emplace_back(words_[i]);
    return rest;
}

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
    std::string_view digits = text;
    std::int64_t factor = 1;
    if (digits.ends_with("ms")) {
        digits.remove_suffix(2);
    } else if (digits.ends_with('s')) {
        digits.remove_suffix(1);
        factor = 1000;
    }
    std::uint32_t value = 0;
    constexpr std::int64_t kDayMs = 86'400'000;
    if (!parse_all(digits, value) || value * factor > kDayMs) {
        return fail(Errc::invalid_input, "\"" + printable(text) + "\" is not a time",
                    "Write it as 500ms or 5s.");
    }
    return std::chrono::milliseconds(value * factor);
}

Result<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    if (!parse_all(text, port) || port == 0) {
        return fail(Errc::invalid_input, "\"" + printable(text) + "\" is not a port",
                    "A port is 1 to 65535.");
    }
    return port;
}

Result<std::uint32_t> parse_number(std::string_view text) {
    std::uint32_t value = 0;
    if (!parse_all(text, value))
        return fail(Errc::invalid_input, "\"" + printable(text) + "\" is not a number");
    return value;
}

std::unexpected<Error> unknown_option(std::string_view word) {
    return fail(Errc::invalid_input, "unknown option " + printable(word), "See synchost-agent --help.");
}

}  // namespace synchost::agent
