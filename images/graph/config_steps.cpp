// The instructions that change an image's config and none of its files.
#include <algorithm>
#include <array>
#include <charconv>

#include "base/rel_path.hpp"
#include "images/graph/healthcheck.hpp"
#include "images/graph/stage_state.hpp"

namespace synchost::images {
namespace {

Result<> one_argument(const Instruction& instruction) {
    if (instruction.args.size() == 1) return {};
    return fail(Errc::invalid_input, instruction.name + " takes one argument");
}

// A command: the JSON form as it is, the shell form behind the shell.
Result<std::vector<std::string>> command(const Instruction& instruction, const ImageConfig& config) {
    if (instruction.json) return instruction.args;
    TRY(one_argument(instruction));
    std::vector<std::string> out =
        config.shell.empty() ? std::vector<std::string>{"/bin/sh", "-c"} : config.shell;
    out.push_back(instruction.args[0]);
    return out;
}

Result<unsigned> port_number(std::string_view text) {
    unsigned out = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size() || out > 65535) {
        return fail(Errc::invalid_input, "not a port: " + printable(text.substr(0, 60)));
    }
    return out;
}

// "80", "80/udp", "8000-8010/tcp".
Result<> expose(std::string_view word, std::set<std::string>& ports) {
    const std::size_t slash = word.find('/');
    std::string protocol = slash == std::string_view::npos ? "tcp" : std::string(word.substr(slash + 1));
    std::ranges::transform(protocol, protocol.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    if (protocol != "tcp" && protocol != "udp" && protocol != "sctp") {
        return fail(Errc::invalid_input, "not a protocol: " + printable(protocol.substr(0, 60)),
                    "Known are tcp, udp and sctp.");
    }
    const std::string_view range = word.substr(0, slash);
    const std::size_t dash = range.find('-');
    TRY_ASSIGN(const unsigned first, port_number(range.substr(0, dash)));
    unsigned last = first;
    if (dash != std::string_view::npos) {
        TRY_ASSIGN(last, port_number(range.substr(dash + 1)));
    }
    if (last < first)
        return fail(Errc::invalid_input, "a range of ports that ends before it starts: " + printable(range));
    for (unsigned port = first; port <= last; ++port) ports.insert(std::to_string(port) + "/" + protocol);
    return {};
}

// ENV and LABEL: every value is expanded with the environment before the instruction.
Result<std::vector<std::pair<std::string, std::string>>> pairs(const Instruction& instruction, char escape,
                                                               const Variables& variables) {
    std::vector<std::pair<std::string, std::string>> out;
    for (std::size_t i = 0; i + 2 < instruction.args.size(); i += 3) {
        TRY_ASSIGN(std::string name, expand(instruction.args[i], variables, escape));
        TRY_ASSIGN(std::string value, expand(instruction.args[i + 1], variables, escape));
        if (name.empty()) return fail(Errc::invalid_input, instruction.name + " with an empty name");
        out.emplace_back(std::move(name), std::move(value));
    }
    return out;
}

Result<> set_entrypoint(const Instruction& instruction, StageState& state) {
    TRY_ASSIGN(state.config.entrypoint, command(instruction, state.config));
    if (!state.cmd_is_own) state.config.cmd.clear();
    return {};
}

Result<> add_volumes(const Instruction& instruction, char escape, StageState& state) {
    if (instruction.args.empty()) return fail(Errc::invalid_input, "VOLUME needs a path");
    for (const std::string& word : instruction.args) {
        TRY_ASSIGN(std::string path, expand(word, state.variables(), escape));
        if (path.empty()) return fail(Errc::invalid_input, "VOLUME with an empty path");
        state.config.volumes.insert(std::move(path));
    }
    return {};
}

Result<> expose_all(const Instruction& instruction, char escape, StageState& state) {
    if (instruction.args.empty()) return fail(Errc::invalid_input, "EXPOSE needs a port");
    for (const std::string& word : instruction.args) {
        TRY_ASSIGN(const auto ports, expand_words(word, state.variables(), escape));
        for (const std::string& port : ports) TRY(expose(port, state.config.exposed_ports));
    }
    return {};
}

// Linux' names and numbers, with "SIG" or without, whatever the case: "SIGTERM", "quit", "RTMIN+3", "9".
bool is_signal(std::string_view text) {
    constexpr std::array<std::string_view, 36> kNames = {
        "ABRT", "ALRM", "BUS",  "CHLD", "CLD",  "CONT", "FPE",    "HUP",    "ILL",  "INT",  "IO",    "IOT",
        "KILL", "PIPE", "POLL", "PROF", "PWR",  "QUIT", "SEGV",   "STKFLT", "STOP", "SYS",  "TERM",  "TRAP",
        "TSTP", "TTIN", "TTOU", "URG",  "USR1", "USR2", "VTALRM", "WINCH",  "XCPU", "XFSZ", "RTMIN", "RTMAX"};
    unsigned number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc{} && end == text.data() + text.size()) return number >= 1 && number <= 64;
    std::string name(text);
    std::ranges::transform(name, name.begin(),
                           [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    std::string_view bare = name;
    if (bare.starts_with("SIG")) bare.remove_prefix(3);
    for (const auto& [prefix, most] : {std::pair<std::string_view, unsigned>{"RTMIN+", 15}, {"RTMAX-", 14}}) {
        if (!bare.starts_with(prefix)) continue;
        bare.remove_prefix(prefix.size());
        const auto [last, wrong] = std::from_chars(bare.data(), bare.data() + bare.size(), number);
        return wrong == std::errc{} && last == bare.data() + bare.size() && number >= 1 && number <= most;
    }
    return std::ranges::find(kNames, bare) != kNames.end();
}

Result<> set_stop_signal(const Instruction& instruction, char escape, StageState& state) {
    TRY(one_argument(instruction));
    TRY_ASSIGN(std::string signal, expand(instruction.args[0], state.variables(), escape));
    if (!is_signal(signal)) {
        return fail(Errc::invalid_input, "not a signal: " + printable(signal.substr(0, 60)),
                    "Name one as SIGTERM, or give its number.");
    }
    state.config.stop_signal = std::move(signal);
    return {};
}

Result<> set_user(const Instruction& instruction, char escape, StageState& state) {
    TRY(one_argument(instruction));
    TRY_ASSIGN(state.config.user, expand(instruction.args[0], state.variables(), escape));
    return {};
}

}  // namespace

Result<bool> apply_to_config(const Instruction& instruction, char escape, StageState& state) {
    const std::string& name = instruction.name;
    ImageConfig& config = state.config;
    if (name == "ENV") {
        TRY_ASSIGN(const auto all, pairs(instruction, escape, state.variables()));
        for (const auto& [key, value] : all) config.set_env(key, value);
    } else if (name == "LABEL") {
        TRY_ASSIGN(const auto all, pairs(instruction, escape, state.variables()));
        for (const auto& [key, value] : all) config.labels[key] = value;
    } else if (name == "CMD") {
        TRY_ASSIGN(config.cmd, command(instruction, config));
        state.cmd_is_own = true;
    } else if (name == "ENTRYPOINT") {
        TRY(set_entrypoint(instruction, state));
    } else if (name == "USER") {
        TRY(set_user(instruction, escape, state));
    } else if (name == "STOPSIGNAL") {
        TRY(set_stop_signal(instruction, escape, state));
    } else if (name == "HEALTHCHECK") {
        TRY_ASSIGN(config.healthcheck, parse_healthcheck(instruction));
    } else if (name == "ONBUILD") {
        for (const Instruction& trigger : instruction.trigger)
            config.on_build.push_back(trigger_text(trigger));
    } else if (name == "EXPOSE") {
        TRY(expose_all(instruction, escape, state));
    } else if (name == "VOLUME") {
        TRY(add_volumes(instruction, escape, state));
    } else if (name == "SHELL") {
        if (!instruction.json || instruction.args.empty())
            return fail(Errc::invalid_input, "SHELL needs a JSON array",
                        R"(Write SHELL ["/bin/bash", "-c"].)");
        config.shell = instruction.args;
    } else if (name == "MAINTAINER") {
        TRY(one_argument(instruction));
        config.author = instruction.args[0];
    } else {
        return false;
    }
    return true;
}

}  // namespace synchost::images
