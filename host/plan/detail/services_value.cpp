#include "host/plan/detail/services_value.hpp"

#include <algorithm>
#include <optional>

#include "base/rel_path.hpp"
#include "base/suggest.hpp"
#include "host/plan/config.hpp"

namespace synchost::host::detail {
namespace {

constexpr std::array<std::string_view, 2> kTriggers{"automatic", "manual"};

Result<> read_trigger(const ConfigValue& value, ServiceConfig& service, const Place& place);
Result<> read_ports(const ConfigValue& value, ServiceConfig& service, const Place& place);
Result<> read_links(const ConfigValue& value, ServiceConfig& service, const Place& place);

constexpr std::array kServiceFields{
    Field<ServiceConfig>{
        {"workload", Shape::workload, Need::optional, "the one workload that has the service's name",
         "Deployment/api", "The workload of the manifests: Kind/name."},
        store<&ServiceConfig::workload, &ConfigValue::workload, ServiceConfig>},
    Field<ServiceConfig>{{"depends_on", Shape::texts, Need::optional, "", "[db]",
                          "Services that are ready before this one is started for the first time."},
                         store<&ServiceConfig::depends_on, &ConfigValue::text_list, ServiceConfig>},
    Field<ServiceConfig>{{"trigger", Shape::trigger, Need::optional, "automatic", "manual",
                          "manual: a save that needs another image waits for `synchost trigger`."},
                         read_trigger},
    Field<ServiceConfig>{
        {"run", Shape::command, Need::optional, "what manifest and image say", "[node, --inspect, server.js]",
         "What the container runs, in place of its command and args; $(VAR) is expanded as there."},
        store<&ServiceConfig::run, &ConfigValue::command, ServiceConfig>},
    Field<ServiceConfig>{
        {"container", Shape::dns_label, Need::optional, "the one whose image is among images", "api",
         "The container that run is for, where the workload has several."},
        store<&ServiceConfig::container, &ConfigValue::dns_label, ServiceConfig>},
    Field<ServiceConfig>{
        {"ports", Shape::ports, Need::optional, "", "[9229]",
         "Ports of the pods that lead to this machine though no manifest names them, and :local where the "
         "local port is to be another. In a cluster alone."},
        read_ports},
    Field<ServiceConfig>{
        {"links", Shape::links, Need::optional, "", "{Admin: \"http://127.0.0.1:8080/admin\"}",
         "Pages that are shown beside the service's ports, by their names."},
        read_links},
    Field<ServiceConfig>{{"gate", Shape::gate, Need::optional, "the project's", "hold",
                          "How long a process of this workload waits for its files when it starts."},
                         store<&ServiceConfig::gate, &ConfigValue::gate, ServiceConfig>},
};
constexpr auto kServiceKeys = keys_of(kServiceFields);

Result<> read_trigger(const ConfigValue& value, ServiceConfig& service, const Place&) {
    TRY_ASSIGN(const std::string word, value.text());
    if (std::ranges::find(kTriggers, word) == kTriggers.end()) {
        std::string step = did_you_mean(word, kTriggers);
        return value.refuse(value.line(),
                            "is neither automatic nor manual: \"" + printable(word.substr(0, 100)) + '"',
                            step.empty() ? "Write automatic or manual" : std::move(step));
    }
    service.trigger = word == "manual" ? Trigger::manual : Trigger::automatic;
    return {};
}

// "9229" or "9229:19229".
std::optional<ServicePort> parse_service_port(std::string_view text) {
    const std::size_t colon = text.find(':');
    const auto port = parse_port(text.substr(0, colon));
    const auto local = colon == std::string_view::npos ? std::optional<std::uint16_t>(std::uint16_t{0})
                                                       : parse_port(text.substr(colon + 1));
    if (!port || !local) return std::nullopt;
    return ServicePort{*port, *local};
}

Result<> read_ports(const ConfigValue& value, ServiceConfig& service, const Place&) {
    TRY_ASSIGN(const auto texts, value.text_list());
    for (const std::string& text : texts) {
        const auto port = parse_service_port(text);
        if (!port) {
            return value.refuse(value.line(),
                                "has \"" + printable(text.substr(0, 100)) +
                                    "\", which is no port from 1 to 65535, or two with a colon");
        }
        service.ports.push_back(*port);
    }
    return {};
}

Result<> read_links(const ConfigValue& value, ServiceConfig& service, const Place&) {
    TRY_ASSIGN(const YamlNode* links, value.map());
    for (const auto& [name, url] : links->pairs) {
        const std::string shown = "\"" + printable(name.text.substr(0, 100)) + '"';
        const auto taken = std::ranges::find(service.links, name.text, &ServiceLink::name);
        if (name.text.empty() || taken != service.links.end())
            return value.refuse(
                name.line, name.text.empty() ? "has a link without a name" : shown + " stands here twice");
        const bool is_url = url.kind == YamlKind::scalar &&
                            (url.text.starts_with("http://") || url.text.starts_with("https://")) &&
                            std::ranges::all_of(url.text, [](char c) { return c > ' ' && c != '\x7f'; });
        if (!is_url) return value.refuse(name.line, shown + " is no http or https URL");
        service.links.push_back({name.text, url.text});
    }
    return {};
}

const ServiceConfig* find_service(const std::vector<ServiceConfig>& services, const std::string& name) {
    const auto found = std::ranges::find(services, name, &ServiceConfig::name);
    return found == services.end() ? nullptr : &*found;
}

// "a -> b -> a" where following depends_on from the last of `way` leads back into it.
std::string find_cycle(const std::vector<ServiceConfig>& services, std::vector<std::string>& way,
                       std::vector<std::string>& clear) {
    for (const std::string& next : find_service(services, way.back())->depends_on) {
        if (std::ranges::find(clear, next) != clear.end()) continue;
        if (const auto begin = std::ranges::find(way, next); begin != way.end()) {
            std::string out;
            for (auto at = begin; at != way.end(); ++at) out += *at + " -> ";
            return out + next;
        }
        way.push_back(next);
        if (std::string found = find_cycle(services, way, clear); !found.empty()) return found;
        way.pop_back();
        clear.push_back(next);
    }
    return {};
}

Result<> check_dependencies(const std::vector<ServiceConfig>& services, const Place& place) {
    std::vector<std::string_view> names;
    for (const ServiceConfig& service : services) names.push_back(service.name);
    const auto line_of = [&](const ServiceConfig& service) {
        return place.lines->at("services > " + service.name + " > depends_on");
    };
    for (const ServiceConfig& service : services) {
        for (const std::string& other : service.depends_on) {
            if (find_service(services, other) != nullptr) continue;
            std::string step = did_you_mean(other, names);
            if (step.empty()) step = "Add it to services: its name alone is enough, such as " + other + ":";
            return refuse(place, line_of(service),
                          "service " + service.name + " depends on \"" + printable(other.substr(0, 100)) +
                              "\", which is no service",
                          std::move(step));
        }
    }
    std::vector<std::string> clear;
    for (const ServiceConfig& service : services) {
        std::vector<std::string> way = {service.name};
        const std::string cycle = find_cycle(services, way, clear);
        if (cycle.empty()) continue;
        return refuse(place, line_of(*find_service(services, cycle.substr(0, cycle.find(' ')))),
                      "services depend on each other in a circle: " + cycle, "Take one of these out");
    }
    return {};
}

}  // namespace

std::span<const KeySpec> service_keys() {
    return kServiceKeys;
}

Result<std::vector<ServiceConfig>> read_services(const ConfigValue& value, const Place& place) {
    TRY_ASSIGN(const YamlNode* map, value.map());
    std::vector<ServiceConfig> services;
    for (const auto& [key, node] : map->pairs) {
        const std::string shown = "service \"" + printable(key.text.substr(0, 100)) + "\"";
        if (key.text != make_dns_label(key.text)) {
            return refuse(place, key.line, shown + " is not a DNS label",
                          "Write: " + make_dns_label(key.text) + ":");
        }
        if (!place.lines->emplace("services > " + key.text, key.line).second)
            return refuse(place, key.line, shown + " stands here a second time", "Keep one of the two");
        // "api:" alone is a service with every default.
        if (node.kind != YamlKind::map && node.kind != YamlKind::null) {
            return refuse(place, key.line, shown + " must be a map, not " + std::string(to_string(node.kind)),
                          "Write, for example: " + key.text + ": {depends_on: [db]}");
        }
        ServiceConfig service{.name = key.text};
        const Place below{place.source, "services > " + key.text + " > ", place.lines};
        TRY(read_fields(node, kServiceFields, kServiceKeys, service, below));
        const auto taken = std::ranges::find(services, service.workload, &ServiceConfig::workload);
        if (!service.workload.empty() && taken != services.end()) {
            return refuse(place, key.line, shown + " is the same workload as " + taken->name,
                          "Keep one of the two");
        }
        if (!service.container.empty() && service.run.empty()) {
            return refuse(place, key.line, shown + " has container without run",
                          "Say what it runs: run: [node, --inspect, server.js]");
        }
        services.push_back(std::move(service));
    }
    TRY(check_dependencies(services, place));
    return services;
}

}  // namespace synchost::host::detail
