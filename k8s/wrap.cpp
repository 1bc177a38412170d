#include "k8s/wrap.hpp"

#include <nlohmann/json.hpp>

namespace synchost::k8s {
namespace {

constexpr const char* kBinary = "/synchost/bin/synchost-agent";
constexpr const char* kRunFolder = "/synchost/run";

std::vector<std::string> words(const Json& container, const char* key) {
    std::vector<std::string> out;
    const auto found = container.find(key);
    if (found == container.end() || !found->is_array()) return out;
    for (const Json& word : *found) {
        if (word.is_string()) out.push_back(word.get<std::string>());
    }
    return out;
}

std::vector<std::string> escaped(const std::vector<std::string>& image_words) {
    std::vector<std::string> out;
    for (std::string word : image_words) {
        for (std::size_t at = word.find("$("); at != std::string::npos; at = word.find("$(", at + 3)) word.insert(at, 1, '$');
        out.push_back(std::move(word));
    }
    return out;
}

std::string duration_word(std::chrono::milliseconds time) {
    if (time == std::chrono::milliseconds::max()) return "hold";
    if (time.count() == 0) return "0";
    return std::to_string(time.count()) + "ms";
}

void append(std::vector<std::string>& to, std::vector<std::string> words) {
    to.insert(to.end(), std::make_move_iterator(words.begin()), std::make_move_iterator(words.end()));
}

Result<std::string> port_number(const Json& port, const Json& container) {
    if (port.is_number_integer()) return std::to_string(port.get<int>());
    const std::string name = port.is_string() ? port.get<std::string>() : "";
    if (const auto ports = container.find("ports"); ports != container.end() && ports->is_array()) {
        for (const Json& item : *ports) {
            if (item.is_object() && item.value("name", "") == name && item.contains("containerPort")) {
                return std::to_string(item["containerPort"].get<int>());
            }
        }
    }
    return fail(Errc::invalid_input, "container " + container.value("name", "") + ": probe of port \"" + name +
                                         "\", which is none of its ports",
                "Name the port in the container's ports, or write its number in the probe.");
}

Result<std::vector<std::string>> http_words(const Json& get, const Json& container) {
    TRY_ASSIGN(std::string port, port_number(get.value("port", Json()), container));
    std::vector<std::string> out = {"http", "--port", std::move(port), "--path", get.value("path", "/")};
    if (get.value("scheme", "HTTP") == "HTTPS") append(out, {"--scheme", "https"});
    if (const std::string host = get.value("host", ""); !host.empty()) append(out, {"--host", host});
    for (const Json& header : get.value("httpHeaders", Json::array())) {
        append(out, {"--header", header.value("name", "") + ": " + header.value("value", "")});
    }
    return out;
}

}  // namespace

Result<std::vector<std::string>> supervised_command(const Json& container, const InjectedImage& image,
                                                    const InjectOptions& options, bool may_hold) {
    const std::string name = container.value("name", "");
    std::vector<std::string> out = {kBinary, "run", "--name", name, "--socket-dir", kRunFolder};
    for (const std::string& path : image.managed_paths) append(out, {"--root", path});
    append(out, {"--gate", duration_word(options.gate), "--grace", duration_word(options.grace)});
    if (!may_hold) out.push_back("--no-hold");
    out.push_back("--");
    const std::size_t fixed = out.size();

    const auto command = words(container, "command");
    const auto args = words(container, "args");
    append(out, command.empty() ? escaped(image.entrypoint) : command);
    const bool image_cmd = command.empty() && args.empty();
    append(out, image_cmd ? escaped(image.cmd) : args);
    if (out.size() == fixed) {
        return fail(Errc::invalid_input, "container " + name + ": neither the manifest nor the image names a command",
                    "Set `command` in the manifest, or ENTRYPOINT or CMD in the Dockerfile.");
    }
    return out;
}

Result<Json> wrapped_probe(const Json& probe, const Json& container) {
    std::vector<std::string> words = {kBinary, "probe", "--socket-dir", kRunFolder, "--timeout",
                                      std::to_string(probe.value("timeoutSeconds", 1) * 1000) + "ms"};
    Json out = probe;
    if (const auto get = probe.find("httpGet"); get != probe.end()) {
        TRY_ASSIGN(auto more, http_words(*get, container));
        append(words, std::move(more));
    } else if (const auto tcp = probe.find("tcpSocket"); tcp != probe.end()) {
        TRY_ASSIGN(std::string port, port_number(tcp->value("port", Json()), container));
        append(words, {"tcp", "--port", std::move(port)});
        if (const std::string host = tcp->value("host", ""); !host.empty()) append(words, {"--host", host});
    } else if (const auto grpc = probe.find("grpc"); grpc != probe.end()) {
        TRY_ASSIGN(std::string port, port_number(grpc->value("port", Json()), container));
        append(words, {"grpc", "--port", std::move(port)});
        if (const std::string service = grpc->value("service", ""); !service.empty()) append(words, {"--service", service});
    } else if (const auto exec = probe.find("exec"); exec != probe.end()) {
        words.insert(words.end(), {"exec", "--"});
        for (const Json& word : exec->value("command", Json::array())) words.push_back(word.get<std::string>());
        if (words[0] == kBinary && exec->at("command").size() > 1 && exec->at("command")[0] == kBinary) return probe;
    } else {
        return probe;
    }
    for (const char* key : {"httpGet", "tcpSocket", "grpc", "exec"}) out.erase(key);
    out["exec"] = {{"command", words}};
    return out;
}

}  // namespace synchost::k8s
