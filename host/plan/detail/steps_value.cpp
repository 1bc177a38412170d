#include "host/plan/detail/steps_value.hpp"

#include <optional>
#include <utility>

#include "base/suggest.hpp"
#include "host/plan/config.hpp"
#include "host/plan/detail/step_circle.hpp"

namespace synchost::host::detail {
namespace {

using Kind = StepReady::Kind;

Result<> read_command(const ConfigValue& value, StepConfig& step, const Place& place);
Result<> read_serve(const ConfigValue& value, StepConfig& step, const Place& place);
Result<> read_outputs(const ConfigValue& value, StepConfig& step, const Place& place);
Result<> read_timeout(const ConfigValue& value, StepConfig& step, const Place& place);
Result<> read_ready(const ConfigValue& value, StepConfig& step, const Place& place);
Result<> read_http(const ConfigValue& value, StepReady& ready, const Place& place);
Result<> read_port(const ConfigValue& value, StepReady& ready, const Place& place);
Result<> read_output(const ConfigValue& value, StepReady& ready, const Place& place);

constexpr std::array kStepFields{
    Field<StepConfig>{{"command", Shape::command, Need::optional, "", "[npm, run, build]",
                       "A program and its words, run on this machine without a shell. This or serve."},
                      read_command},
    Field<StepConfig>{{"serve", Shape::command, Need::optional, "", "[npm, run, dev]",
                       "A program that stays, started again when an input changes. This or command."},
                      read_serve},
    Field<StepConfig>{{"folder", Shape::path, Need::optional, "the folder of synchost.yaml", "ui",
                       "Where it runs, relative to the folder of synchost.yaml."},
                      store<&StepConfig::folder, &ConfigValue::path, StepConfig>},
    Field<StepConfig>{
        {"inputs", Shape::patterns, Need::optional, "", "[\"ui/src/**\", ui/package.json]",
         "The files that it reads, relative to the folder of synchost.yaml, as patterns in the language of "
         ".dockerignore. It runs when one of them changed. Required for a command."},
        store<&StepConfig::inputs, &ConfigValue::patterns, StepConfig>},
    Field<StepConfig>{{"outputs", Shape::inner_paths, Need::optional, "", "[ui/dist]",
                       "Files or folders that a command writes, relative to the folder of synchost.yaml and "
                       "below it. They are synced when it has ended."},
                      read_outputs},
    Field<StepConfig>{{"env", Shape::text_map, Need::optional, "", "{NODE_ENV: development}",
                       "Variables for it, beside those that synchost has."},
                      store<&StepConfig::env, &ConfigValue::text_map, StepConfig>},
    Field<StepConfig>{{"depends_on", Shape::texts, Need::optional, "", "[codegen]",
                       "Other steps, which run before. It runs again after them."},
                      store<&StepConfig::depends_on, &ConfigValue::text_list, StepConfig>},
    Field<StepConfig>{
        {"timeout", Shape::duration, Need::optional, "10m", "5m", "How long a command may run."},
        read_timeout},
    Field<StepConfig>{{"ready", Shape::ready, Need::optional, "it runs", "{port: 8123}",
                       "When a program that stays counts as up: a map with http, port or output."},
                      read_ready},
};
constexpr std::array kReadyFields{
    Field<StepReady>{{"http", Shape::local_url, Need::optional, "", "\"http://127.0.0.1:8123/\"",
                      "A GET of this URL of this machine is answered with a status below 500."},
                     read_http},
    Field<StepReady>{{"port", Shape::port_number, Need::optional, "", "8123",
                      "A connection to this port of this machine is taken."},
                     read_port},
    Field<StepReady>{{"output", Shape::text, Need::optional, "", "listening on",
                      "A line of its output has this text in it."},
                     read_output},
};
constexpr auto kStepKeys = keys_of(kStepFields);
constexpr auto kReadyKeys = keys_of(kReadyFields);

Result<> read_words(const ConfigValue& value, StepConfig& step, StepKind kind) {
    if (!step.argv.empty())
        return value.refuse(value.line(), "stands beside \"command\" or \"serve\"", "Keep one of the two");
    step.kind = kind;
    TRY_ASSIGN(step.argv, value.command());
    return {};
}
Result<> read_command(const ConfigValue& value, StepConfig& step, const Place&) {
    return read_words(value, step, StepKind::command);
}
Result<> read_serve(const ConfigValue& value, StepConfig& step, const Place&) {
    return read_words(value, step, StepKind::serve);
}

Result<> read_outputs(const ConfigValue& value, StepConfig& step, const Place&) {
    TRY_ASSIGN(const auto texts, value.text_list());
    for (const std::string& text : texts) {
        std::string_view bare = text;
        if (bare.starts_with("./")) bare.remove_prefix(2);
        if (bare.ends_with('/')) bare.remove_suffix(1);
        auto path = RelPath::parse(bare);
        if (!path)
            return value.refuse(value.line(), "does not lie below the folder of synchost.yaml: \"" +
                                                  printable(text.substr(0, 100)) + '"');
        step.outputs.push_back(*std::move(path));
    }
    return {};
}

Result<> read_timeout(const ConfigValue& value, StepConfig& step, const Place&) {
    TRY_ASSIGN(step.timeout, value.duration());
    if (step.timeout.count() == 0) return value.refuse(value.line(), "leaves no time");
    return {};
}

Result<> read_ready(const ConfigValue& value, StepConfig& step, const Place& place) {
    TRY_ASSIGN(const YamlNode* map, value.map());
    const Place below{place.source, place.prefix + "ready > ", place.lines};
    TRY(read_fields(*map, kReadyFields, kReadyKeys, step.ready, below));
    if (map->pairs.size() > 1)
        return value.refuse(value.line(), "asks for more than one thing",
                            "Keep one of http, port and output");
    return {};
}

// "http://127.0.0.1:8123/health".
std::optional<StepReady> parse_local_url(std::string_view url) {
    constexpr std::string_view kScheme = "http://";
    if (!url.starts_with(kScheme)) return std::nullopt;
    url.remove_prefix(kScheme.size());
    const std::size_t slash = std::min(url.find('/'), url.size());
    StepReady ready{.kind = Kind::http, .host = {}, .port = 80, .text = std::string(url.substr(slash))};
    if (ready.text.empty()) ready.text = "/";
    if (ready.text.find_first_of(" #") != std::string::npos) return std::nullopt;
    const std::string_view authority = url.substr(0, slash);
    for (const std::string_view host : {"127.0.0.1", "localhost", "[::1]"}) {
        if (!authority.starts_with(host)) continue;
        const std::string_view rest = authority.substr(host.size());
        ready.host = host == "[::1]" ? "::1" : host;
        if (rest.empty()) return ready;
        const auto port = rest.starts_with(':') ? parse_port(rest.substr(1)) : std::nullopt;
        if (!port) return std::nullopt;
        ready.port = *port;
        return ready;
    }
    return std::nullopt;
}

Result<> read_http(const ConfigValue& value, StepReady& ready, const Place&) {
    TRY_ASSIGN(const std::string url, value.text());
    const auto parsed = parse_local_url(url);
    if (!parsed) {
        return value.refuse(value.line(),
                            "is no http URL of this machine: \"" + printable(url.substr(0, 100)) + '"',
                            "Write http://, then 127.0.0.1, [::1] or localhost, a port and a path");
    }
    ready = *parsed;
    return {};
}

Result<> read_port(const ConfigValue& value, StepReady& ready, const Place&) {
    TRY_ASSIGN(const std::string text, value.text());
    const auto port = parse_port(text);
    if (!port)
        return value.refuse(value.line(), "is not 1 to 65535: \"" + printable(text.substr(0, 100)) + '"');
    ready = StepReady{.kind = Kind::port, .host = "localhost", .port = *port, .text = {}};
    return {};
}

Result<> read_output(const ConfigValue& value, StepReady& ready, const Place&) {
    ready.kind = Kind::output;
    TRY_ASSIGN(ready.text, value.text());
    return {};
}

// What the keys of one step say together.
Result<> check_step(const StepConfig& step, int line, const Place& place) {
    const std::string shown = "step \"" + step.name + "\" ";
    const auto line_of = [&](std::string_view key) {
        const auto found = place.lines->find(place.prefix + std::string(key));
        return found == place.lines->end() ? 0 : found->second;
    };
    if (step.argv.empty()) {
        return refuse(place, line, shown + "has neither command nor serve",
                      "Add, for example: command: [npm, run, build]");
    }
    const bool stays = step.kind == StepKind::serve;
    for (const std::string_view key : {"outputs", "timeout"}) {
        if (stays && line_of(key) != 0)
            return refuse(place, line_of(key),
                          "\"" + std::string(key) + "\" is for a command; " + shown + "serves", "Remove it");
    }
    if (!stays && line_of("ready") != 0)
        return refuse(place, line_of("ready"), "\"ready\" is for a step that serves; " + shown + "ends",
                      "Remove it, or write serve in place of command");
    if (!stays && step.inputs.empty()) {
        return refuse(place, line, shown + "has no inputs, so that nothing says when to run it",
                      "Add, for example: inputs: [\"ui/src/**\", ui/package.json]");
    }
    for (const RelPath& output : step.outputs) {
        if (!step.inputs.matches(output.str())) continue;
        const std::string path = printable(output.str());
        return refuse(place, line_of("inputs"),
                      shown + "has its output " + path + " among its inputs: it would run without end",
                      "Add \"!" + path + "\" at the end of its inputs");
    }
    return {};
}

// What the steps say of each other.
Result<> check_steps(const std::vector<StepConfig>& steps, const Place& place) {
    std::vector<std::string_view> names;
    for (const StepConfig& step : steps) names.push_back(step.name);
    for (const StepConfig& step : steps) {
        const auto line = place.lines->find("steps > " + step.name + " > depends_on");
        for (const std::string& name : step.depends_on) {
            if (std::ranges::find(names, name) != names.end()) continue;
            return refuse(place, line->second,
                          "\"depends_on\" names \"" + printable(name.substr(0, 100)) + "\", which is no step",
                          did_you_mean(name, names));
        }
    }
    const std::string circle = step_circle(steps);
    if (circle.empty()) return {};
    return refuse(place, place.lines->at("steps > " + circle.substr(0, circle.find(' '))),
                  "steps wait for each other: " + circle,
                  "A step waits for those in its depends_on, and for those whose outputs are its inputs");
}

}  // namespace

Result<std::vector<StepConfig>> read_steps(const ConfigValue& value, const Place& place) {
    TRY_ASSIGN(const YamlNode* map, value.map());
    if (map->pairs.size() > kMaxSteps) return value.refuse(value.line(), "has more than 64 steps");
    std::vector<StepConfig> steps;
    for (const auto& [key, node] : map->pairs) {
        const std::string shown = "step \"" + printable(key.text.substr(0, 100)) + "\" ";
        if (key.kind != YamlKind::scalar || key.text != make_dns_label(key.text))
            return refuse(place, key.line, shown + "is not named by a DNS label",
                          "Write: " + make_dns_label(key.text));
        const Place below{place.source, "steps > " + key.text + " > ", place.lines};
        if (!place.lines->emplace("steps > " + key.text, key.line).second)
            return refuse(place, key.line, shown + "stands here a second time", "Keep one of the two");
        if (node.kind != YamlKind::map) {
            return refuse(place, key.line, shown + "must be a map, not " + std::string(to_string(node.kind)),
                          "Write a command or serve below it");
        }
        StepConfig step;
        step.name = key.text;
        TRY(read_fields(node, kStepFields, kStepKeys, step, below));
        TRY(check_step(step, key.line, below));
        steps.push_back(std::move(step));
    }
    TRY(check_steps(steps, place));
    return steps;
}

}  // namespace synchost::host::detail

namespace synchost::host {

std::span<const KeySpec> step_keys() {
    return detail::kStepKeys;
}
std::span<const KeySpec> ready_keys() {
    return detail::kReadyKeys;
}

}  // namespace synchost::host
