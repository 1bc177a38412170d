// `synchost logs`: what containers wrote, from the watch that runs, or from what one has kept on disk.
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "base/file.hpp"
#include "base/rel_path.hpp"
#include "base/timestamp.hpp"
#include "host/cli/commands.hpp"
#include "host/cli/project_parts.hpp"
#include "host/control/client.hpp"
#include "host/control/log_feed.hpp"
#include "host/control/query.hpp"
#include "host/control/server.hpp"
#include "host/control/service_name.hpp"
#include "host/engine/reporter.hpp"
#include "host/logs/log_reader.hpp"
#include "host/logs/log_store.hpp"
#include "host/logs/segments.hpp"
#include "host/logs/service_colour.hpp"

namespace synchost::host {
namespace {

constexpr std::chrono::seconds kPatience{30};
constexpr std::size_t kMaxLineBytes = std::size_t{1} << 20;  // of JSON; see parse_log_record()
constexpr int kInterrupted = 130;

class LogPrinter {
  public:
    explicit LogPrinter(const LogFlags& flags)
        : json_(flags.json),
          timestamps_(flags.timestamps),
          is_terminal_(::isatty(STDOUT_FILENO) != 0),
          colour_(terminal_wants_colour()) {}

    void add(const ToldRecord& told) {
        if (json_) {
            const bool is_ours = told.gap && told.workload.empty();
            out_ += is_ours ? std::string(kLogGapJson) : to_json(told.record, told.workload);
        } else if (told.gap && !told.workload.empty()) {
            out_ += "(lines of " + printable(told.record.pod + "/" + told.record.container) +
                    " may be missing here: its log no longer had them when it was read)";
        } else if (told.gap) {
            out_ += "(lines are missing here: they were pushed out by newer ones)";
        } else {
            add_line(told);
        }
        out_ += '\n';
    }
    // True while somebody reads it: the end of a pipe is no failure.
    Result<bool> flush() {
        auto written = write_all(STDOUT_FILENO, out_);
        out_.clear();
        if (written) return true;
        if (written.error().sys_errno == EPIPE) return false;
        return std::unexpected(std::move(written.error()).context("standard output"));
    }

  private:
    void add_line(const ToldRecord& told) {
        const LogRecord& record = told.record;
        if (timestamps_) out_ += format_timestamp_ns(record.time_ns) + ' ';
        const std::string from =
            printable(is_build_log(told.workload) ? told.workload : record.pod + "/" + record.container);
        out_ +=
            colour_ ? fmt::format("{}{}\x1b[0m | ", colour_of_service(told.workload), from) : from + " | ";
        // What an app prints must not steer a terminal; a program at the other end gets it as it is.
        out_ += is_terminal_ ? printable(record.text) : record.text;
        if (record.cut) out_ += " (cut)";
    }
    bool json_;
    bool timestamps_;
    bool is_terminal_;
    bool colour_;
    std::string out_;
};

std::string target_of(const LogFlags& flags) {
    std::string out = "/api/v1/logs?follow=" + std::string(flags.follow ? "true" : "false");
    std::string services;
    for (const std::string& service : flags.services) services += (services.empty() ? "" : ",") + service;
    const auto add = [&](const char* name, const std::string& value) {
        if (!value.empty()) out += std::string("&") + name + '=' + percent_encoded(value);
    };
    add("service", services);
    add("container", flags.container);
    add("since", flags.since);
    add("until", flags.until);
    add("source", flags.source);
    add("grep", flags.grep);
    add("tail", flags.tail);
    return out;
}

// True where a watch answered; else the store is to be read.
Result<bool> print_from_watch(const std::filesystem::path& socket, const LogFlags& flags,
                              LogPrinter& printer) {
    std::string line;
    bool begun = false;
    bool is_read = true;
    const auto on_bytes = [&](std::string_view bytes) -> Result<> {
        begun = true;
        while (!bytes.empty()) {
            const std::size_t end = bytes.find('\n');
            line += bytes.substr(0, end);
            if (line.size() > kMaxLineBytes)
                return fail(Errc::protocol, "a line of the log of `synchost watch` is no record");
            if (end == std::string_view::npos) break;
            bytes.remove_prefix(end + 1);
            TRY_ASSIGN(const ToldRecord told, parse_log_record(line));
            line.clear();
            printer.add(told);
        }
        TRY_ASSIGN(is_read, printer.flush());
        return is_read ? Result<>{} : fail(Errc::cancelled, "nobody reads it");
    };
    const auto done = stream_from_watch(socket, {.target = target_of(flags)}, kPatience, on_bytes);
    if (done || !is_read) return true;
    if (done.error().code == Errc::not_found && !begun) return false;
    if (done.error().code == Errc::protocol && begun)
        return fail(Errc::io, "the watch has ended", "What it kept is there: synchost logs");
    return std::unexpected(done.error());
}

Result<std::vector<std::string>> kept_workloads(const std::filesystem::path& folder, const LogFlags& flags) {
    TRY_ASSIGN(const LogSource source, parse_log_source(flags.source));
    std::vector<ServiceEntry> entries;
    for (std::string& workload : list_log_workloads(folder)) {
        if (source != LogSource::all && is_build_log(workload) != (source == LogSource::build)) continue;
        std::string name = workload.substr(workload.find('/') + 1);
        entries.push_back({.workload = std::move(workload), .name = std::move(name), .images = {}});
    }
    std::vector<std::string> out;
    for (const std::string& service : flags.services) {
        TRY_ASSIGN(const std::vector<std::string> found, find_service(service, entries));
        out.insert(out.end(), found.begin(), found.end());
    }
    return out;
}

Result<> print_from_store(const std::filesystem::path& folder, const LogFlags& flags, LogPrinter& printer) {
    LogRequest request{.workloads = {},
                       .pod = {},
                       .container = flags.container,
                       .since = flags.since,
                       .until = flags.until,
                       .grep = flags.grep,
                       .tail = flags.tail};
    TRY_ASSIGN(request.source, parse_log_source(flags.source));
    TRY_ASSIGN(request.workloads, kept_workloads(folder, flags));
    TRY_ASSIGN(LogQuery query, log_query(request, now_ns()));
    TRY_ASSIGN(LogReader reader, LogReader::open(folder, std::move(query)));
    for (bool at_end = false; !at_end;) {
        LogReader::Batch batch = reader.next();
        at_end = batch.at_end;
        if (batch.gap) printer.add({.workload = {}, .record = {}, .gap = true});
        for (LogReader::Item& item : batch.items) {
            const bool gap = item.record.kind == LogKind::gap;
            printer.add({.workload = std::move(item.workload), .record = std::move(item.record), .gap = gap});
        }
        TRY_ASSIGN(const bool is_read, printer.flush());
        if (!is_read) return {};
    }
    if (!flags.follow) return {};
    return fail(Errc::not_found, "no `synchost watch` runs for this project: there is nothing to follow",
                "Start one in its folder: synchost watch");
}

}  // namespace

Result<> run_logs(const LogFlags& flags) {
    // Nothing is left to be done: each line that was taken is printed.
    ::signal(SIGINT, [](int) { ::_exit(kInterrupted); });
    TRY_ASSIGN(const ProjectParts project, open_project(flags.folder));
    LogPrinter printer(flags);
    TRY_ASSIGN(const bool is_told, print_from_watch(project.folders.state / kControlSocket, flags, printer));
    if (is_told) return {};
    return print_from_store(project.folders.state / kLogFolder, flags, printer);
}

}  // namespace synchost::host
