#include "registry-client/retry.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <condition_variable>
#include <mutex>
#include <random>

namespace synchost::registry {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kDateLength = 29;
constexpr std::int64_t kMaxSeconds = 366 * 24 * 60 * 60;

// All of `text`, digits alone.
std::optional<int> digits(std::string_view text) {
    int out = 0;
    if (text.empty() || !std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; })) return {};
    if (std::from_chars(text.data(), text.data() + text.size(), out).ec != std::errc{}) return {};
    return out;
}

// IMF-fixdate; the name of the day is not looked at.
std::optional<std::chrono::system_clock::time_point> parse_date(std::string_view text) {
    constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    if (text.size() != kDateLength || text.substr(3, 2) != ", " || text[7] != ' ' || text[11] != ' ' ||
        text[16] != ' ' || text[19] != ':' || text[22] != ':' || !text.ends_with(" GMT"))
        return {};
    const auto month = std::ranges::find(kMonths, text.substr(8, 3));
    const auto day = digits(text.substr(5, 2));
    const auto year = digits(text.substr(12, 4));
    const auto hour = digits(text.substr(17, 2));
    const auto minute = digits(text.substr(20, 2));
    const auto second = digits(text.substr(23, 2));
    if (month == kMonths.end() || !day || !year || !hour || !minute || !second) return {};
    const std::chrono::year_month_day date(
        std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(month - kMonths.begin() + 1)),
        std::chrono::day(static_cast<unsigned>(*day)));
    // A clock of nanoseconds ends in 2262.
    if (!date.ok() || *year < 1970 || *year > 2200 || *hour > 23 || *minute > 59 || *second > 60) return {};
    return std::chrono::sys_days(date) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
           std::chrono::seconds(*second);
}

std::string after(int attempts) {
    return " (after " + std::to_string(attempts) + " attempts)";
}

}  // namespace

RetryWorld real_world(std::stop_token stop) {
    return {.now = std::chrono::steady_clock::now,
            .random =
                [] {
                    thread_local std::mt19937 generator{std::random_device{}()};
                    return std::uniform_real_distribution<double>(0, 1)(generator);
                },
            .sleep =
                [stop = std::move(stop)](milliseconds pause) {
                    std::mutex mutex;
                    std::condition_variable_any woken;
                    std::unique_lock lock(mutex);
                    woken.wait_for(lock, stop, pause, [] { return false; });
                    return !stop.stop_requested();
                }};
}

std::optional<milliseconds> parse_retry_after(std::string_view text,
                                              std::chrono::system_clock::time_point now) {
    if (!text.empty() && text.size() <= 18 &&
        text.find_first_not_of("0123456789") == std::string_view::npos) {
        std::int64_t seconds = 0;
        std::from_chars(text.data(), text.data() + text.size(), seconds);
        return std::chrono::seconds(std::min(seconds, kMaxSeconds));
    }
    const auto date = parse_date(text);
    if (!date) return {};
    return std::max(milliseconds(0), std::chrono::ceil<milliseconds>(*date - now));
}

Result<> Attempts::failed(Error error, std::optional<milliseconds> asked) {
    ++made_;
    if (++fruitless_ == 1) since_ = world_.now();
    const auto give_up = [&](Error last) {
        if (made_ > 1) last.message += after(made_);
        return std::unexpected(std::move(last));
    };
    if (!is_retryable(error) || fruitless_ >= policy_.attempts || world_.now() - since_ >= policy_.patience)
        return give_up(std::move(error));
    if (asked && *asked > policy_.longest_asked) {
        const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(*asked).count();
        return give_up(std::move(error).hint("It asks to be left alone for " + std::to_string(seconds) +
                                             " seconds: try again then."));
    }
    const int doublings = std::min(fruitless_ - 1, 20);
    const auto most = std::min(policy_.longest, policy_.first * (std::int64_t{1} << doublings));
    const auto ours = std::chrono::duration_cast<milliseconds>(most * world_.random());
    if (!world_.sleep(std::max(ours, asked.value_or(milliseconds(0))))) {
        error.code = Errc::cancelled;
        error.message += "; stopped";
        return std::unexpected(std::move(error));
    }
    return {};
}

}  // namespace synchost::registry
