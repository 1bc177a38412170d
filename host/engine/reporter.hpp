// What `watch` tells a person: one line per thing that happened, with what, why and how long, to standard
// output.
//
//     synced   todo-api   api/app.py -> 1 container in 5.9 ms (seen 2.3, applied 3.6), restarted in 104 ms
//
// Colours on a terminal unless NO_COLOR is set; plain lines otherwise. Lines of threads do not mix.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace synchost::host {

enum class Tone : std::uint8_t { plain, good, warn, bad, faint };
std::string_view to_string(Tone tone);

// What one call told, for whoever else wants to know.
struct ToldLine {
    Tone tone = Tone::plain;
    std::string_view verb;
    std::string_view subject;
    std::string_view text;
    std::string_view next_step;
};

class Reporter {
  public:
    explicit Reporter(bool colour) : colour_(colour) {}

    // From now on everything but lines of logs is told to `observer`, too, by the thread that tells it.
    // Called before others use the reporter.
    void observe(std::function<void(const ToldLine&)> observer) { observer_ = std::move(observer); }

    // "verb     subject    text": verbs and subjects are padded to columns.
    void line(Tone tone, std::string_view verb, std::string_view subject, std::string_view text);
    // The same, told to no observer: what it says is for who sits at the terminal alone.
    void line_for_terminal(Tone tone, std::string_view verb, std::string_view subject, std::string_view text);
    // The error and, on a line of its own, its next step.
    void failure(std::string_view subject, const Error& error);
    // What a process printed before it died: its last 20 lines.
    void last_output(std::string_view subject, std::string_view output);
    // What a container or a step wrote: `from` is "api-0/web", in the colour of its workload, or of the step.
    void log_line(std::string_view of, std::string_view from, std::string_view text, bool error_stream);
    // From now on whole lines go there, by the thread that tells them, and not to standard output. Called
    // before others use the reporter.
    void print_to(std::function<void(std::string_view lines)> sink) { sink_ = std::move(sink); }

  private:
    void print(const std::string& text);
    void print_line(Tone tone, std::string_view verb, std::string_view subject, std::string_view text);

    bool colour_;
    std::function<void(const ToldLine&)> observer_ = [](const ToldLine&) {};
    std::mutex mutex_;
    std::function<void(std::string_view)> sink_;
};

bool terminal_wants_colour();
// "5.9 ms", "1.24 s", "2 min 3 s"
std::string human(std::chrono::nanoseconds duration);
// "812 B", "3.4 KB", "12 MB"
std::string human_bytes(std::uint64_t bytes);
// "a, b and 3 more" of at most `most` names
std::string listed(const std::vector<std::string>& names, std::size_t most = 3);
// "1 file", "2 files"
std::string counted(std::size_t count, std::string_view noun);

}  // namespace synchost::host
