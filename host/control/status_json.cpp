// Status as JSON, and back from bytes that are not trusted. describe() names the fields of a structure once,
// in the order in which they are written; a Writer and a Reader go through the same list.
#include <algorithm>
#include <array>
#include <concepts>
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
constexpr std::uint64_t kMaxExitCode = 255;

constexpr std::array kOutcomes{GateOutcome::unseen, GateOutcome::waiting, GateOutcome::current,
                               GateOutcome::without_host};

constexpr std::array kStates{ServiceState::building, ServiceState::deploying, ServiceState::running,
                             ServiceState::crashed,  ServiceState::waiting,   ServiceState::failed,
                             ServiceState::paused,   ServiceState::stopped,   ServiceState::ended};

// const where it is written.
template <typename Given, typename Structure>
concept Of = std::same_as<std::remove_const_t<Given>, Structure>;

void describe(auto& io, Of<PathDifference> auto& difference) {
    io("path", difference.path);
    io("what", difference.what);
}

void describe(auto& io, Of<Verification> auto& verified) {
    io.derived("equal", verified.equal());
    io("paths", verified.paths);
    io("differing", verified.differing);
    io("differences", verified.differences);
    io("foreign", verified.foreign);
    io("foreign_paths", verified.foreign_paths);
    io("problem", verified.problem);
}

void describe(auto& io, Of<ContainerStatus> auto& container) {
    io("name", container.name);
    io("image", container.image);
    io("state", container.state);
    io("generation", container.generation);
    io("current", container.current);
    io("starts", container.starts);
    io("exit_code", container.exit_code, kMaxExitCode);
    io.one_of("gate", container.gate, kOutcomes);
    io("last_error", container.last_error);
    io("next_step", container.next_step);
    io("last_output", container.last_output);
    io.if_there("verified", container.verified);
}

void describe(auto& io, Of<PodStatus> auto& pod) {
    io("name", pod.name);
    io("workload", pod.workload);
    io("connected", pod.connected);
    io("containers", pod.containers);
}

void describe(auto& io, Of<ImageStatus> auto& image) {
    io("name", image.name);
    io("digest", image.digest);
    io("generation", image.generation);
    io("paths", image.paths);
    io("building", image.building);
    io("build_failed", image.build_failed);
}

void describe(auto& io, Of<PortStatus> auto& port) {
    io("port", port.port);
    io.null_for_zero("local", port.local);
    io("url", port.url);
    io.must_be("state", port.is_open() ? "open" : "closed");
    io("problem", port.problem);
}

void describe(auto& io, Of<LinkStatus> auto& link) {
    io("name", link.name);
    io("url", link.url);
}

void describe(auto& io, Of<ProbeStatus> auto& probe) {
    io("container", probe.container);
    io("kind", probe.kind);
    io("text", probe.text);
}

void describe(auto& io, Of<ReplicaCount> auto& replicas) {
    io("wanted", replicas.wanted);
    io("there", replicas.there);
    io("current", replicas.current);
}

void describe(auto& io, Of<ServiceStatus> auto& service) {
    io("name", service.name);
    io("workload", service.workload);
    io("labels", service.labels);
    io("images", service.images);
    io("depends_on", service.depends_on);
    io.word("trigger", service.manual, "manual", "automatic");
    io.one_of("state", service.state, kStates);
    io("reason", service.reason);
    io("next_step", service.next_step);
    io.time("since", service.since_ns);
    io("replicas", service.replicas);
    io("restarts", service.restarts);
    io("paused", service.paused);
    io("stopped", service.stopped);
    io("ports", service.ports);
    io("links", service.links);
    io("probes", service.probes);
    io("last_change", service.last_change);
}

void describe(auto& io, Of<Status> auto& status) {
    io("version", status.version);
    io("project", status.project);
    io("folder", status.folder);
    io("pid", status.pid);
    io.may_lack("ui", status.ui);  // an older watch says nothing
    io("runtime", status.runtime);
    io("deploying", status.deploying);
    io.derived("well", status.all_well());
    io("images", status.images);
    io("pods", status.pods);
    io("services", status.services);
}

void describe(auto& io, Of<ContainerDetail> auto& container) {
    io("name", container.name);
    io("image", container.image);
    io("state", container.state);
    io("reason", container.reason);
    io("exit_code", container.exit_code, kMaxExitCode);
    io("restarts", container.restarts);
    io("ready", container.ready);
    io("ours", container.ours);
}

void describe(auto& io, Of<PodEvent> auto& event) {
    io("time", event.time);
    io("type", event.type);
    io("reason", event.reason);
    io("message", event.message);
    io("count", event.count);
}

void describe(auto& io, Of<PodDetail> auto& pod) {
    io("name", pod.name);
    io("phase", pod.phase);
    io("ready", pod.ready);
    io("started", pod.started);
    io("node", pod.node);
    io("containers", pod.containers);
    io("events", pod.events);
}

void describe(auto& io, Of<ServiceDetail> auto& detail) {
    io("service", detail.service);
    io("pods", detail.pods);
    io("pods_problem", detail.pods_problem);
}

void describe(auto& io, Of<Error> auto& error) {
    io("error", error.message);
    io("next_step", error.next_step);
}

class Writer {
  public:
    template <typename Value>
    static Json json_of(const Value& value) {
        if constexpr (std::constructible_from<Json, const Value&>) {
            return Json(value);
        } else {
            Writer writer;
            describe(writer, value);
            return std::move(writer.out_);
        }
    }
    template <typename Item>
    static Json json_of(const std::vector<Item>& items) {
        Json out = Json::array();
        for (const Item& item : items) out.push_back(json_of(item));
        return out;
    }

    template <typename Value>
    void operator()(const char* key, const Value& value) {
        out_[key] = json_of(value);
    }
    template <typename Value>
    void operator()(const char* key, const std::optional<Value>& value, std::uint64_t = 0) {
        out_[key] = value ? json_of(*value) : Json(nullptr);
    }
    template <typename Value>
    void if_there(const char* key, const std::optional<Value>& value) {
        if (value) out_[key] = json_of(*value);
    }
    void may_lack(const char* key, const std::string& text) { out_[key] = text; }
    void derived(const char* key, bool flag) { out_[key] = flag; }
    void must_be(const char* key, const char* word) { out_[key] = word; }
    void word(const char* key, bool flag, const char* yes, const char* no) { out_[key] = flag ? yes : no; }
    void time(const char* key, std::int64_t time_ns) { out_[key] = format_timestamp_ns(time_ns); }
    template <std::unsigned_integral Number>
    void null_for_zero(const char* key, Number number) {
        out_[key] = number == 0 ? Json(nullptr) : Json(number);
    }
    template <typename Enum, std::size_t kCount>
    void one_of(const char* key, Enum value, const std::array<Enum, kCount>&) {
        out_[key] = to_string(value);
    }

  private:
    Json out_ = Json::object();
};

// Reads the fields of one object, and remembers the first that is not what it should be.
class Reader {
  public:
    // `name` is what a fault is called where it is no object.
    Reader(const char* name, const Parsed& object) : object_(object) {
        if (!object.is_object()) refuse(name);
    }

    template <typename Value>
    void operator()(const char* key, Value& out) {
        if (const Parsed* value = find(key)) {
            take(key, *value, out);
        } else {
            refuse(key);
        }
    }
    // Nothing where it is absent or null.
    template <typename Value>
    void operator()(const char* key, std::optional<Value>& out,
                    std::uint64_t most = std::numeric_limits<std::uint64_t>::max()) {
        out.reset();
        if (find(key) == nullptr) return;
        (*this)(key, out.emplace());
        if (std::cmp_greater(*out, most)) refuse(key);
    }
    template <typename Value>
    void if_there(const char* key, std::optional<Value>& out) {
        if (find(key) != nullptr) (*this)(key, out.emplace());
    }
    void may_lack(const char* key, std::string& out) {
        if (find(key) != nullptr) (*this)(key, out);
    }
    void derived(const char*, bool) {}
    void must_be(const char* key, const char* word) {
        if (text(key) != word) refuse(key);
    }
    void word(const char* key, bool& out, const char* yes, const char* no) {
        const std::string read = text(key);
        out = read == yes;
        if (!out && read != no) refuse(key);
    }
    void time(const char* key, std::int64_t& out) {
        const auto read = parse_timestamp_ns(text(key));
        if (!read) return refuse(key);
        out = *read;
    }
    template <std::unsigned_integral Number>
    void null_for_zero(const char* key, Number& out) {
        if (find(key) != nullptr) (*this)(key, out);
    }
    template <typename Enum, std::size_t kCount>
    void one_of(const char* key, Enum& out, const std::array<Enum, kCount>& all) {
        const auto* found = std::ranges::find(all, text(key), [](Enum one) { return to_string(one); });
        if (found == all.end()) return refuse(key);
        out = *found;
    }
    [[nodiscard]] Result<> done() const {
        if (fault_.empty()) return {};
        return fail(Errc::protocol,
                    "the status of `synchost watch`: " + fault_ + " is not what it should be");
    }

  private:
    void refuse(const std::string& what) {
        if (fault_.empty()) fault_ = what;
    }
    // nullptr where it is absent or null.
    const Parsed* find(const char* key) const {
        if (!object_.is_object()) return nullptr;
        const auto found = object_.find(key);
        return found == object_.end() || found->is_null() ? nullptr : &*found;
    }
    std::string text(const char* key) {
        std::string out;
        (*this)(key, out);
        return out;
    }

    void take(const char* key, const Parsed& value, std::string& out) {
        if (!value.is_string()) return refuse(key);
        out = value.get<std::string>();
    }
    void take(const char* key, const Parsed& value, bool& out) {
        if (!value.is_boolean()) return refuse(key);
        out = value.get<bool>();
    }
    template <std::integral Number>
    void take(const char* key, const Parsed& value, Number& out) {
        const std::uint64_t read = value.is_number_unsigned() ? value.get<std::uint64_t>() : 0;
        if (!value.is_number_unsigned() || !std::in_range<Number>(read)) return refuse(key);
        out = static_cast<Number>(read);
    }
    void take(const char* key, const Parsed& value, std::map<std::string, std::string>& out) {
        if (!value.is_object()) return refuse(key);
        for (const auto& [name, item] : value.items()) take(key, item, out[name]);
    }
    template <typename Item>
    void take(const char* key, const Parsed& value, std::vector<Item>& out) {
        if (!value.is_array()) return refuse(key);
        for (const Parsed& item : value) take(key, item, out.emplace_back());
    }
    template <typename Structure>
    void take(const char* key, const Parsed& value, Structure& out) {
        Reader inner(key, value);
        describe(inner, out);
        if (!inner.fault_.empty()) refuse(inner.fault_);
    }

    const Parsed& object_;
    std::string fault_;
};

template <typename Structure>
std::string written(const Structure& structure) {
    return Writer::json_of(structure).dump(-1, ' ', false, Json::error_handler_t::replace);
}

template <typename Structure>
Result<Structure> parsed(std::string_view json) {
    if (json.size() > kMaxStatusBytes || nested_deeper(json, kMostDepth))
        return fail(Errc::protocol, "the status of `synchost watch` is past its bounds");
    const Parsed object = Parsed::parse(json, nullptr, false);
    if (object.is_discarded())
        return fail(Errc::protocol, "the status of `synchost watch` is not JSON",
                    "Use the synchost program that the watch was started with.");
    Reader reader("an object", object);
    Structure out;
    describe(reader, out);
    TRY(reader.done());
    return out;
}

}  // namespace

std::string to_json(const Status& status) {
    return written(status);
}

std::string to_json(const ServiceDetail& detail) {
    return written(detail);
}

std::string to_json(const Error& error) {
    return written(error);
}

Result<Error> parse_error(std::string_view json) {
    return parsed<Error>(json);
}

Result<Status> parse_status(std::string_view json) {
    return parsed<Status>(json);
}

}  // namespace synchost::host
