#include "k8s/manifest.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/file.hpp"
#include "base/rel_path.hpp"
#include "k8s/yaml_scalar.hpp"

namespace synchost::k8s {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxBytes = std::size_t{16} << 20;
constexpr int kMaxDepth = 100;
constexpr std::size_t kMaxNodes = 1'000'000;
constexpr std::size_t kMaxDocuments = 10'000;

std::string at_line(std::string_view source, const YAML::Mark& mark) {
    return std::string(source) + ":" + std::to_string(mark.line + 1);
}

// Turns yaml-cpp's nodes into JSON, within the bounds. yaml-cpp resolves aliases by sharing nodes, so that a
// small text can be a large tree: nodes are counted as they are visited.
class Converter {
  public:
    explicit Converter(std::string_view source) : source_(source) {}

    Result<Json> convert(const YAML::Node& node, int depth = 0) {
        if (depth > kMaxDepth) return refuse(node, "more than 100 levels deep");
        if (++nodes_ > kMaxNodes) return refuse(node, "more than 1,000,000 values, aliases expanded");
        switch (node.Type()) {
            case YAML::NodeType::Scalar:
                return scalar(node);
            case YAML::NodeType::Sequence:
                return sequence(node, depth);
            case YAML::NodeType::Map:
                return mapping(node, depth);
            case YAML::NodeType::Null:
            case YAML::NodeType::Undefined:
                return Json(nullptr);
        }
        return Json(nullptr);
    }

  private:
    std::unexpected<Error> refuse(const YAML::Node& node, const std::string& what) const {
        return fail(Errc::invalid_input, at_line(source_, node.Mark()) + ": " + what);
    }

    // "!" is the tag of a quoted scalar, "?" of a plain one (YAML 1.2.2, section 3.3.2).
    Result<Json> scalar(const YAML::Node& node) const {
        const std::string& tag = node.Tag();
        if (tag == "!" || tag == "tag:yaml.org,2002:str") return Json(node.Scalar());
        if (tag == "?" || tag.empty() || tag.starts_with("tag:yaml.org,2002:"))
            return resolve_plain_scalar(node.Scalar());
        return refuse(node, "unknown tag " + printable(tag));
    }

    Result<Json> sequence(const YAML::Node& node, int depth) {
        Json out = Json::array();
        for (const YAML::Node& item : node) {
            TRY_ASSIGN(Json value, convert(item, depth + 1));
            out.push_back(std::move(value));
        }
        return out;
    }

    Result<Json> mapping(const YAML::Node& node, int depth) {
        Json out = Json::object();
        std::vector<YAML::Node> merged;
        for (const auto& item : node) {
            if (!item.first.IsScalar()) return refuse(item.first, "a key that is not a scalar");
            const std::string& key = item.first.Scalar();
            if (key == "<<" && item.first.Tag() != "!") {
                merged.push_back(item.second);
                continue;
            }
            if (out.contains(key))
                return refuse(item.first, "key \"" + printable(key) + "\" stands twice in one mapping");
            TRY_ASSIGN(out[key], convert(item.second, depth + 1));
        }
        for (const YAML::Node& source : merged) TRY(merge(source, out, depth));
        return out;
    }

    // Keys of the mapping itself win over merged ones, earlier merged ones over later ones.
    Result<> merge(const YAML::Node& source, Json& into, int depth) {
        if (source.IsSequence()) {
            for (const YAML::Node& item : source) TRY(merge(item, into, depth));
            return {};
        }
        if (!source.IsMap()) return refuse(source, "<< takes a mapping or a list of mappings");
        TRY_ASSIGN(const Json values, convert(source, depth + 1));
        for (const auto& [key, value] : values.items()) {
            if (!into.contains(key)) into[key] = value;
        }
        return {};
    }

    std::string source_;
    std::size_t nodes_ = 0;
};

Result<> check_object(const Json& object, const std::string& where) {
    if (!object.is_object()) return fail(Errc::invalid_input, where + ": not a Kubernetes object");
    for (const char* key : {"apiVersion", "kind"}) {
        const auto found = object.find(key);
        if (found == object.end() || !found->is_string() || found->get_ref<const std::string&>().empty()) {
            return fail(Errc::invalid_input, where + ": a Kubernetes object needs " + key);
        }
    }
    return {};
}

Result<> add_object(Json object, const std::string& where, std::vector<Manifest>& out) {
    TRY(check_object(object, where));
    const bool is_list =
        object["kind"].get_ref<const std::string&>().ends_with("List") && object.contains("items");
    if (is_list) {
        if (!object["items"].is_array()) return fail(Errc::invalid_input, where + ": items is not a list");
        for (Json& item : object["items"]) TRY(add_object(std::move(item), where, out));
        return {};
    }
    const auto metadata = object.find("metadata");
    const bool named = metadata != object.end() && metadata->is_object() &&
                       ((metadata->contains("name") && metadata->at("name").is_string()) ||
                        metadata->contains("generateName"));
    if (!named) return fail(Errc::invalid_input, where + ": a Kubernetes object needs metadata.name");
    if (out.size() >= kMaxDocuments) return fail(Errc::invalid_input, where + ": more than 10,000 objects");
    out.push_back({std::move(object), where});
    return {};
}

void emit(YAML::Emitter& out, const Json& value);

void emit_string(YAML::Emitter& out, const std::string& text) {
    const bool exact_block =
        text.contains('\n') && text.ends_with('\n') && !text.ends_with("\n\n") && text.front() != ' ' &&
        text.front() != '\n' &&
        std::ranges::all_of(text, [](char c) { return c == '\n' || (c >= 0x20 && c < 0x7F); });
    if (exact_block) {
        out << YAML::Literal << text;
    } else if (is_safe_plain(text)) {
        out << text;
    } else {
        out << YAML::DoubleQuoted << text;
    }
}

void emit(YAML::Emitter& out, const Json& value) {
    if (value.is_object()) {
        out << (value.empty() ? YAML::Flow : YAML::Block) << YAML::BeginMap;
        for (const auto& [key, item] : value.items()) {
            out << YAML::Key;
            emit_string(out, key);
            out << YAML::Value;
            emit(out, item);
        }
        out << YAML::EndMap;
    } else if (value.is_array()) {
        out << (value.empty() ? YAML::Flow : YAML::Block) << YAML::BeginSeq;
        for (const Json& item : value) emit(out, item);
        out << YAML::EndSeq;
    } else if (value.is_string()) {
        emit_string(out, value.get_ref<const std::string&>());
    } else if (value.is_null()) {
        out << YAML::Null;
    } else {
        out << value.dump();
    }
}

bool is_manifest_name(const fs::path& path) {
    return path.extension() == ".yaml" || path.extension() == ".yml" || path.extension() == ".json";
}

Result<> load_file(const fs::path& path, std::vector<Manifest>& out) {
    TRY_ASSIGN(const std::string text, read_file(path, kMaxBytes));
    TRY_ASSIGN(std::vector<Manifest> some, parse_manifests(text, path.native()));
    out.insert(out.end(), std::make_move_iterator(some.begin()), std::make_move_iterator(some.end()));
    return {};
}

// RFC 3629: no overlong forms, no surrogates, nothing beyond U+10FFFF.
bool is_utf8(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
        const auto byte = [&](std::size_t i) {
            return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U;
        };
        const unsigned first = byte(0);
        const std::size_t more = first < 0x80 ? 0 : first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : 1;
        if ((first >= 0x80 && first < 0xC2) || first > 0xF4) return false;
        for (std::size_t i = 1; i <= more; ++i) {
            if ((byte(i) & 0xC0U) != 0x80) return false;
        }
        const unsigned second = byte(1);
        const bool overlong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
        const bool beyond = (first == 0xED && second > 0x9F) || (first == 0xF4 && second > 0x8F);
        if (overlong || beyond) return false;
        at += more + 1;
    }
    return true;
}

// yaml-cpp passes on whatever bytes it reads; JSON, and so the API server, has no place for them.
Result<> check_utf8(std::string_view text, std::string_view source) {
    std::size_t line = 1;
    while (!text.empty()) {
        const std::string_view one_line = text.substr(0, text.find('\n'));
        if (!is_utf8(one_line)) {
            return fail(Errc::invalid_input,
                        std::string(source) + ":" + std::to_string(line) + ": not UTF-8");
        }
        text.remove_prefix(std::min(one_line.size() + 1, text.size()));
        ++line;
    }
    return {};
}

}  // namespace

Result<std::vector<Manifest>> parse_manifests(std::string_view yaml, std::string_view source) {
    if (yaml.size() > kMaxBytes)
        return fail(Errc::invalid_input, std::string(source) + ": larger than 16 MiB");
    TRY(check_utf8(yaml, source));
    try {
        std::vector<Manifest> out;
        Converter converter(source);
        for (const YAML::Node& document : YAML::LoadAll(std::string(yaml))) {
            if (document.IsNull() || !document.IsDefined()) continue;
            TRY_ASSIGN(Json object, converter.convert(document));
            TRY(add_object(std::move(object), at_line(source, document.Mark()), out));
        }
        return out;
    } catch (const YAML::Exception& failure) {
        return fail(Errc::invalid_input, at_line(source, failure.mark) + ": not YAML: " + failure.msg);
    }
}

Result<std::vector<Manifest>> load_manifests(const std::vector<fs::path>& paths) {
    std::vector<Manifest> out;
    for (const fs::path& path : paths) {
        std::error_code error;
        if (!fs::is_directory(path, error)) {
            TRY(load_file(path, out));
            continue;
        }
        std::vector<fs::path> files;
        for (const auto& entry : fs::directory_iterator(path, error)) {
            if (is_manifest_name(entry.path()) && entry.is_regular_file(error)) files.push_back(entry.path());
        }
        if (error) return fail_errno(path.native(), error.value());
        std::ranges::sort(files);
        for (const fs::path& file : files) TRY(load_file(file, out));
    }
    return out;
}

std::string to_yaml(const std::vector<Manifest>& manifests) {
    std::string text;
    for (const Manifest& manifest : manifests) {
        YAML::Emitter out;
        out.SetIndent(2);
        out.SetNullFormat(YAML::LowerNull);
        out.SetOutputCharset(YAML::EscapeNonAscii);
        emit(out, manifest.object);
        if (!text.empty()) text += "---\n";
        ((text += out.c_str())) += '\n';
    }
    return text;
}

const Json* pod_spec(const Json& object) {
    const auto kind = object.find("kind");
    if (kind == object.end() || !kind->is_string()) return nullptr;
    const std::string& name = kind->get_ref<const std::string&>();
    std::vector<const char*> way = {"spec"};
    constexpr std::array<std::string_view, 6> kWithTemplate = {
        "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job"};
    if (name == "CronJob") {
        way = {"spec", "jobTemplate", "spec", "template", "spec"};
    } else if (std::ranges::find(kWithTemplate, name) != kWithTemplate.end()) {
        way = {"spec", "template", "spec"};
    } else if (name != "Pod") {
        return nullptr;
    }
    const Json* at = &object;
    for (const char* step : way) {
        const auto next = at->is_object() ? at->find(step) : at->end();
        if (!at->is_object() || next == at->end()) return nullptr;
        at = &*next;
    }
    return at->is_object() ? at : nullptr;
}

Json* pod_spec(Json& object) {
    return const_cast<Json*>(pod_spec(std::as_const(object)));
}

}  // namespace synchost::k8s
