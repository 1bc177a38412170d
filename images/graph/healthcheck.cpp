#include "images/graph/healthcheck.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <set>

#include "base/rel_path.hpp"
#include "base/suggest.hpp"

namespace synchost::images {
namespace {

constexpr std::array<std::string_view, 5> kFlags = {"--interval", "--timeout", "--start-period",
                                                    "--start-interval", "--retries"};
constexpr std::int64_t kMillisecond = 1'000'000;

struct Unit {
    std::string_view name;
    std::int64_t nanoseconds;
};
constexpr std::array<Unit, 8> kUnits = {{{"ns", 1},
                                         {"us", 1'000},
                                         {"\xc2\xb5s", 1'000},
                                         {"\xce\xbcs", 1'000},
                                         {"ms", kMillisecond},
                                         {"s", 1'000 * kMillisecond},
                                         {"m", 60'000 * kMillisecond},
                                         {"h", 3'600'000 * kMillisecond}}};

std::string_view take_digits(std::string_view& text) {
    const std::size_t end = std::min(text.find_first_not_of("0123456789"), text.size());
    const std::string_view out = text.substr(0, end);
    text.remove_prefix(end);
    return out;
}

// One "1.5h"; nothing where it is none or too large.
std::optional<std::int64_t> take_part(std::string_view& text) {
    const std::string_view whole = take_digits(text);
    std::string_view fraction;
    if (text.starts_with('.')) {
        text.remove_prefix(1);
        fraction = take_digits(text);
    }
    if (whole.empty() && fraction.empty()) return std::nullopt;
    const std::size_t unit_end = std::min(text.find_first_of(".0123456789"), text.size());
    const auto unit = std::ranges::find(kUnits, text.substr(0, unit_end), &Unit::name);
    if (unit == kUnits.end()) return std::nullopt;
    text.remove_prefix(unit_end);
    std::int64_t out = 0;
    if (!whole.empty()) {
        const auto [end, error] = std::from_chars(whole.data(), whole.data() + whole.size(), out);
        if (error != std::errc{} || out > std::numeric_limits<std::int64_t>::max() / unit->nanoseconds)
            return std::nullopt;
        out *= unit->nanoseconds;
    }
    double scale = static_cast<double>(unit->nanoseconds);
    double part = 0;
    for (const char digit : fraction) part += (scale /= 10) * (digit - '0');
    const auto more = static_cast<std::int64_t>(part + 1e-6);
    if (out > std::numeric_limits<std::int64_t>::max() - more) return std::nullopt;
    return out + more;
}

Result<std::int64_t> interval(std::string_view flag, std::string_view value) {
    TRY_ASSIGN(const std::int64_t out, parse_duration(value));
    if (out != 0 && out < kMillisecond)
        return fail(Errc::invalid_input, std::string(flag) + " is at least 1ms, or 0 for the default");
    return out;
}

Result<int> retries(std::string_view value) {
    int out = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), out);
    if (error != std::errc{} || end != value.data() + value.size() || out < 0)
        return fail(Errc::invalid_input,
                    "--retries is a number from 0 on, not " + printable(value.substr(0, 60)));
    return out;
}

Result<> apply_flags(const Instruction& instruction, Healthcheck& out) {
    std::set<std::string, std::less<>> seen;
    for (const std::string& flag : instruction.flags) {
        const std::size_t equals = flag.find('=');
        const std::string name = flag.substr(0, equals);
        if (std::ranges::find(kFlags, name) == kFlags.end()) {
            return fail(Errc::invalid_input, "HEALTHCHECK has no flag " + printable(name.substr(0, 60)),
                        did_you_mean(name, kFlags));
        }
        if (equals == std::string::npos || equals + 1 == flag.size())
            return fail(Errc::invalid_input, "HEALTHCHECK " + name + " needs a value");
        if (!seen.insert(name).second)
            return fail(Errc::invalid_input, "HEALTHCHECK " + name + " is given twice");
        const std::string_view value = std::string_view(flag).substr(equals + 1);
        if (name == "--retries") {
            TRY_ASSIGN(out.retries, retries(value));
            continue;
        }
        std::int64_t& field = name == "--interval"       ? out.interval
                              : name == "--timeout"      ? out.timeout
                              : name == "--start-period" ? out.start_period
                                                         : out.start_interval;
        TRY_ASSIGN(field, interval(name, value));
    }
    return {};
}

}  // namespace

Result<std::int64_t> parse_duration(std::string_view text) {
    const auto refuse = [&] {
        return fail(Errc::invalid_input, "not a duration: " + printable(text.substr(0, 60)),
                    "Write it as 30s, 1m30s or 500ms.");
    };
    std::string_view rest = text;
    if (rest.starts_with('+')) rest.remove_prefix(1);
    if (rest == "0") return 0;
    if (rest.empty()) return refuse();
    std::int64_t out = 0;
    while (!rest.empty()) {
        const auto part = take_part(rest);
        if (!part || out > std::numeric_limits<std::int64_t>::max() - *part) return refuse();
        out += *part;
    }
    return out;
}

Result<Healthcheck> parse_healthcheck(const Instruction& instruction) {
    if (instruction.args.empty())
        return fail(Errc::invalid_input, "HEALTHCHECK needs CMD and a command, or NONE");
    std::string type = instruction.args[0];
    std::ranges::transform(type, type.begin(),
                           [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    const std::vector<std::string> command(instruction.args.begin() + 1, instruction.args.end());
    if (type == "NONE") {
        if (!command.empty()) return fail(Errc::invalid_input, "HEALTHCHECK NONE takes no command");
        return Healthcheck{.test = {"NONE"}};
    }
    if (type != "CMD") {
        return fail(Errc::invalid_input,
                    "HEALTHCHECK knows CMD and NONE, not " + printable(instruction.args[0].substr(0, 60)),
                    "Write HEALTHCHECK CMD before the command.");
    }
    if (command.empty()) return fail(Errc::invalid_input, "HEALTHCHECK CMD needs a command");
    Healthcheck out{.test = {instruction.json ? "CMD" : "CMD-SHELL"}};
    out.test.insert(out.test.end(), command.begin(), command.end());
    TRY(apply_flags(instruction, out));
    return out;
}

}  // namespace synchost::images
