#include "k8s/detail/yaml_reader.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <unordered_map>
#include <unordered_set>

#include "base/rel_path.hpp"
#include "k8s/detail/utf8.hpp"
#include "k8s/yaml_scalar.hpp"

namespace synchost::k8s {
namespace {

constexpr std::string_view kYamlTag = "tag:yaml.org,2002:";

// What a copy of a value costs.
struct Extent {
    std::size_t nodes = 0;
    std::size_t bytes = 0;
    std::size_t depth = 0;
};

Extent extent_of(const Json& value) {
    if (value.is_string()) return {1, value.get_ref<const std::string&>().size(), 1};
    Extent out{1, 0, 1};
    if (value.is_primitive()) return out;
    for (const auto& [key, item] : value.items()) {
        const Extent inner = extent_of(item);
        out.nodes += inner.nodes;
        out.bytes += inner.bytes + key.size();
        out.depth = std::max(out.depth, inner.depth + 1);
    }
    return out;
}

// yaml-cpp 0.7 makes of the escapes \N and \_ the bare bytes 85 and A0 instead of U+0085 and U+00A0. Nothing
// else that is not UTF-8 can come out of a text that is.
std::string with_whole_escapes(const std::string& text) {
    std::string out;
    for (std::string_view rest = text; !rest.empty();) {
        const CodePoint point = first_code_point(rest);
        if (point.length == 0) out += '\xC2';
        const std::size_t length = std::max<std::size_t>(point.length, 1);
        out += rest.substr(0, length);
        rest.remove_prefix(length);
    }
    return out;
}

// ordered_map looks every new key up from its beginning; keys that are known to be new go straight to its
// end.
void append_key(Json& object, std::string key, Json value) {
    object.get_ref<Json::object_t&>().emplace_back(std::move(key), std::move(value));
}

Result<Json> scalar_value(const std::string& tag, const std::string& text) {
    const bool is_text = tag == "!" || tag == "tag:yaml.org,2002:str" || tag == "tag:yaml.org,2002:timestamp";
    if (is_text) return Json(with_whole_escapes(text));
    if (tag == "?" || tag.empty()) return resolve_plain_scalar(text);
    const std::string_view type =
        std::string_view(tag).substr(tag.starts_with(kYamlTag) ? kYamlTag.size() : 0);
    TRY_ASSIGN(Json value, resolve_plain_scalar(text));
    const bool fits = (type == "int" && value.is_number_integer()) ||
                      (type == "float" && value.is_number()) || (type == "bool" && value.is_boolean()) ||
                      (type == "null" && value.is_null());
    if (fits) return value;
    return fail(Errc::invalid_input,
                "\"" + printable(text.substr(0, 100)) + "\" with the tag " + printable(tag));
}

// kubectl makes JSON, whose keys are strings, of the booleans and integers that plain keys may be.
Result<std::string> key_text(const std::string& tag, const std::string& text) {
    TRY_ASSIGN(const Json value, scalar_value(tag, text));
    if (value.is_string()) return value.get<std::string>();
    if (value.is_boolean() || value.is_number_integer()) return value.dump();
    return fail(Errc::invalid_input, "key " + printable(text.substr(0, 100)) + " is no text",
                "Put the key in quotes.");
}

// The tree grows at the end of a stack of open collections. The first error stays, and what follows it is
// ignored.
class TreeBuilder final : public YAML::EventHandler {
  public:
    TreeBuilder(std::string_view text, std::string_view source) : rest_(text), source_(source) {}

    [[nodiscard]] bool failed() const { return error_.has_value(); }
    Result<std::vector<YamlDocument>> take() {
        if (error_) return std::unexpected(*std::move(error_));
        return std::move(documents_);
    }

    // yaml-cpp ends a document where the indentation of its value ends, and begins the next without a "---".
    void OnDocumentStart(const YAML::Mark& mark) override {
        anchors_.clear();
        const std::size_t line = line_of(mark);
        while (rest_line_ < line && !rest_.empty()) {
            rest_.remove_prefix(std::min(rest_.size(), rest_.find('\n') + 1));
            ++rest_line_;
        }
        if (!std::exchange(first_document_, false) && !rest_.starts_with("---")) {
            refuse(line, "this belongs to nothing above it: is its indent wrong, or a \"---\" missing?");
        }
    }
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        if (wants_key()) return refuse(line_of(mark), "a key without text");
        add(line_of(mark), anchor, nullptr);
    }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        if (failed()) return;
        if (wants_key()) return refuse(line_of(mark), "an alias as a key");
        const auto found = anchors_.find(anchor);
        if (found == anchors_.end()) return refuse(line_of(mark), "an alias inside of what it stands for");
        if (spend(line_of(mark), extent_of(found->second))) attach(line_of(mark), Json(found->second));
    }
    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& text) override {
        if (failed()) return;
        if (wants_key()) return key(line_of(mark), tag, text);
        auto value = scalar_value(tag, text);
        if (!value) return refuse(line_of(mark), std::move(value).error());
        add(line_of(mark), anchor, *std::move(value));
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        open(line_of(mark), tag, "seq", anchor, Json::array());
    }
    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        open(line_of(mark), tag, "map", anchor, Json::object());
    }
    void OnSequenceEnd() override { close(); }
    void OnMapEnd() override { close(); }

  private:
    enum class Wants : std::uint8_t { item, key, value, merged };
    struct Open {
        Json value;
        std::size_t line = 0;
        YAML::anchor_t anchor = YAML::NullAnchor;
        Wants wants = Wants::item;
        std::string key;                       // of the value that comes next
        std::unordered_set<std::string> keys;  // all of a mapping so far
        std::vector<Json> merged;              // the mappings that << names, in order
    };

    static std::size_t line_of(const YAML::Mark& mark) {
        return mark.line < 0 ? 1 : static_cast<std::size_t>(mark.line) + 1;
    }
    [[nodiscard]] bool wants_key() const { return !open_.empty() && open_.back().wants == Wants::key; }

    void refuse(std::size_t line, Error error) {
        if (!error_) error_ = std::move(error).context(source_ + ":" + std::to_string(line));
    }
    void refuse(std::size_t line, std::string what) {
        refuse(line, Error{.code = Errc::invalid_input, .message = std::move(what), .next_step = {}});
    }

    // What an alias expands to, and what is kept for aliases to come, counts against the same bounds.
    bool spend(std::size_t line, const Extent& extent) {
        nodes_ += extent.nodes;
        alias_bytes_ += extent.bytes;
        if (nodes_ > kMaxYamlNodes) refuse(line, "more than 1,000,000 values, aliases expanded");
        if (alias_bytes_ > kMaxYamlAliasBytes) refuse(line, "aliases that expand to more than 64 MiB");
        if (open_.size() + extent.depth > kMaxYamlDepth) refuse(line, "more than 100 levels deep");
        return !failed();
    }

    void key(std::size_t line, const std::string& tag, const std::string& text) {
        Open& top = open_.back();
        if (text == "<<" && tag == "?") {
            top.wants = Wants::merged;
            return;
        }
        auto name = key_text(tag, text);
        if (!name) return refuse(line, std::move(name).error());
        if (!top.keys.insert(*name).second)
            return refuse(line, "key \"" + printable(*name) + "\" stands twice in one mapping");
        top.key = *std::move(name);
        top.wants = Wants::value;
    }

    void open(std::size_t line, const std::string& tag, std::string_view type, YAML::anchor_t anchor,
              Json empty) {
        if (failed()) return;
        if (wants_key()) return refuse(line, "a key that is a list or a mapping");
        const bool known =
            tag.empty() || tag == "?" || tag == "!" || tag == std::string(kYamlTag).append(type);
        if (!known) return refuse(line, "unknown tag " + printable(tag));
        if (!spend(line, {1, 0, 1})) return;
        const Wants wants = empty.is_object() ? Wants::key : Wants::item;
        open_.push_back({.value = std::move(empty),
                         .line = line,
                         .anchor = anchor,
                         .wants = wants,
                         .key = {},
                         .keys = {},
                         .merged = {}});
    }

    void close() {
        if (failed()) return;
        Open done = std::move(open_.back());
        open_.pop_back();
        // Keys of the mapping itself win over merged ones, earlier merged ones over later ones.
        for (Json& source : done.merged) {
            for (auto& [name, value] : source.get_ref<Json::object_t&>()) {
                if (done.keys.insert(name).second) append_key(done.value, name, std::move(value));
            }
        }
        keep_for_aliases(done.line, done.anchor, done.value);
        attach(done.line, std::move(done.value));
    }

    void add(std::size_t line, YAML::anchor_t anchor, Json scalar) {
        if (failed() || !spend(line, {1, 0, 1})) return;
        keep_for_aliases(line, anchor, scalar);
        attach(line, std::move(scalar));
    }

    void keep_for_aliases(std::size_t line, YAML::anchor_t anchor, const Json& value) {
        if (anchor != YAML::NullAnchor && spend(line, extent_of(value))) anchors_[anchor] = value;
    }

    void attach(std::size_t line, Json value) {
        if (open_.empty()) {
            if (!value.is_null()) documents_.push_back({std::move(value), line});
            return;
        }
        Open& top = open_.back();
        switch (std::exchange(top.wants, top.wants == Wants::item ? Wants::item : Wants::key)) {
            case Wants::item:
                top.value.push_back(std::move(value));
                return;
            case Wants::value:
                append_key(top.value, std::move(top.key), std::move(value));
                return;
            case Wants::merged:
                return merge(line, std::move(value));
            case Wants::key:
                return;
        }
    }

    void merge(std::size_t line, Json value) {
        Json sources = value.is_array() ? std::move(value) : Json::array({std::move(value)});
        for (Json& source : sources) {
            if (!source.is_object()) return refuse(line, "<< takes a mapping or a list of mappings");
            open_.back().merged.push_back(std::move(source));
        }
    }

    std::string_view rest_;  // of the text, from line rest_line_ on
    std::size_t rest_line_ = 1;
    std::string source_;
    bool first_document_ = true;
    std::vector<YamlDocument> documents_;
    std::vector<Open> open_;
    std::unordered_map<YAML::anchor_t, Json> anchors_;
    std::size_t nodes_ = 0;
    std::size_t alias_bytes_ = 0;
    std::optional<Error> error_;
};

// yaml-cpp passes broken UTF-8 on and takes a NUL for the end of the text.
Result<> check_text(std::string_view text, std::string_view source) {
    std::size_t line = 1;
    for (std::size_t at = 0; at < text.size();) {
        const CodePoint point = first_code_point(text.substr(at));
        const bool control =
            point.value < 0x20 && point.value != '\t' && point.value != '\n' && point.value != '\r';
        if (point.length == 0 || control) {
            return fail(Errc::invalid_input,
                        std::string(source) + ":" + std::to_string(line) +
                            (point.length == 0 ? ": not UTF-8" : ": a control character"));
        }
        if (point.value == '\n') ++line;
        at += point.length;
    }
    return {};
}

// nullopt where it is no JSON; the bounds hold for it too, and keys of one object are few, because nlohmann
// looks each of them up from the first.
std::optional<Json> read_json(std::string_view text) {
    constexpr std::size_t kMaxKeys = 10'000;
    std::vector<std::unordered_set<std::string>> keys;
    std::size_t nodes = 0;
    bool refused = false;
    const auto watch = [&](int depth, Json::parse_event_t event, const Json& parsed) {
        if (event == Json::parse_event_t::object_start) keys.emplace_back();
        if (event == Json::parse_event_t::object_end) keys.pop_back();
        if (event == Json::parse_event_t::key)
            refused |= !keys.back().insert(parsed.get_ref<const std::string&>()).second;
        refused |= static_cast<std::size_t>(depth) >= kMaxYamlDepth || ++nodes > kMaxYamlNodes;
        refused |= !keys.empty() && keys.back().size() > kMaxKeys;
        return !refused;
    };
    Json out = Json::parse(text, watch, /*allow_exceptions=*/false);
    return refused || out.is_discarded() ? std::nullopt : std::optional(std::move(out));
}

}  // namespace

Result<std::vector<YamlDocument>> read_yaml(std::string_view text, std::string_view source) {
    if (text.size() > kMaxYamlBytes)
        return fail(Errc::invalid_input, std::string(source) + ": larger than 16 MiB");
    TRY(check_text(text, source));
    TreeBuilder builder(text, source);
    try {
        std::istringstream stream{std::string(text)};
        YAML::Parser parser(stream);
        while (!builder.failed() && parser.HandleNextDocument(builder)) {
        }
        return builder.take();
    } catch (const YAML::Exception& failure) {
        if (builder.failed()) return builder.take();
        if (auto json = read_json(text)) {
            std::vector<YamlDocument> out;
            out.push_back({*std::move(json), 1});
            return out;
        }
        const int line = std::max(failure.mark.line, 0) + 1;
        return fail(Errc::invalid_input,
                    std::string(source) + ":" + std::to_string(line) + ": not YAML: " + failure.msg);
    }
}

}  // namespace synchost::k8s
