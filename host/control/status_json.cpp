// Status as JSON, and back from bytes that are not trusted.
#include <array>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/json_depth.hpp"
#include "base/timestamp.hpp"
#include "host/control/status.hpp"

namespace synchost::host {
namespace {

using Json = nlohmann::ordered_json;  // as it is written
using Parsed = nlohmann::json;        // ordered_json looks through all keys for each

constexpr std::size_t kMostDepth = 16;

constexpr std::array kOutcomes{GateOutcome::unseen, GateOutcome::waiting, GateOutcome::current,
                               GateOutcome::without_host};

constexpr std::array kStates{ServiceState::building, ServiceState::deploying, ServiceState::running,
                             ServiceState::crashed,  ServiceState::waiting,   ServiceState::failed,
                             ServiceState::paused,   ServiceState::stopped,   ServiceState::ended};

std::string dumped(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

template <typename Number>
Json or_null(const std::optional<Number>& number) {
    return number ? Json(*number) : Json(nullptr);
}

Json json_of(const Verification& verified) {
    Json differences = Json::array();
    for (const PathDifference& one : verified.differences)
        differences.push_back({{"path", one.path}, {"what", one.what}});
    return {{"equal", verified.equal()},       {"paths", verified.paths},
            {"differing", verified.differing}, {"differences", std::move(differences)},
            {"foreign", verified.foreign},     {"foreign_paths", verified.foreign_paths},
            {"problem", verified.problem}};
}

Json json_of(const ContainerStatus& container) {
    Json out = {{"name", container.name},
                {"image", container.image},
                {"state", container.state},
                {"generation", container.generation},
                {"current", container.current},
                {"starts", container.starts},
                {"exit_code", or_null(container.exit_code)},
                {"gate", to_string(container.gate)},
                {"last_error", container.last_error},
                {"next_step", container.next_step},
                {"last_output", container.last_output}};
    if (container.verified) out["verified"] = json_of(*container.verified);
    return out;
}

Json json_of(const ServiceStatus& service) {
    Json ports = Json::array();
    for (const PortStatus& port : service.ports) {
        ports.push_back({{"port", port.port},
                         {"local", port.is_open() ? Json(port.local) : Json(nullptr)},
                         {"url", port.url},
                         {"state", port.is_open() ? "open" : "closed"},
                         {"problem", port.problem}});
    }
    Json links = Json::array();
    for (const LinkStatus& link : service.links) links.push_back({{"name", link.name}, {"url", link.url}});
    Json probes = Json::array();
    for (const ProbeStatus& probe : service.probes)
        probes.push_back({{"container", probe.container}, {"kind", probe.kind}, {"text", probe.text}});
    Json labels = Json::object();
    for (const auto& [key, value] : service.labels) labels[key] = value;
    return {{"name", service.name},
            {"workload", service.workload},
            {"labels", std::move(labels)},
            {"images", service.images},
            {"depends_on", service.depends_on},
            {"trigger", service.manual ? "manual" : "automatic"},
            {"state", to_string(service.state)},
            {"reason", service.reason},
            {"next_step", service.next_step},
            {"since", format_timestamp_ns(service.since_ns)},
            {"replicas",
             {{"wanted", or_null(service.replicas.wanted)},
              {"there", service.replicas.there},
              {"current", service.replicas.current}}},
            {"restarts", service.restarts},
            {"paused", service.paused},
            {"stopped", service.stopped},
            {"ports", std::move(ports)},
            {"links", std::move(links)},
            {"probes", std::move(probes)},
            {"last_change", or_null(service.last_change)}};
}

// Reads fields of one object, and remembers the first that is not what it should be.
class Reader {
  public:
    explicit Reader(const Parsed& object) : object_(object) {
        if (!object.is_object()) fault_ = "an object";
    }
    std::string text(const char* key) {
        const Parsed* value = find(key, &Parsed::is_string);
        return value == nullptr ? std::string() : value->get<std::string>();
    }
    bool flag(const char* key) {
        const Parsed* value = find(key, &Parsed::is_boolean);
        return value != nullptr && value->get<bool>();
    }
    template <typename Number = std::uint64_t>
    Number number(const char* key) {
        const Parsed* value = find(key, &Parsed::is_number_unsigned);
        if (value == nullptr) return 0;
        const auto read = value->get<std::uint64_t>();
        if (read > static_cast<std::uint64_t>(std::numeric_limits<Number>::max())) fault_ = key;
        return static_cast<Number>(read);
    }
    // Nothing where it is absent or null.
    template <typename Number = std::uint64_t>
    std::optional<Number> optional_number(const char* key) {
        return optional(key) == nullptr ? std::nullopt : std::optional(number<Number>(key));
    }
    std::int64_t time(const char* key) {
        const auto read = parse_timestamp_ns(text(key));
        if (!read && fault_.empty()) fault_ = key;
        return read.value_or(0);
    }
    // One of two words: whether it is the first.
    bool word(const char* key, std::string_view yes, std::string_view no) {
        const std::string read = text(key);
        if (read != yes && read != no && fault_.empty()) fault_ = key;
        return read == yes;
    }
    const Parsed& object(const char* key) {
        static const Parsed kNone = Parsed::object();
        const Parsed* value = find(key, &Parsed::is_object);
        return value == nullptr ? kNone : *value;
    }
    const Parsed& list(const char* key) {
        static const Parsed kNone = Parsed::array();
        const Parsed* value = find(key, &Parsed::is_array);
        return value == nullptr ? kNone : *value;
    }
    // nullptr where it is absent or null.
    const Parsed* optional(const char* key) const {
        if (!object_.is_object()) return nullptr;
        const auto found = object_.find(key);
        return found == object_.end() || found->is_null() ? nullptr : &*found;
    }
    void refuse(const char* key) { fault_ = key; }
    [[nodiscard]] Result<> done() const {
        if (fault_.empty()) return {};
        return fail(Errc::protocol,
                    "the status of `synchost watch`: " + fault_ + " is not what it should be");
    }

  private:
    const Parsed* find(const char* key, bool (Parsed::*is)() const noexcept) {
        const Parsed* value = optional(key);
        if (value != nullptr && (value->*is)()) return value;
        if (fault_.empty()) fault_ = key;
        return nullptr;
    }
    const Parsed& object_;
    std::string fault_;
};

template <typename Item, typename Read>
Result<> read_list(const Parsed& list, std::vector<Item>& out, Read read) {
    for (const Parsed& item : list) {
        TRY_ASSIGN(Item one, read(item));
        out.push_back(std::move(one));
    }
    return {};
}

Result<std::string> read_text(const Parsed& json) {
    if (!json.is_string()) return fail(Errc::protocol, "the status of `synchost watch`: a list has no text");
    return json.get<std::string>();
}

Result<PathDifference> read_difference(const Parsed& json) {
    Reader reader(json);
    PathDifference out{reader.text("path"), reader.text("what")};
    TRY(reader.done());
    return out;
}

Result<Verification> read_verification(const Parsed& json) {
    Reader reader(json);
    Verification out;
    out.paths = reader.number("paths");
    out.differing = reader.number("differing");
    out.foreign = reader.number("foreign");
    out.problem = reader.text("problem");
    TRY(read_list(reader.list("differences"), out.differences, read_difference));
    TRY(read_list(reader.list("foreign_paths"), out.foreign_paths, read_text));
    TRY(reader.done());
    return out;
}

Result<ContainerStatus> read_container(const Parsed& json) {
    Reader reader(json);
    ContainerStatus out{.name = reader.text("name"),
                        .image = reader.text("image"),
                        .state = reader.text("state"),
                        .generation = reader.number("generation"),
                        .current = reader.flag("current"),
                        .starts = reader.number<std::uint32_t>("starts"),
                        .exit_code = {},
                        .gate = {},
                        .last_error = reader.text("last_error"),
                        .next_step = reader.text("next_step"),
                        .last_output = reader.text("last_output"),
                        .verified = {}};
    out.exit_code = reader.optional_number<std::uint8_t>("exit_code");
    const std::string gate = reader.text("gate");
    const auto* outcome = std::ranges::find(kOutcomes, gate, [](GateOutcome o) { return to_string(o); });
    if (outcome == kOutcomes.end()) {
        reader.refuse("gate");
    } else {
        out.gate = *outcome;
    }
    if (const Parsed* verified = reader.optional("verified")) {
        TRY_ASSIGN(out.verified, read_verification(*verified));
    }
    TRY(reader.done());
    return out;
}

Result<PodStatus> read_pod(const Parsed& json) {
    Reader reader(json);
    PodStatus out{.name = reader.text("name"),
                  .workload = reader.text("workload"),
                  .connected = reader.flag("connected"),
                  .containers = {}};
    TRY(read_list(reader.list("containers"), out.containers, read_container));
    TRY(reader.done());
    return out;
}

Result<ImageStatus> read_image(const Parsed& json) {
    Reader reader(json);
    ImageStatus out{.name = reader.text("name"),
                    .digest = reader.text("digest"),
                    .generation = reader.number("generation"),
                    .paths = reader.number("paths"),
                    .building = reader.flag("building"),
                    .build_failed = reader.flag("build_failed")};
    TRY(reader.done());
    return out;
}

Result<PortStatus> read_port(const Parsed& json) {
    Reader reader(json);
    PortStatus out{.port = reader.number<std::uint16_t>("port"),
                   .local = reader.optional_number<std::uint16_t>("local").value_or(0),
                   .url = reader.text("url"),
                   .problem = reader.text("problem")};
    if (reader.word("state", "open", "closed") != out.is_open()) reader.refuse("state");
    TRY(reader.done());
    return out;
}

Result<LinkStatus> read_link(const Parsed& json) {
    Reader reader(json);
    LinkStatus out{reader.text("name"), reader.text("url")};
    TRY(reader.done());
    return out;
}

Result<ProbeStatus> read_probe(const Parsed& json) {
    Reader reader(json);
    ProbeStatus out{reader.text("container"), reader.text("kind"), reader.text("text")};
    TRY(reader.done());
    return out;
}

Result<ReplicaCount> read_replicas(const Parsed& json) {
    Reader reader(json);
    ReplicaCount out{.wanted = reader.optional_number("wanted"),
                     .there = reader.number("there"),
                     .current = reader.number("current")};
    TRY(reader.done());
    return out;
}

Result<ServiceStatus> read_service(const Parsed& json) {
    Reader reader(json);
    ServiceStatus out{.name = reader.text("name"),
                      .workload = reader.text("workload"),
                      .labels = {},
                      .images = {},
                      .depends_on = {},
                      .manual = reader.word("trigger", "manual", "automatic"),
                      .reason = reader.text("reason"),
                      .next_step = reader.text("next_step"),
                      .since_ns = reader.time("since"),
                      .replicas = {},
                      .restarts = reader.number("restarts"),
                      .paused = reader.flag("paused"),
                      .stopped = reader.flag("stopped"),
                      .ports = {},
                      .links = {},
                      .probes = {},
                      .last_change = reader.optional_number("last_change")};
    const Parsed& labels = reader.object("labels");
    for (const auto& [key, value] : labels.items()) {
        TRY_ASSIGN(out.labels[key], read_text(value));
    }
    const std::string word = reader.text("state");
    const auto* state = std::ranges::find(kStates, word, [](ServiceState s) { return to_string(s); });
    if (state == kStates.end()) {
        reader.refuse("state");
    } else {
        out.state = *state;
    }
    TRY_ASSIGN(out.replicas, read_replicas(reader.object("replicas")));
    TRY(read_list(reader.list("images"), out.images, read_text));
    TRY(read_list(reader.list("depends_on"), out.depends_on, read_text));
    TRY(read_list(reader.list("ports"), out.ports, read_port));
    TRY(read_list(reader.list("links"), out.links, read_link));
    TRY(read_list(reader.list("probes"), out.probes, read_probe));
    TRY(reader.done());
    return out;
}

}  // namespace

std::string to_json(const Status& status) {
    Json images = Json::array();
    for (const ImageStatus& image : status.images) {
        images.push_back({{"name", image.name},
                          {"digest", image.digest},
                          {"generation", image.generation},
                          {"paths", image.paths},
                          {"building", image.building},
                          {"build_failed", image.build_failed}});
    }
    Json pods = Json::array();
    for (const PodStatus& pod : status.pods) {
        Json containers = Json::array();
        for (const ContainerStatus& container : pod.containers) containers.push_back(json_of(container));
        pods.push_back({{"name", pod.name},
                        {"workload", pod.workload},
                        {"connected", pod.connected},
                        {"containers", std::move(containers)}});
    }
    Json services = Json::array();
    for (const ServiceStatus& service : status.services) services.push_back(json_of(service));
    return dumped({{"version", status.version},
                   {"project", status.project},
                   {"folder", status.folder},
                   {"pid", status.pid},
                   {"ui", status.ui},
                   {"runtime", status.runtime},
                   {"deploying", status.deploying},
                   {"well", status.all_well()},
                   {"images", std::move(images)},
                   {"pods", std::move(pods)},
                   {"services", std::move(services)}});
}

std::string to_json(const ServiceDetail& detail) {
    Json pods = Json::array();
    for (const PodDetail& pod : detail.pods) {
        Json containers = Json::array();
        for (const ContainerDetail& container : pod.containers) {
            containers.push_back({{"name", container.name},
                                  {"image", container.image},
                                  {"state", container.state},
                                  {"reason", container.reason},
                                  {"exit_code", or_null(container.exit_code)},
                                  {"restarts", container.restarts},
                                  {"ready", container.ready},
                                  {"ours", container.ours}});
        }
        Json events = Json::array();
        for (const PodEvent& event : pod.events) {
            events.push_back({{"time", event.time},
                              {"type", event.type},
                              {"reason", event.reason},
                              {"message", event.message},
                              {"count", event.count}});
        }
        pods.push_back({{"name", pod.name},
                        {"phase", pod.phase},
                        {"ready", pod.ready},
                        {"started", pod.started},
                        {"node", pod.node},
                        {"containers", std::move(containers)},
                        {"events", std::move(events)}});
    }
    return dumped({{"service", json_of(detail.service)},
                   {"pods", std::move(pods)},
                   {"pods_problem", detail.pods_problem}});
}

std::string to_json(const Error& error) {
    return dumped({{"error", error.message}, {"next_step", error.next_step}});
}

namespace {

Result<Parsed> parse_bounded(std::string_view json) {
    if (json.size() > kMaxStatusBytes || nested_deeper(json, kMostDepth))
        return fail(Errc::protocol, "the status of `synchost watch` is past its bounds");
    Parsed object = Parsed::parse(json, nullptr, false);
    if (!object.is_discarded()) return object;
    return fail(Errc::protocol, "the status of `synchost watch` is not JSON",
                "Use the synchost program that the watch was started with.");
}

}  // namespace

Result<Error> parse_error(std::string_view json) {
    TRY_ASSIGN(const Parsed object, parse_bounded(json));
    Reader reader(object);
    Error out{Errc::io, reader.text("error"), 0, reader.text("next_step")};
    TRY(reader.done());
    return out;
}

Result<Status> parse_status(std::string_view json) {
    TRY_ASSIGN(const Parsed object, parse_bounded(json));
    Reader reader(object);
    Status out{
        .version = reader.text("version"),
        .project = reader.text("project"),
        .folder = reader.text("folder"),
        .pid = reader.number<std::int64_t>("pid"),
        .ui = reader.optional("ui") == nullptr ? "" : reader.text("ui"),  // an older watch says nothing
        .runtime = reader.text("runtime"),
        .deploying = reader.flag("deploying"),
        .images = {},
        .pods = {},
        .services = {}};
    TRY(read_list(reader.list("images"), out.images, read_image));
    TRY(read_list(reader.list("pods"), out.pods, read_pod));
    TRY(read_list(reader.list("services"), out.services, read_service));
    TRY(reader.done());
    return out;
}

}  // namespace synchost::host
