#include "k8s/wrap.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "k8s/detail/fields.hpp"

namespace synchost::k8s {
namespace {

constexpr const char* kRunFolder = "/synchost/run";
constexpr std::int64_t kStartSeconds = 5;            // for the exec of a probe
constexpr std::int64_t kMaxTimeoutSeconds = 86'400;  // what the agent takes

std::vector<std::string> escaped(std::vector<std::string> words) {
    for (std::string& word : words) word = k8s::escaped(std::string_view(word));
    return words;
}

std::string duration_word(std::chrono::milliseconds time) {
    if (time == std::chrono::milliseconds::max()) return "hold";
    if (time.count() == 0) return "0";
    return std::to_string(time.count()) + "ms";
}

void append(std::vector<std::string>& to, std::vector<std::string> words) {
    to.insert(to.end(), std::make_move_iterator(words.begin()), std::make_move_iterator(words.end()));
}

bool is_port(const Json& value) {
    return value.is_number_integer() && value >= 1 && value <= 65535;
}

Result<std::string> port_of_name(const std::string& name, const Json& container) {
    TRY_ASSIGN(const Json* ports, list_field(container, "ports"));
    for (const Json& item : ports == nullptr ? Json::array() : *ports) {
        TRY_ASSIGN(const std::string item_name, text_field(item, "name"));
        if (item_name != name) continue;
        const Json* number = field(item, "containerPort");
        if (number == nullptr || !is_port(*number)) {
            return fail(Errc::invalid_input,
                        "containerPort of \"" + name + "\" is not a number from 1 to 65535");
        }
        return number->dump();
    }
    int number = 0;  // "8080" in quotes is a number too where no port has that name, as the kubelet does it
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error == std::errc() && end == name.data() + name.size() && number >= 1 && number <= 65535)
        return name;
    return fail(Errc::invalid_input, "probe of port \"" + name + "\", which is none of its ports",
                "Name the port in the container's ports, or write its number in the probe.");
}

Result<std::string> port_number(const Json& check, const Json& container) {
    const Json* port = field(check, "port");
    if (port != nullptr && is_port(*port)) return port->dump();
    if (port != nullptr && port->is_string())
        return port_of_name(port->get_ref<const std::string&>(), container);
    return fail(Errc::invalid_input, "port is neither a number from 1 to 65535 nor the name of one");
}

Result<std::vector<std::string>> http_words(const Json& get, const Json& container) {
    TRY_ASSIGN(std::string port, port_number(get, container));
    TRY_ASSIGN(const std::string path, text_field(get, "path", "/"));
    TRY_ASSIGN(const std::string scheme, text_field(get, "scheme", "HTTP"));
    TRY_ASSIGN(const Json* headers, list_field(get, "httpHeaders"));
    std::vector<std::string> out = {"http", "--port", std::move(port), "--path", path.empty() ? "/" : path};
    if (scheme == "HTTPS") append(out, {"--scheme", "https"});
    for (const Json& header : headers == nullptr ? Json::array() : *headers) {
        TRY_ASSIGN(const std::string name, text_field(header, "name"));
        TRY_ASSIGN(const std::string value, text_field(header, "value"));
        append(out, {"--header", name + ": " + value});
    }
    return escaped(std::move(out));
}

Result<std::vector<std::string>> grpc_words(const Json& check, const Json& container) {
    TRY_ASSIGN(std::string port, port_number(check, container));
    TRY_ASSIGN(const std::string service, text_field(check, "service"));
    std::vector<std::string> out = {"grpc", "--port", std::move(port)};
    if (!service.empty()) append(out, {"--service", k8s::escaped(service)});
    return out;
}

// A check of a host that the user names is made by the kubelet, from the node.
Result<bool> has_host(const Json& check) {
    TRY_ASSIGN(const std::string host, text_field(check, "host"));
    return !host.empty();
}

// The check as words for `synchost-agent probe`; empty where the probe stays as it is.
Result<std::vector<std::string>> check_words(const Json& probe, const Json& container) {
    for (const char* key : {"httpGet", "tcpSocket", "grpc"}) TRY(mapping_field(probe, key));
    for (const char* key : {"httpGet", "tcpSocket"}) {
        const Json* check = field(probe, key);
        if (check == nullptr) continue;
        TRY_ASSIGN(const bool elsewhere, has_host(*check));
        if (elsewhere) return std::vector<std::string>();
    }
    if (const Json* get = field(probe, "httpGet")) return http_words(*get, container);
    if (const Json* tcp = field(probe, "tcpSocket")) {
        TRY_ASSIGN(std::string port, port_number(*tcp, container));
        return std::vector<std::string>{"tcp", "--port", std::move(port)};
    }
    if (const Json* grpc = field(probe, "grpc")) return grpc_words(*grpc, container);
    TRY_ASSIGN(const Json* exec, mapping_field(probe, "exec"));
    if (exec == nullptr) return std::vector<std::string>();
    TRY_ASSIGN(const auto command, words_field(*exec, "command"));
    if (command.empty()) return fail(Errc::invalid_input, "exec has no command");
    if (command.front() == kBinary) return std::vector<std::string>();
    std::vector<std::string> out = {"exec", "--"};
    append(out, command);
    return out;
}

// A number of a probe's; 0, like an absent one, is Kubernetes' default.
Result<std::int64_t> count_field(const Json& probe, const char* key, std::int64_t when_absent) {
    const Json* value = field(probe, key);
    if (value == nullptr) return when_absent;
    if (!value->is_number_integer() || *value < 0 || *value > INT32_MAX)
        return fail(Errc::invalid_input, std::string(key) + " is not a number from 0 on");
    const auto count = value->get<std::int64_t>();
    return count == 0 ? when_absent : count;
}

Result<std::chrono::seconds> boot_time_of(const Json& container) {
    TRY_ASSIGN(const Json* startup, mapping_field(container, "startupProbe"));
    TRY_ASSIGN(const Json* liveness, mapping_field(container, "livenessProbe"));
    const Json* first = startup != nullptr ? startup : liveness;
    if (first == nullptr) return std::chrono::seconds(0);
    TRY_ASSIGN(std::int64_t seconds, count_field(*first, "initialDelaySeconds", 0));
    if (startup != nullptr) {
        TRY_ASSIGN(const std::int64_t period, count_field(*startup, "periodSeconds", 10));
        TRY_ASSIGN(const std::int64_t failures, count_field(*startup, "failureThreshold", 3));
        seconds += period * failures;
    }
    return std::chrono::seconds(std::min(seconds, kMaxTimeoutSeconds));
}

Result<Json> wrap_checked(const Json& probe, const Json& container, std::chrono::seconds boot) {
    if (!probe.is_object()) return fail(Errc::invalid_input, "not a mapping");
    TRY_ASSIGN(const auto check, check_words(probe, container));
    if (check.empty()) return probe;
    const Json* seconds = field(probe, "timeoutSeconds");
    const bool valid =
        seconds == nullptr || (seconds->is_number_integer() && *seconds >= 0 && *seconds <= INT32_MAX);
    if (!valid) return fail(Errc::invalid_input, "timeoutSeconds is not a number of seconds");
    const std::int64_t written = seconds == nullptr ? 0 : seconds->get<std::int64_t>();
    const std::int64_t timeout =
        std::min(written == 0 ? 1 : written, kMaxTimeoutSeconds);  // 0 is Kubernetes' default of 1

    std::vector<std::string> words = {kBinary,    "probe",     "--socket-dir",
                                      kRunFolder, "--timeout", std::to_string(timeout * 1000) + "ms"};
    if (boot.count() > 0) append(words, {"--boot", std::to_string(boot.count()) + "s"});
    append(words, check);
    Json out = probe;
    for (const char* key : {"httpGet", "tcpSocket", "grpc", "exec"}) out.erase(key);
    out["exec"]["command"] = words;
    out["timeoutSeconds"] = timeout + kStartSeconds;
    return out;
}

std::string container_label(const Json& container) {
    return "container " + text_field(container, "name").value_or("");
}

}  // namespace

// The kubelet expands $(NAME) in commands and reads $$ as $; a lone $ elsewhere stays. So "$(" becomes "$$(",
// and "$$" (the process ID, in a shell) "$$$$" (k8s.io/kubernetes/third_party/forked/golang/expansion).
std::string escaped(std::string_view word) {
    std::string out;
    for (std::size_t at = 0; at < word.size();) {
        const std::size_t end = std::min(word.find_first_not_of('$', at), word.size());
        const std::size_t dollars = end - at;
        const bool has_meaning = dollars > 1 || (dollars == 1 && end < word.size() && word[end] == '(');
        out.append(has_meaning ? 2 * dollars : dollars, '$');
        if (end < word.size()) out += word[end];
        at = end + 1;
    }
    return out;
}

Result<std::vector<std::string>> supervised_command(const Json& container, const InjectedImage& image,
                                                    const Supervision& how) {
    const std::string label = container_label(container);
    const auto command = words_field(container, "command");
    if (!command) return std::unexpected(Error(command.error()).context(label));
    const auto args = words_field(container, "args");
    if (!args) return std::unexpected(Error(args.error()).context(label));
    TRY_ASSIGN(const std::string name, text_field(container, "name"));

    std::vector<std::string> out = {kBinary, "run", "--name", name, "--socket-dir", kRunFolder};
    for (const std::string& path : image.managed_paths) append(out, {"--root", escaped(path)});
    append(out, {"--gate", duration_word(how.gate), "--grace", duration_word(how.grace)});
    if (!how.may_hold) out.push_back("--no-hold");
    out.push_back("--");
    const std::size_t fixed = out.size();

    append(out, command->empty() ? escaped(image.entrypoint) : *command);
    const bool image_cmd = command->empty() && args->empty();
    append(out, image_cmd ? escaped(image.cmd) : *args);
    if (out.size() == fixed) {
        return fail(Errc::invalid_input, label + ": neither the manifest nor the image names a command",
                    "Set `command` in the manifest, or ENTRYPOINT or CMD in the Dockerfile.");
    }
    return out;
}

bool is_supervised(const std::vector<std::string>& command) {
    return command.size() > 1 && command[0] == kBinary && command[1] == "run";
}

Result<Json> wrapped_probe(const Json& probe, const Json& container, std::chrono::seconds boot) {
    auto wrapped = wrap_checked(probe, container, boot);
    if (!wrapped) return std::unexpected(std::move(wrapped).error().context(container_label(container)));
    return wrapped;
}

Result<std::chrono::seconds> boot_time(const Json& container) {
    auto found = boot_time_of(container);
    if (!found) return std::unexpected(std::move(found).error().context(container_label(container)));
    return found;
}

}  // namespace synchost::k8s
