#include "host/engine/reporter.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "base/lines.hpp"
#include "base/rel_path.hpp"
#include "host/logs/service_colour.hpp"

namespace synchost::host {
namespace {

std::string_view escape_of(Tone tone) {
    switch (tone) {
        case Tone::good:
            return "\x1b[32m";
        case Tone::warn:
            return "\x1b[33m";
        case Tone::bad:
            return "\x1b[31m";
        case Tone::faint:
            return "\x1b[2m";
        case Tone::plain:
            return "";
    }
    return "";
}

}  // namespace

std::string_view to_string(Tone tone) {
    switch (tone) {
        case Tone::good:
            return "good";
        case Tone::warn:
            return "warn";
        case Tone::bad:
            return "bad";
        case Tone::faint:
            return "faint";
        case Tone::plain:
            return "plain";
    }
    return "plain";
}

bool terminal_wants_colour() {
    const char* no_color = std::getenv("NO_COLOR");
    return ::isatty(STDOUT_FILENO) != 0 && (no_color == nullptr || *no_color == '\0');
}

void Reporter::print(const std::string& text) {
    if (sink_) return sink_(text);
    const std::lock_guard lock(mutex_);
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
}

void Reporter::line(Tone tone, std::string_view verb, std::string_view subject, std::string_view text) {
    print_line(tone, verb, subject, text);
    observer_({tone, verb, subject, text, {}});
}

void Reporter::line_for_terminal(Tone tone, std::string_view verb, std::string_view subject,
                                 std::string_view text) {
    print_line(tone, verb, subject, text);
}

void Reporter::print_line(Tone tone, std::string_view verb, std::string_view subject, std::string_view text) {
    const std::string_view on = colour_ ? escape_of(tone) : "";
    const std::string_view off = on.empty() ? "" : "\x1b[0m";
    print(fmt::format("{}{:<8}{} {:<10} {}\n", on, verb, off, subject, printable(text)));
}

void Reporter::failure(std::string_view subject, const Error& error) {
    bool first = true;
    for (const std::string_view text : lines_of(error.message)) {
        if (std::exchange(first, false)) {
            print_line(Tone::bad, "failed", subject, text);
        } else {
            print_line(Tone::plain, "", "", text);
        }
    }
    if (!error.next_step.empty()) print_line(Tone::plain, "", "", error.next_step);
    observer_({Tone::bad, "failed", subject, error.message, error.next_step});
}

void Reporter::last_output(std::string_view subject, std::string_view output) {
    constexpr std::size_t kLines = 20;
    while (output.ends_with('\n')) output.remove_suffix(1);
    std::size_t start = output.size();
    for (std::size_t lines = 0; lines < kLines && start != std::string_view::npos && start > 0; ++lines) {
        start = output.rfind('\n', start - 1);
    }
    if (start != std::string_view::npos && start < output.size())
        output.remove_prefix(start == 0 ? 0 : start + 1);
    if (!output.empty()) observer_({Tone::bad, "output", subject, output, {}});
    while (!output.empty()) {
        const std::size_t end = std::min(output.find('\n'), output.size());
        print_line(Tone::bad, "", subject, "  " + std::string(output.substr(0, end)));
        output.remove_prefix(std::min(end + 1, output.size()));
    }
}

void Reporter::log_line(std::string_view of, std::string_view from, std::string_view text,
                        bool error_stream) {
    if (!colour_) return print_line(Tone::plain, "log", from, text);
    print(fmt::format("{}{:<8}\x1b[0m {}{:<10}\x1b[0m {}\n",
                      escape_of(error_stream ? Tone::warn : Tone::faint), "log", colour_of_service(of), from,
                      printable(text)));
}

std::string human(std::chrono::nanoseconds duration) {
    const double ms = static_cast<double>(duration.count()) / 1e6;
    if (ms < 100) return fmt::format("{:.1f} ms", ms);
    if (ms < 1000) return fmt::format("{:.0f} ms", ms);
    if (ms < 60'000) return fmt::format("{:.2f} s", ms / 1000);
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration).count();
    return fmt::format("{} min {} s", seconds / 60, seconds % 60);
}

std::string human_bytes(std::uint64_t bytes) {
    if (bytes < 1000) return fmt::format("{} B", bytes);
    const double value = static_cast<double>(bytes);
    if (bytes < 1'000'000) return fmt::format("{:.1f} KB", value / 1e3);
    if (bytes < 1'000'000'000) return fmt::format("{:.1f} MB", value / 1e6);
    return fmt::format("{:.2f} GB", value / 1e9);
}

std::string listed(const std::vector<std::string>& names, std::size_t most) {
    std::string out;
    for (std::size_t i = 0; i < names.size() && i < most; ++i) {
        if (i > 0) out += i + 1 == names.size() ? " and " : ", ";
        out += names[i];
    }
    if (names.size() > most) out += fmt::format(" and {} more", names.size() - most);
    return out;
}

std::string counted(std::size_t count, std::string_view noun) {
    return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

}  // namespace synchost::host
