#include "base/timestamp.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <ctime>

namespace synchost {
namespace {

// Takes `digits` digits off the front of `text`; -1 where there are not that many.
int take_number(std::string_view& text, std::size_t digits) {
    if (text.size() < digits) return -1;
    const std::string_view part = text.substr(0, digits);
    if (part.find_first_not_of("0123456789") != std::string_view::npos) return -1;
    int out = -1;
    std::from_chars(part.data(), part.data() + part.size(), out);
    text.remove_prefix(digits);
    return out;
}

bool take(std::string_view& text, std::string_view any_of) {
    if (text.empty() || !any_of.contains(text.front())) return false;
    text.remove_prefix(1);
    return true;
}

// ".123456789"; what is finer than a nanosecond is dropped.
std::optional<std::chrono::nanoseconds> take_fraction(std::string_view& text) {
    if (!take(text, ".")) return std::chrono::nanoseconds{0};
    const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    if (digits == 0) return std::nullopt;
    int out = 0;
    for (std::size_t i = 0; i < 9; ++i) out = out * 10 + (i < digits ? text[i] - '0' : 0);
    text.remove_prefix(digits);
    return std::chrono::nanoseconds{out};
}

std::optional<std::chrono::minutes> take_offset(std::string_view& text) {
    if (take(text, "Zz")) return std::chrono::minutes{0};
    const int sign = text.starts_with('-') ? -1 : 1;
    if (!take(text, "+-")) return std::nullopt;
    const int hours = take_number(text, 2);
    if (!take(text, ":")) return std::nullopt;
    const int minutes = take_number(text, 2);
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return std::nullopt;
    return std::chrono::minutes{sign * (hours * 60 + minutes)};
}

struct Moment {
    std::chrono::sys_seconds second;
    std::chrono::nanoseconds fraction;
};

std::optional<Moment> parse_moment(std::string_view text) {
    const int year = take_number(text, 4);
    if (!take(text, "-")) return std::nullopt;
    const int month = take_number(text, 2);
    if (!take(text, "-")) return std::nullopt;
    const int day = take_number(text, 2);
    if (!take(text, "Tt ")) return std::nullopt;
    const int hour = take_number(text, 2);
    if (!take(text, ":")) return std::nullopt;
    const int minute = take_number(text, 2);
    if (!take(text, ":")) return std::nullopt;
    const int second = take_number(text, 2);
    const auto fraction = take_fraction(text);
    const auto offset = take_offset(text);
    const std::chrono::year_month_day date{std::chrono::year(year),
                                           std::chrono::month(static_cast<unsigned>(month)),
                                           std::chrono::day(static_cast<unsigned>(day))};
    const bool valid = year >= 1970 && date.ok() && hour >= 0 && hour < 24 && minute >= 0 && minute < 60 &&
                       second >= 0 && second <= 60 && fraction && offset && text.empty();
    if (!valid) return std::nullopt;
    const auto local = std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
                       std::chrono::seconds(second);
    const Moment out{local - *offset, *fraction};
    return out.second.time_since_epoch().count() < 0 ? std::nullopt : std::optional(out);
}

}  // namespace

std::optional<std::chrono::sys_time<std::chrono::microseconds>> parse_timestamp(std::string_view text) {
    const auto moment = parse_moment(text);
    if (!moment) return std::nullopt;
    return moment->second + std::chrono::floor<std::chrono::microseconds>(moment->fraction);
}

std::optional<std::int64_t> parse_timestamp_ns(std::string_view text) {
    constexpr std::chrono::sys_days kEnd{std::chrono::year(2262) / 1 / 1};
    const auto moment = parse_moment(text);
    if (!moment || moment->second >= kEnd) return std::nullopt;
    return (moment->second.time_since_epoch() + moment->fraction).count();
}

std::string format_timestamp_ns(std::int64_t ns) {
    constexpr std::int64_t kSecond = 1'000'000'000;
    ns = std::max<std::int64_t>(ns, 0);
    const std::time_t seconds = ns / kSecond;
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    std::array<char, 64> out{};
    const int size = std::snprintf(out.data(), out.size(), "%04d-%02d-%02dT%02d:%02d:%02d.%09lldZ",
                                   parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour,
                                   parts.tm_min, parts.tm_sec, static_cast<long long>(ns % kSecond));
    return {out.data(), static_cast<std::size_t>(size)};
}

std::int64_t now_ns() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
}

}  // namespace synchost
