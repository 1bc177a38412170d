#include <cstdio>
#include <string>
#include <utility>

#include "agent/cli/arguments.hpp"
#include "agent/probe/probe.hpp"

namespace synchost::agent {
namespace {

Result<> read_option(ProbeOptions& options, std::string_view word, Arguments& words) {
    TRY_ASSIGN(std::string value, words.value_of(word));
    if (word == "--socket-dir") {
        options.socket_dir = std::move(value);
    } else if (word == "--port") {
        TRY_ASSIGN(options.port, parse_port(value));
    } else if (word == "--path") {
        options.path = value.starts_with('/') ? std::move(value) : "/" + value;
    } else if (word == "--scheme") {
        if (value != "http" && value != "https")
            return fail(Errc::invalid_input, "--scheme is http or https");
        options.tls = value == "https";
    } else if (word == "--header") {
        options.headers.push_back(std::move(value));
    } else if (word == "--service") {
        options.service = std::move(value);
    } else if (word == "--timeout") {
        TRY_ASSIGN(options.timeout, parse_duration(value));
    } else if (word == "--boot") {
        TRY_ASSIGN(options.boot, parse_duration(value));
    } else {
        return unknown_option(word);
    }
    return {};
}

Result<> check(const ProbeOptions& options, bool has_kind) {
    if (!has_kind) return fail(Errc::invalid_input, "probe how?", "Name one of http, tcp, grpc and exec.");
    if (options.socket_dir.empty()) return fail(Errc::invalid_input, "probe needs --socket-dir");
    if (options.kind == ProbeKind::exec && options.argv.empty())
        return fail(Errc::invalid_input, "exec needs a command after --");
    if (options.kind != ProbeKind::exec && options.port == 0)
        return fail(Errc::invalid_input, "probe needs --port");
    const auto has_line_end = [](const std::string& text) {
        return text.find_first_of("\r\n") != std::string::npos;
    };
    if (has_line_end(options.path)) return fail(Errc::invalid_input, "--path has a line end");
    for (const std::string& header : options.headers) {
        if (has_line_end(header) || !header.contains(':'))
            return fail(Errc::invalid_input, "--header is not 'Name: value'");
    }
    return {};
}

}  // namespace

Result<int> probe_command_line(Arguments words) {
    constexpr std::pair<std::string_view, ProbeKind> kKinds[] = {{"http", ProbeKind::http},
                                                                 {"tcp", ProbeKind::tcp},
                                                                 {"grpc", ProbeKind::grpc},
                                                                 {"exec", ProbeKind::exec}};
    ProbeOptions options;
    bool has_kind = false;
    while (const auto word = words.next()) {
        bool is_kind = false;
        for (const auto& [name, kind] : kKinds) {
            if (*word != name) continue;
            options.kind = kind;
            is_kind = has_kind = true;
        }
        if (!is_kind) TRY(read_option(options, *word, words));
    }
    options.argv = words.rest();
    TRY(check(options, has_kind));
    const ProbeVerdict verdict = run_probe(options);
    std::puts(verdict.reason.c_str());
    return verdict.passes ? 0 : 1;
}

}  // namespace synchost::agent
